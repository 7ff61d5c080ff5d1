package main

import (
	"bytes"
	"strings"
	"testing"
)

// The command prints a line for each input and kind of work.
func TestRatios(t *testing.T) {
	small := []input{
		{"corpus", [][]byte{headerMessage(20), base64Message(10_000, 2)}, false},
		{"large", [][]byte{quotedMessage(10_000), eightBitMessage(10_000, prose)}, true},
	}
	var out bytes.Buffer
	if err := ratios(&out, small, 1); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 1+2*len(small)+2 {
		t.Errorf("%d lines:\n%s", len(lines), out.String())
	}
	for _, want := range []string{"ours", "stdlib", "go-message", "enmime", "ratio"} {
		if !strings.Contains(lines[0], want) {
			t.Errorf("no column %s: %s", want, lines[0])
		}
	}
	if last := lines[len(lines)-1]; !strings.Contains(last, "allocations a header line") {
		t.Errorf("last line: %s", last)
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{nil, {"ratio"}, {"ratios", "x"}, {"ratios", "-rounds", "0"}, {"ratios", "-unknown"}} {
		var stdout, stderr bytes.Buffer
		if code := run(args, &stdout, &stderr); code != 2 || stdout.Len() > 0 || !strings.Contains(stderr.String(), "usage:") {
			t.Errorf("run(%q) = %d, %q, %q; want 2 and the usage", args, code, stdout.String(), stderr.String())
		}
	}
}

// The inputs have the sizes that their names say, and every reader reads them to
// the same end.
func TestInputs(t *testing.T) {
	d := newDigester(true)
	for _, in := range []struct {
		name   string
		raw    []byte
		leaves int
	}{
		{"base64", base64Message(200_000, 3), 4},
		{"quoted-printable", quotedMessage(200_000), 1},
		{"8bit", eightBitMessage(200_000, logLine), 2},
		{"headers", headerMessage(200), 1},
	} {
		var first *reading
		for _, r := range readers() {
			got, err := r.read(in.raw, d)
			if err != nil || len(got.Leaves) != in.leaves {
				t.Errorf("%s: %s finds %d leaves, %v; want %d", in.name, r.name, len(got.Leaves), err, in.leaves)
			}
			if first == nil {
				first = got
			}
			for _, diff := range differences(got, first) {
				t.Errorf("%s: %s and ours: %s", in.name, r.name, diff)
			}
		}
	}
	header, _, _ := bytes.Cut(headerMessage(200), []byte("\r\n\r\n"))
	if lines := bytes.Count(header, []byte("\n")) + 1; lines != 200 {
		t.Errorf("%d header lines, want 200", lines)
	}
}
