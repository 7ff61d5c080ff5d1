package main

import (
	"fmt"
	"io"
	"time"

	"exhibit/export"
	"exhibit/export/bag"
	"exhibit/export/order"
	"exhibit/sign/manifest"
)

// counted is what came of one account.
type counted struct {
	Account  string `json:"account"`
	Source   int64  `json:"source"`
	Included int64  `json:"included"`
	// Traffic and Subscriber are those of Included that are records, Admitted those
	// that only a reviewer's word let in.
	Traffic    int64             `json:"traffic"`
	Subscriber int64             `json:"subscriber"`
	Admitted   int64             `json:"admitted"`
	Withheld   []bag.ReasonCount `json:"withheld"`
}

type noted struct {
	Account string `json:"account"`
	File    string `json:"file"`
	Offset  int64  `json:"offset"`
	Reason  string `json:"reason"`
}

func notedOf(n export.Noted) noted {
	return noted{Account: n.Account, File: n.File, Offset: n.Offset, Reason: n.Reason}
}

// tally is what reading has found, in both results.
type tally struct {
	Accounts     []counted         `json:"accounts"`
	Gaps         []bag.ReasonCount `json:"gaps"`
	Files        int64             `json:"files"`
	Bytes        int64             `json:"bytes"`
	Undetermined []noted           `json:"undetermined"`
	// Unread are whole files that are no item.
	Unread []noted `json:"unread"`
}

func tallyOf(r *export.Reading, undetermined []export.Noted) tally {
	t := tally{Accounts: []counted{}, Gaps: r.GapCounts(), Files: r.Files, Bytes: r.Bytes, Undetermined: []noted{}, Unread: []noted{}}
	for _, a := range r.Accounts {
		t.Accounts = append(t.Accounts, counted{
			Account: a.Account, Source: a.Source, Included: a.Included,
			Traffic: a.Traffic, Subscriber: a.Subscriber, Admitted: a.Admitted, Withheld: a.Reasons(),
		})
	}
	for _, n := range undetermined {
		t.Undetermined = append(t.Undetermined, notedOf(n))
	}
	for _, n := range r.Unread {
		t.Unread = append(t.Unread, notedOf(n))
	}
	return t
}

func (t tally) text(w io.Writer) {
	for _, a := range t.Accounts {
		fmt.Fprintf(w, "  %s: %s in the sources, %d in, %d out\n", oneLine(a.Account), plural(a.Source, "item"), a.Included, a.Source-a.Included)
		for _, in := range []struct {
			what string
			n    int64
		}{{"as traffic records", a.Traffic}, {"as subscriber records", a.Subscriber}, {"admitted by the review", a.Admitted}} {
			if in.n > 0 {
				fmt.Fprintf(w, "    in   %s: %d\n", in.what, in.n)
			}
		}
		for _, r := range a.Withheld {
			if r.Count > 0 {
				fmt.Fprintf(w, "    out  %-13s %d\n", r.Reason, r.Count)
			}
		}
	}
	for _, g := range t.Gaps {
		fmt.Fprintf(w, "  no item: %s: %d\n", g.Reason, g.Count)
	}
	for _, n := range t.Unread {
		fmt.Fprintf(w, "  no item in %q: %s\n", n.File, n.Reason)
	}
	for _, n := range t.Undetermined {
		fmt.Fprintf(w, "  look at %q, byte %d: %s\n", n.File, n.Offset, n.Reason)
	}
}

type previewed struct {
	Reference string `json:"reference"`
	DryRun    bool   `json:"dry_run"`
	// Acceptance is that of the review whose order was read with: whole or in-part;
	// empty where no review is in force, or there is no workspace.
	Acceptance string `json:"acceptance"`
	Reviewer   string `json:"reviewer"`
	tally
}

func (r previewed) text(w io.Writer) {
	fmt.Fprintf(w, "dry run of order %s: nothing was made\n", oneLine(r.Reference))
	switch r.Acceptance {
	case string(manifest.Whole):
		fmt.Fprintf(w, "  as accepted by %s\n", oneLine(r.Reviewer))
	case string(manifest.InPart):
		fmt.Fprintf(w, "  as accepted IN PART by %s\n", oneLine(r.Reviewer))
	default:
		fmt.Fprintln(w, "  of the order as it is: no review of it is in force")
	}
	r.tally.text(w)
}

type exported struct {
	Package    string            `json:"package"`
	Address    string            `json:"address"`
	Reference  string            `json:"reference"`
	Repeated   bool              `json:"repeated"`
	Finished   bool              `json:"finished"`
	Volumes    int               `json:"volumes"`
	Size       int64             `json:"size"`
	Items      int64             `json:"items"`
	Exceptions []bag.ReasonCount `json:"exceptions"`
	// Acceptance says how much of the order the review had accepted: whole or in-part.
	Acceptance string `json:"acceptance"`
	// Emergency says that the emergency rule let it out; null where nothing was made.
	Emergency *bool    `json:"emergency"`
	Elapsed   string   `json:"since_received"`
	Warnings  []string `json:"warnings"`
	// Read is what was read; null when nothing was.
	Read *tally `json:"read"`
}

func exportedOf(res *export.Result, ord *order.Order, now time.Time) exported {
	r := exported{
		Package: res.Package.String(), Address: res.Address, Reference: ord.Reference, Repeated: res.Repeated, Finished: res.Finished,
		Volumes: len(res.Manifest.Volumes()), Items: res.Manifest.Counts.Included,
		Exceptions: append([]bag.ReasonCount{}, res.Exceptions...), Warnings: append([]string{}, res.Warnings...),
		Elapsed: now.Sub(ord.Received).Round(time.Second).String(), Acceptance: string(res.Manifest.Acceptance),
	}
	for _, obj := range res.Manifest.Objects {
		r.Size += obj.Size
	}
	if res.Reading != nil {
		t := tallyOf(res.Reading, res.Undetermined)
		r.Read, r.Emergency = &t, &res.Emergency
	}
	return r
}

func (r exported) text(w io.Writer) {
	switch {
	case r.Repeated:
		fmt.Fprintf(w, "order %s has its package already; nothing was made\n", oneLine(r.Reference))
	case r.Finished:
		fmt.Fprintf(w, "finished the interrupted export of order %s\n", oneLine(r.Reference))
	default:
		fmt.Fprintf(w, "exported order %s, %s after it was received\n", oneLine(r.Reference), elapsedText(r.Elapsed))
	}
	if r.Acceptance == string(manifest.InPart) {
		fmt.Fprintln(w, "  only a part of the order was accepted")
	}
	if r.Emergency != nil && *r.Emergency {
		fmt.Fprintln(w, "  released under the emergency rule: the other approvals have to follow")
	}
	if r.Read != nil {
		r.Read.text(w)
	}
	for _, e := range r.Exceptions {
		fmt.Fprintf(w, "  in, but not normalized: %s: %d\n", e.Reason, e.Count)
	}
	for _, warning := range r.Warnings {
		fmt.Fprintf(w, "warning: %s\n", oneLine(warning))
	}
	fmt.Fprintf(w, "package %s, %s in %s, %s\n", r.Package, plural(r.Items, "item"), plural(r.Volumes, "volume"), bytesText(r.Size))
	fmt.Fprintf(w, "%s\n", r.Address)
}
