package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/text/unicode/norm"
)

// key is a value that readers can agree on.
type key struct {
	name string
	// same returns what is read, and whether it is what is wanted.
	same func(r reading, want json.RawMessage) (got any, same bool, err error)
}

// keys are all of them, in the order of the table.
var keys = []key{
	{"mid", text(func(r reading) string { return r.mid })},
	{"date", sameDate},
	{"from", list(func(r reading) []string { return r.senders })},
	{"to", list(func(r reading) []string { return r.to })},
	{"subj", text(func(r reading) string { return r.subj })},
	{"natt", sameCount},
	{"names", list(func(r reading) []string { return r.names })},
	{"sha", list(func(r reading) []string { return r.sha })},
}

// text compares a text; null is the empty one.
func text(of func(reading) string) func(reading, json.RawMessage) (any, bool, error) {
	return func(r reading, raw json.RawMessage) (any, bool, error) {
		want, err := decode[string](raw)
		got := of(r)
		return got, got == want, err
	}
}

// list compares sorted lists.
func list(of func(reading) []string) func(reading, json.RawMessage) (any, bool, error) {
	return func(r reading, raw json.RawMessage) (any, bool, error) {
		want, err := decode[[]string](raw)
		for i := range want {
			want[i] = norm.NFC.String(want[i])
		}
		slices.Sort(want)
		got := of(r)
		return got, slices.Equal(got, want), err
	}
}

func sameDate(r reading, raw json.RawMessage) (any, bool, error) {
	want, err := decode[*int64](raw)
	if !r.date {
		return nil, want == nil, err
	}
	return r.from, want != nil && r.from <= *want && *want <= r.until, err
}

func sameCount(r reading, raw json.RawMessage) (any, bool, error) {
	want, err := decode[int](raw)
	got := len(r.names)
	return got, got == want, err
}

func decode[T any](raw json.RawMessage) (T, error) {
	var v T
	err := json.Unmarshal(raw, &v)
	return v, err
}

// compare reads all messages of a corpus and holds them against its rows.
func compare(ctx context.Context, corpus string) (*report, error) {
	wanted, err := rows(corpus)
	if err != nil {
		return nil, err
	}
	found, err := items(ctx, corpus)
	if err != nil {
		return nil, err
	}
	r := newReport(len(wanted))
	for _, row := range wanted {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if found[row.File] == 0 {
			r.WithoutItem = append(r.WithoutItem, row.File)
		}
		raw, err := os.ReadFile(filepath.Join(corpus, messages, row.File))
		if err != nil {
			return nil, err
		}
		if err := r.add(row, read(raw)); err != nil {
			return nil, fmt.Errorf("%s in %s: %w", row.File, agreed, err)
		}
	}
	return r, nil
}
