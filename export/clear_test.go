package export_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"exhibit/export"
	"exhibit/store/dir"
)

// Invariant 13: while an export runs, and after it, no content is in the clear on a
// disk of the provider: not in the spools, not in the state folder, not in the store.
func TestNothingInTheClear(t *testing.T) {
	const word = "UNMISTAKABLEWORD"
	files := map[string]string{}
	for _, name := range []string{"1.eml", "2.eml", "3.eml"} {
		files[name] = message("Mon, 01 Jun 2026 10:00:00 +0000", word+"@x.example", word, strings.Repeat(word+"\n", 1000))
	}
	storeDir, temp := filepath.Join(t.TempDir(), "store"), t.TempDir()
	st, err := dir.Create(storeDir)
	check(t, err)
	w := newWorld(t, st)
	o := w.order(entireA)
	w.approve(o, export.Approval{})
	good := *w.provider
	looked := 0
	look := func(string) {
		looked += inTheClear(t, temp, word) + inTheClear(t, storeDir, word)
		if runtime.GOOS == "linux" { // files that have no name any more
			looked += openInTheClear(t, temp, word)
		}
	}
	w.provider.Store = gate{Store: good.Store, before: look, after: look}
	j := w.job(o, source("a@mail.example", writeFiles(t, files)))
	j.TempDir = temp
	_, err = export.Run(t.Context(), j)
	check(t, err)
	*w.provider = good
	if looked == 0 {
		t.Error("looked at no file at all")
	}
	for info, err := range good.State.List(t.Context(), "") {
		check(t, err)
		r, err := good.State.Open(t.Context(), info.Key, 0, -1)
		check(t, err)
		if bytes.Contains(readAll(t, r), []byte(word)) {
			t.Errorf("state %s holds content", info.Key)
		}
	}
}

// inTheClear looks into every file below a folder, and tells how many there are.
func inTheClear(t *testing.T, folder, word string) (files int) {
	t.Helper()
	check(t, filepath.WalkDir(folder, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // a temporary file may go at any time
		}
		data, err := os.ReadFile(p)
		if err == nil && bytes.Contains(data, []byte(word)) {
			t.Errorf("%s holds content in the clear", p)
		}
		files++
		return nil
	}))
	return files
}

// openInTheClear looks into the files of a folder that this process holds open.
func openInTheClear(t *testing.T, folder, word string) (files int) {
	t.Helper()
	descriptors, err := filepath.Glob("/proc/self/fd/*")
	check(t, err)
	for _, fd := range descriptors {
		target, err := os.Readlink(fd)
		if err != nil || !strings.HasPrefix(target, folder) {
			continue
		}
		data, err := os.ReadFile(fd)
		if err == nil && bytes.Contains(data, []byte(word)) {
			t.Errorf("%s holds content in the clear", target)
		}
		files++
	}
	return files
}
