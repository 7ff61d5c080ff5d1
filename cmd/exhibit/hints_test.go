package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"exhibit/export"
	"exhibit/sign/keyring"
)

// codesOf reads the constants of type Code in a package's source.
func codesOf(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no source in %s: %v", dir, err)
	}
	var codes []string
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if typ, ok := spec.Type.(*ast.Ident); !ok || typ.Name != "Code" {
				return true
			}
			for _, v := range spec.Values {
				code, err := strconv.Unquote(v.(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				codes = append(codes, code)
			}
			return true
		})
	}
	return codes
}

// Whoever is refused something reads why, and what to do next.
func TestEveryRefusalHasAHint(t *testing.T) {
	codes := codesOf(t, filepath.Join("..", "..", "export"))
	if len(codes) < 20 {
		t.Fatalf("only %d codes of refusals were found", len(codes))
	}
	for _, code := range codes {
		err := fmt.Errorf("order: %w", &export.Refusal{Code: export.Code(code), Reason: "something is not so"})
		hints := hintsFor(err)
		if len(hints) != 1 || hints[0] == "" {
			t.Errorf("%s: %d hints", code, len(hints))
			continue
		}
		if strings.HasSuffix(hints[0], ".") || strings.Contains(hints[0], "\n") {
			t.Errorf("%s: %q is no line without a full stop", code, hints[0])
		}
		if exitCode(err) != exitRefused || codeOf(err) != code {
			t.Errorf("%s: exit code %d, code %q", code, exitCode(err), codeOf(err))
		}
	}
}

func TestHintsOfTwoAdmins(t *testing.T) {
	for err, want := range map[error]string{
		keyring.ErrOneRoot:    "the second admin has not joined: `exhibit init DIR --admin NAME --holder WHO`",
		export.ErrOwnProposal: "another admin",
		export.ErrNotPending:  "waits for a second admin",
		export.ErrPending:     "another admin confirms it",
	} {
		hints := hintsFor(fmt.Errorf("it cannot be: %w", err))
		if len(hints) != 1 || !strings.Contains(hints[0], want) {
			t.Errorf("%v: hints %q, want %q", err, hints, want)
		}
	}
	if hints := hintsFor(errors.New("something else")); hints != nil {
		t.Errorf("an error that nobody knows has hints: %q", hints)
	}
}
