package main

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"exhibit/export/mail/mime"
)

// differences tells where two readings differ, in words; empty when they do not.
func differences(got, want *reading) []string {
	var list []string
	differ := func(what string, got, want any) {
		if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
			list = append(list, fmt.Sprintf("%s: %s\n  want %s", what, g, w))
		}
	}
	differ("messages", len(got.Messages), len(want.Messages))
	for i := range min(len(got.Messages), len(want.Messages)) {
		g, w := got.Messages[i], want.Messages[i]
		at := fmt.Sprintf("message %d: ", i)
		differ(at+"Message-ID", g.ID, w.ID)
		differ(at+"References", g.References, w.References)
		differ(at+"Date", g.Date.Format(time.RFC3339), w.Date.Format(time.RFC3339))
		differ(at+"From", quoted(g.From), quoted(w.From))
		differ(at+"To", quoted(g.To), quoted(w.To))
		differ(at+"Cc", quoted(g.Cc), quoted(w.Cc))
		differ(at+"Subject", fmt.Sprintf("%q", g.Subject), fmt.Sprintf("%q", w.Subject))
	}
	differ("leaves", len(got.Leaves), len(want.Leaves))
	for i := range min(len(got.Leaves), len(want.Leaves)) {
		g, w := got.Leaves[i], want.Leaves[i]
		differ(fmt.Sprintf("leaf %d", i), g.String(), w.String())
	}
	return list
}

func quoted(list []address) string { return fmt.Sprintf("%q", list) }

func (l leaf) String() string {
	return fmt.Sprintf("%s; charset=%s %s %q %d bytes, sha256 %x, md5 %x", l.Type, l.Charset, l.Disposition, l.Name, l.Size, l.SHA256[:6], l.MD5[:6])
}

// Ours reads what was written.
func TestTruth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw, truth := generate(t, nil)
		m := mime.Parse(raw, mime.Options{})
		for _, diff := range differences(ourReading(m), truth) {
			t.Errorf("%s", diff)
		}
		for _, defect := range m.Defects {
			t.Errorf("well-formed mail has the defect %+v", defect)
		}
		if t.Failed() {
			t.Logf("message:\n%s", raw)
		}
	})
}

// A message that comes from a reader is read as one in memory, and without
// digests there are the same sizes.
func TestOptions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw, truth := generate(t, nil)
		m, err := mime.ParseReaderAt(bytes.NewReader(raw), int64(len(raw)), mime.Options{NoHash: true})
		if err != nil {
			t.Fatal(err)
		}
		for i := range truth.Leaves {
			truth.Leaves[i].SHA256 = [32]byte{}
			truth.Leaves[i].MD5 = [16]byte{}
		}
		for _, diff := range differences(ourReading(m), truth) {
			t.Errorf("%s", diff)
		}
	})
}

// stdlibClasses are what the standard library reads in another way. The others
// build upon it.
var stdlibClasses = []class{
	classNamedZone, classShortZone, classQuotedLocal, classLiteral, classParameterCharset, classFieldComment,
	classTab, classDigest,
}

// peerClasses is what is left out for each peer.
var peerClasses = map[string][]class{
	"stdlib":     stdlibClasses,
	"go-message": stdlibClasses,
	"enmime":     append([]class{classTextCharset, classNoType}, stdlibClasses...),
}

// Ours reads what each peer reads, and both read what was written.
func TestPeers(t *testing.T) {
	for _, peer := range readers()[1:] {
		t.Run(peer.name, func(t *testing.T) {
			d := newDigester(true)
			rapid.Check(t, func(t *rapid.T) {
				raw, truth := generate(t, peerClasses[peer.name])
				theirs, err := peer.read(raw, d)
				if err != nil {
					t.Errorf("%s: %v", peer.name, err)
				}
				ours, _ := readOurs(raw, d)
				for _, diff := range differences(ours, theirs) {
					t.Errorf("ours and %s: %s", peer.name, diff)
				}
				for _, diff := range differences(theirs, truth) {
					t.Errorf("%s and what was written: %s", peer.name, diff)
				}
				if t.Failed() {
					t.Logf("message:\n%s", raw)
				}
			})
		})
	}
}

// A class is left out for a peer only as long as the peer reads it in another
// way: with every other class left out, some message shows it.
func TestLeftOut(t *testing.T) {
	type sample struct {
		raw   []byte
		truth *reading
	}
	for _, peer := range readers()[1:] {
		d := newDigester(true)
		for _, c := range peerClasses[peer.name] {
			rest := slices.DeleteFunc(slices.Clone(peerClasses[peer.name]), func(other class) bool { return other == c })
			samples := rapid.Custom(func(t *rapid.T) sample {
				raw, truth := generate(t, rest)
				return sample{raw, truth}
			})
			shown := false
			for seed := 0; seed < 1000 && !shown; seed++ {
				s := samples.Example(seed)
				got, err := peer.read(s.raw, d)
				shown = err != nil || len(differences(got, s.truth)) > 0
			}
			if !shown {
				t.Errorf("%s reads %s as it was written: it need not be left out", peer.name, c)
			}
		}
	}
}
