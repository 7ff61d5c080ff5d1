package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// listed is a package as go list prints it.
type listed struct {
	ImportPath string
	Standard   bool
	Module     *struct{ Path string }
	Imports    []string
	Incomplete bool
}

func (l *listed) own() bool { return l.Module != nil && l.Module.Path == "exhibit" }

// goList runs go list -deps on packages of this module.
func goList(t *testing.T, env []string, patterns ...string) map[string]*listed {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-deps", "-json=ImportPath,Standard,Module,Imports,Incomplete"}, patterns...)...)
	cmd.Dir = filepath.Join("..", "..")
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	packages := map[string]*listed{}
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	for {
		l := new(listed)
		err := decoder.Decode(l)
		if errors.Is(err, io.EOF) {
			return packages
		}
		if err != nil {
			t.Fatal(err)
		}
		if l.Incomplete {
			t.Errorf("%s cannot be loaded", l.ImportPath)
		}
		packages[l.ImportPath] = l
	}
}

// layer says how high a package stands: it may import only lower ones, or, where
// the layer allows, others of its own.
func layer(path string) (name string, height int) {
	switch rest, _ := strings.CutPrefix(path, "exhibit/"); {
	case strings.HasPrefix(rest, "cmd/"):
		return "cmd", 4
	case rest == "export":
		return "export", 3
	case strings.HasPrefix(rest, "export/"):
		return "export/*", 2
	case rest == "sign" || strings.HasPrefix(rest, "sign/"):
		return "sign/*", 1
	case rest == "store" || strings.HasPrefix(rest, "store/"):
		return "store", 0
	case rest == "testdata":
		return "testdata", -1
	}
	return "", -1
}

// Dependencies go one way: cmd, export, export/*, sign/*, store.
func TestImportDirections(t *testing.T) {
	own := 0
	for path, l := range goList(t, nil, "./...", "./testdata") {
		if !l.own() {
			continue
		}
		own++
		name, height := layer(path)
		if name == "" {
			t.Errorf("%s belongs to no layer", path)
			continue
		}
		for _, imported := range l.Imports {
			if !strings.HasPrefix(imported, "exhibit/") {
				continue
			}
			to, below := layer(imported)
			switch {
			case to == "testdata" && name != "cmd":
				t.Errorf("%s imports sample data", path)
			case to == "testdata":
			case below > height:
				t.Errorf("%s imports %s, which stands above it", path, imported)
			case to == "store" && name != "cmd" && name != "store" && path != "exhibit/export" && path != "exhibit/sign/custody/tlog":
				t.Errorf("%s imports %s: only export and the log reach a store", path, imported)
			case imported == "exhibit/store/s3" && name != "cmd" && path != "exhibit/store/storetest":
				t.Errorf("%s imports %s: only cmd and tests do", path, imported)
			case imported == "exhibit/store/storetest" && !strings.HasPrefix(path, imported+"/"):
				t.Errorf("%s imports %s outside its tests", path, imported)
			case name == "cmd" && to == "cmd":
				t.Errorf("%s imports %s", path, imported)
			}
		}
		for _, banned := range []string{"log", "log/slog"} {
			if name != "cmd" && slices.Contains(l.Imports, banned) {
				t.Errorf("%s imports %s: a library returns errors", path, banned)
			}
		}
	}
	if own < 20 {
		t.Errorf("only %d packages of our own were looked at", own)
	}
}

// Package store needs nothing but the standard library.
func TestStoreIsStandardOnly(t *testing.T) {
	for path, l := range goList(t, nil, "./store") {
		if !l.Standard && path != "exhibit/store" {
			t.Errorf("exhibit/store depends on %s", path)
		}
	}
}

// The opening side needs no operating system and no store, so that it can run in
// a browser.
func TestOpeningSide(t *testing.T) {
	wasm := []string{"GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0"}
	packages := goList(t, wasm, "./export/open")
	for path, l := range packages {
		if strings.HasPrefix(path, "exhibit/store") || strings.Contains(path, "minio") || strings.Contains(path, "aws-sdk") {
			t.Errorf("export/open depends on %s", path)
		}
		if !l.own() {
			continue
		}
		if slices.Contains(l.Imports, "os") && path != "exhibit/export/mail" { // whose formats, not files, are needed
			t.Errorf("%s, which export/open depends on, imports os", path)
		}
		for _, banned := range []string{"os/exec", "os/signal", "os/user", "syscall", "net", "net/http", "golang.org/x/sys/unix", "golang.org/x/term"} {
			if slices.Contains(l.Imports, banned) {
				t.Errorf("%s, which export/open depends on, imports %s", path, banned)
			}
		}
	}
	if packages["exhibit/export/open"] == nil {
		t.Fatal("export/open was not looked at")
	}
	cmd := exec.Command("go", "build", "./export/open")
	cmd.Dir = filepath.Join("..", "..")
	cmd.Env = append(os.Environ(), wasm...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("export/open does not build for js/wasm: %v\n%s", err, out)
	}
}

// The top level holds these and nothing else, but files whose names begin with a
// dot; and no folder is a grab-bag.
func TestTopLevel(t *testing.T) {
	top := filepath.Join("..", "..")
	entries, err := os.ReadDir(top)
	if err != nil {
		t.Fatal(err)
	}
	allowed := []string{"cmd", "export", "sign", "store", "testdata", "go.mod", "go.sum", "README.md"}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && !slices.Contains(allowed, e.Name()) && !ignored(t, top, e.Name()) {
			t.Errorf("%s does not belong at the top", e.Name())
		}
	}
	for _, name := range allowed {
		if _, err := os.Stat(filepath.Join(top, name)); err != nil {
			t.Error(err)
		}
	}
	for path := range goList(t, nil, "./...") {
		if base := path[strings.LastIndexByte(path, '/')+1:]; strings.HasPrefix(path, "exhibit/") && slices.Contains([]string{"util", "utils", "common", "helpers", "misc"}, base) {
			t.Errorf("%s says nothing by its name", path)
		}
	}
}

// ignored reports whether .gitignore names something at the top: what the demo
// and builds leave there.
func ignored(t *testing.T, top, name string) bool {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(top, ".gitignore"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(strings.Fields(string(data)), func(line string) bool { return strings.Trim(line, "/") == name })
}
