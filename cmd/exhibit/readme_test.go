package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"exhibit/export"
	"exhibit/sign"
	"exhibit/testdata"
)

// readmeBlocks returns the sh blocks of a page.
func readmeBlocks(t *testing.T, page string) []string {
	t.Helper()
	var blocks []string
	var block strings.Builder
	inside := false
	for line := range strings.Lines(page) {
		switch {
		case line == "```sh\n":
			inside = true
			block.Reset()
		case inside && line == "```\n":
			inside = false
			blocks = append(blocks, block.String())
		case inside:
			block.WriteString(line)
		}
	}
	if inside {
		t.Fatal("a block has no end")
	}
	return blocks
}

// readPage reads a page of the project, named from its top.
func readPage(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// README.md has exactly two set-up commands; every other command is run, in its
// order, in one folder and by one shell that stops at the first that fails.
func TestReadmeCommands(t *testing.T) {
	t.Parallel()
	need(t, "sh", "age", "age-keygen", "jq", "gpg", "gpgv", "zstd", "tar", "sha256sum")
	blocks := readmeBlocks(t, readPage(t, "README.md"))
	if len(blocks) < 10 {
		t.Fatalf("%d blocks", len(blocks))
	}
	if want := "go run ./cmd/exhibit demo\ngo test ./... ./testdata/agreement\n"; blocks[0] != want {
		t.Errorf("the set-up commands are %q, want %q", blocks[0], want)
	}
	if strings.Contains(strings.Join(blocks[1:], ""), "go ") {
		t.Error("there is another set-up command")
	}
	dir := t.TempDir()
	if err := unpack(testdata.Files, "mailbox/alice", filepath.Join(dir, "retrieved", "alice")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"order.yaml", "instrument.pdf"} {
		data, err := testdata.Files.ReadFile("order/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "passphrase.txt"), []byte("correct horse battery staple\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	script := strings.Join(blocks[1:], "\n")
	out, err := shell(t, dir, script, "GNUPGHOME="+gnupgHome(t))
	if err != nil {
		t.Fatalf("%v\n%s", err, tailOf(out))
	}
	counts, err := sampleCounts()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		fmt.Sprintf("%d in, %d out", counts.Included, counts.Source-counts.Included),
		"it may be exported", fmt.Sprintf("%d in, %d out", counts.Included+1, counts.Source-counts.Included-1), // one is admitted
		"under the emergency rule", "the hold ended at", "superseded", "withdrawn", "Good signature", "bag of package", "released", "no custody log",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not print %q", want)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "exhibits", "E0000007.eml")); err != nil {
		t.Error(err)
	}
}

// The session that README.md begins with works as it stands; go run is done
// already.
func TestReadmeSession(t *testing.T) {
	t.Parallel()
	need(t, "sh")
	_, after, ok := strings.Cut(readPage(t, "README.md"), "\n```console\n")
	session, _, ended := strings.Cut(after, "```\n")
	if !ok || !ended || strings.Count(session, "\n") != 3 {
		t.Fatalf("the session is %q", session)
	}
	var script strings.Builder
	for line := range strings.Lines(session) {
		args, ok := strings.CutPrefix(line, "$ go run ./cmd/exhibit ")
		if !ok {
			t.Fatalf("%q is no command of the session", line)
		}
		script.WriteString("exhibit " + args)
	}
	out, err := shell(t, t.TempDir(), script.String())
	if err != nil {
		t.Fatalf("%v\n%s", err, tailOf(out))
	}
	if !strings.Contains(out, "what to look at:") || !strings.Contains(out, " verifies\n") {
		t.Error(tailOf(out))
	}
}

// shell runs a script that stops at the first command that fails, with the
// program on its path.
func shell(t *testing.T, dir, script string, env ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-eu")
	cmd.Stdin = strings.NewReader(script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), append(env, "LC_ALL=C", "EXHIBIT_WORKSPACE=")...)
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func tailOf(s string) string { return s[max(0, len(s)-4000):] }

// The table of exit codes is the program's own.
func TestReadmeExitCodes(t *testing.T) {
	var table strings.Builder
	table.WriteString("| exit | meaning |\n|---|---|\n")
	for _, e := range exitTable {
		fmt.Fprintf(&table, "| %d | %s |\n", e.code, e.meaning)
	}
	if !strings.Contains(readPage(t, "README.md"), "\n\n"+table.String()+"\n") {
		t.Errorf("README.md does not hold this table:\n%s", table.String())
	}
}

// Every verb and flag that README.md speaks of is there, and every verb is
// spoken of.
func TestReadmeNamesEveryVerb(t *testing.T) {
	page := readPage(t, "README.md")
	root, _ := newRoot(system())
	for _, verb := range root.Commands() {
		if verb.Name() == "help" || verb.Name() == "completion" {
			continue
		}
		if !strings.Contains(page, "exhibit "+verb.Name()) {
			t.Errorf("README.md does not say what exhibit %s is for", verb.Name())
		}
	}
}

// What README.md points to is there.
func TestReadmeLinks(t *testing.T) {
	page := readPage(t, "README.md")
	var seen []string
	for rest := page; ; {
		_, after, ok := strings.Cut(rest, "](")
		if !ok {
			break
		}
		target, tail, _ := strings.Cut(after, ")")
		rest = tail
		seen = append(seen, target)
		if heading, ok := strings.CutPrefix(target, "#"); ok {
			if !slices.Contains(headings(page), heading) {
				t.Errorf("README.md has no heading #%s", heading)
			}
			continue
		}
		if _, err := os.Stat(filepath.Join("..", "..", filepath.FromSlash(target))); err != nil {
			t.Error(err)
		}
	}
	if !slices.Contains(seen, "export/FORMAT.md") || !slices.Contains(seen, "sign/FORMAT.md") {
		t.Errorf("README.md points to %v", seen)
	}
}

// headings are the names by which the headings of a page are linked to.
func headings(page string) []string {
	var list []string
	for line := range strings.Lines(page) {
		if title := strings.TrimLeft(line, "#"); title != line && strings.HasPrefix(title, " ") {
			title = strings.ToLower(strings.TrimSpace(title))
			list = append(list, strings.NewReplacer(" ", "-", ",", "", ":", "").Replace(title))
		}
	}
	return list
}

// The picture of an order's life names every state that an order can be in.
func TestReadmeNamesEveryState(t *testing.T) {
	_, after, ok := strings.Cut(readPage(t, "README.md"), "The life of an order")
	picture, _, ended := strings.Cut(after, "\n## ")
	if !ok || !ended {
		t.Fatal("README.md has no picture of an order's life")
	}
	for _, s := range []export.State{
		export.StateReceived, export.StateAccepted, export.StateAcceptedInPart, export.StateApproved, export.StateExported, export.StateDelivered,
		export.StateAcknowledged, export.StateClosed, export.StateRefused, export.StateWithdrawn, export.StateSuperseded,
	} {
		if !strings.Contains(picture, string(s)) {
			t.Errorf("the picture does not show %s", s)
		}
	}
}

// README.md says what every role may do.
func TestReadmeNamesEveryRole(t *testing.T) {
	page := readPage(t, "README.md")
	for _, role := range []sign.Role{sign.Admin, sign.Agency, sign.Approver, sign.Auditor, sign.Fulfilment, sign.Log, sign.Provider, sign.Reviewer} {
		if !strings.Contains(page, "\n| "+string(role)+" |") {
			t.Errorf("README.md does not say what %s may do", role)
		}
	}
}

// Commands that the FORMAT pages name check a real package.
func TestFormatCommands(t *testing.T) {
	t.Parallel()
	need(t, "sh", "gpg", "gpgv", "jq", "sha256sum", "python3")
	dir := stage(t, stageExported)
	page := readPage(t, "sign/FORMAT.md")
	for _, command := range []string{"gpgv --status-fd 1 --keyring provider.gpg X.asc X", "jq -j .text", "jq -j .signature", "sha256sum -c", `json.dumps(v, indent=2, ensure_ascii=False) + "\n"`} {
		if !strings.Contains(page, command) {
			t.Errorf("sign/FORMAT.md no longer names %s", command)
		}
	}
	script := `
gpg --dearmor < agency/provider.asc > provider.gpg
for person in reviewer1 approver1 approver2
do
	gpg --dearmor < ws/keys/$person.asc
done > people.gpg
cd store/packages/*
for X in manifest.json SHA256SUMS
do
	gpgv --status-fd 1 --keyring ../../../provider.gpg $X.asc $X > ../../../status
	grep -q '^\[GNUPG:\] GOODSIG ' ../../../status
	grep -q "^\[GNUPG:\] VALIDSIG .* $(jq -r .signer manifest.json)$" ../../../status
done
sha256sum -c SHA256SUMS
python3 -c '
import json, sys
text = open("manifest.json", encoding="utf-8").read()
assert json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n" == text
'
cd ../../..
for f in $(grep -l exhibit/statement/v2 store/custody/records/order/*/*.json)
do
	jq -j .text $f > text
	jq -j .signature $f > text.asc
	gpgv --status-fd 1 --keyring ./people.gpg text.asc text > status
	grep -q '^\[GNUPG:\] GOODSIG ' status
	grep -q "^\[GNUPG:\] VALIDSIG .* $(jq -r .person.fingerprint text)$" status
	echo "statement verified"
done
`
	out, err := shell(t, dir, script, "GNUPGHOME="+gnupgHome(t))
	if err != nil {
		t.Fatalf("%v\n%s", err, tailOf(out))
	}
	if n := strings.Count(out, "statement verified"); n != 3 {
		t.Errorf("%d statements were verified, want 3:\n%s", n, tailOf(out))
	}
}
