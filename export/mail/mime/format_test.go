package mime_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The page has every defect that there is, and no other.
func TestFormatListsDefects(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "FORMAT.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n### 6.4 Defects\n")
	section, _, _ = strings.Cut(section, "\n## 7.")
	documented := map[string]bool{}
	cell := regexp.MustCompile("`([a-z0-9-]+)`")
	for line := range strings.Lines(section) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 {
			continue
		}
		at := 1 // of the first table
		if len(cells) == 5 {
			at = 3
		}
		for _, m := range cell.FindAllStringSubmatch(cells[at], -1) {
			documented[m[1]] = true
		}
	}
	constant := regexp.MustCompile(`(?m)^(?:const )?\s*Defect[A-Za-z0-9]+\s*=\s*"([a-z0-9-]+)"`)
	defined := map[string]bool{}
	for _, dir := range []string{".", "..", filepath.Join("..", "header")} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range constant.FindAllStringSubmatch(string(text), -1) {
				defined[m[1]] = true
			}
		}
	}
	if len(defined) < 30 {
		t.Fatalf("%d defects found in the code", len(defined))
	}
	for _, name := range missing(defined, documented) {
		t.Errorf("the page does not have %q", name)
	}
	for _, name := range missing(documented, defined) {
		t.Errorf("no defect is called %q", name)
	}
}

// missing returns what is in a and not in b, sorted.
func missing(a, b map[string]bool) []string {
	var list []string
	for name := range a {
		if !b[name] {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}
