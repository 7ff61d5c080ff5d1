package main

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"exhibit/export/mail/mime"
)

// Targets are what ours has to reach beside the fastest peer.
const (
	targetCorpus  = 1.5 // with hashing
	targetHashed  = 1.2 // large attachments, with hashing
	targetDecoded = 1.5 // large attachments, without hashing
)

// ratios measures each input with and without hashing and prints a table. In
// each round all readers read once, one after the other, so that what else the
// machine does falls on all of them.
func ratios(w io.Writer, list []input, rounds int) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "input\thashes\t")
	for _, r := range readers() {
		fmt.Fprintf(table, "%s\t", r.name)
	}
	fmt.Fprintln(table, "ratio\tat best\ttarget\t")
	for _, in := range list {
		for _, hashing := range []bool{true, false} {
			speeds, ratio, best := measure(in, hashing, rounds)
			fmt.Fprintf(table, "%s\t%s\t", in.name, yes(hashing))
			for _, s := range speeds {
				fmt.Fprintf(table, "%.0f\t", s)
			}
			fmt.Fprintf(table, "%.2f\t%.2f\t%s\t\n", ratio, best, target(in, hashing))
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, in := range list {
		if !in.large {
			fmt.Fprintf(w, "%s: messages given up, and MB of decoded content:%s\n", in.name, endings(in))
		}
	}
	_, err := fmt.Fprintf(w, "speeds in MB/s, medians of %d rounds; ours: %.2f allocations a header line (structure alone: %.2f)\n",
		rounds, allocations(true), allocations(false))
	return err
}

// endings tells of each reader how many messages it did not read to the end, and
// how much content it found in all.
func endings(in input) string {
	var text strings.Builder
	d := newDigester(false)
	for _, r := range readers() {
		failed, decoded := 0, int64(0)
		for _, m := range in.messages {
			got, err := r.read(m, d)
			if err != nil {
				failed++
			}
			for _, l := range got.Leaves {
				decoded += l.Size
			}
		}
		fmt.Fprintf(&text, " %s %d, %.2f;", r.name, failed, float64(decoded)/1e6)
	}
	return strings.TrimSuffix(text.String(), ";")
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func target(in input, hashing bool) string {
	switch {
	case strings.HasPrefix(in.name, "corpus") && hashing:
		return fmt.Sprintf("%.1f", targetCorpus)
	case in.large && hashing:
		return fmt.Sprintf("%.1f", targetHashed)
	case in.large:
		return fmt.Sprintf("%.1f", targetDecoded)
	}
	return "-"
}

// measure returns the median speed of each reader in MB/s, and the median of
// the ratios that the rounds have of ours to the peer that is fastest in all. best
// is the ratio of the fastest rounds, which tells more on a machine that has other
// work.
func measure(in input, hashing bool, rounds int) (speeds []float64, ratio, best float64) {
	all := readers()
	d := newDigester(hashing)
	times := make([][]float64, len(all)) // in seconds, by reader, then by round
	for round := range rounds + 1 {      // the first one warms up
		for turn := range all {
			i := (turn + round) % len(all) // each is first at times
			took := timed(all[i], in, d)
			if round > 0 {
				times[i] = append(times[i], took)
			}
		}
	}
	fastest := 1
	for i := range all {
		speeds = append(speeds, float64(in.bytes())/1e6/median(times[i]))
		if i > 0 && speeds[i] > speeds[fastest] {
			fastest = i
		}
	}
	ratios := make([]float64, rounds)
	for round := range ratios {
		ratios[round] = times[fastest][round] / times[0][round]
	}
	fast := slices.Min(times[1])
	for _, peer := range times[2:] {
		fast = min(fast, slices.Min(peer))
	}
	return speeds, median(ratios), fast / slices.Min(times[0])
}

// timed reads all messages of an input and returns how many seconds that took.
func timed(r reader, in input, d *digester) float64 {
	runtime.GC()
	start := time.Now()
	for _, m := range in.messages {
		r.read(m, d) //nolint:errcheck // a reader that gives up has less to do
	}
	return time.Since(start).Seconds()
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// allocations returns ours for each line of a long header: with the values that
// are compared here, or of the structure alone.
func allocations(values bool) float64 {
	const lines = 200
	raw := headerMessage(lines)
	const times = 100
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range times {
		m := mime.Parse(raw, mime.Options{})
		if values {
			ourReading(m)
		}
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / times / lines
}
