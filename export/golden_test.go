package export_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"exhibit/export"
	"exhibit/export/bag"
	"exhibit/export/open"
	"exhibit/export/order"
	"exhibit/export/seal"
	"exhibit/sign/detached"
	"exhibit/sign/statement"
	"exhibit/store"
	"exhibit/store/dir"
)

// golden holds packages that today's code, and every later one, must open.
// EXHIBIT_GOLDEN=write makes those of the present version anew: only when the format
// changes. Those of version 1 stay as they are, and so do those whose item records
// are of version 1.
const golden = "../testdata/golden"

var (
	goldenKinds = []string{"age", "openpgp", "records"}
	goldenOld   = []string{"v1-age", "v1-openpgp", "item-v1-age", "item-v1-openpgp", "item-v1-records"}
	goldenAll   = append(goldenOld, goldenKinds...)
)

func TestGolden(t *testing.T) {
	if os.Getenv("EXHIBIT_GOLDEN") == "write" {
		for _, kind := range goldenKinds {
			check(t, os.RemoveAll(filepath.Join(golden, kind)))
			writeGolden(t, kind)
		}
	}
	for _, kind := range goldenAll {
		t.Run(kind, func(t *testing.T) {
			st, err := dir.Open(filepath.Join(golden, kind, "package"))
			check(t, err)
			trust, err := os.ReadFile(filepath.Join(golden, kind, "provider.asc"))
			check(t, err)
			keys, err := detached.ParsePublicKeys(trust)
			check(t, err)
			secret, err := os.ReadFile(filepath.Join(golden, kind, "identity.txt"))
			check(t, err)
			ids, err := seal.ParseIdentities(secret, nil)
			check(t, err)
			to := t.TempDir()
			rep, err := open.Open(t.Context(), export.StoreSource(st), keys, ids, folder(to), open.Options{})
			check(t, err)
			if strings.HasSuffix(kind, "records") {
				text, err := os.ReadFile(filepath.Join(to, "package.json"))
				check(t, err)
				pkg, err := bag.ParsePackage(text)
				check(t, err)
				kinds := map[string]int{}
				for _, r := range records(t, to) {
					kinds[r.Kind]++
				}
				if rep.Acceptance != "in-part" || !*pkg.Emergency || kinds["traffic"] < 30 || kinds["subscriber"] != 1 || kinds["message"] != 2 || len(kinds) != 3 {
					t.Errorf("report %+v, records %v", rep, kinds)
				}
				return
			}
			_, items := compareWithRecords(t, to)
			if int64(items) != rep.Counts.Included || items < 50 {
				t.Errorf("%d items, counts %+v", items, rep.Counts)
			}
		})
	}
}

// The second verifier, written in another language from the FORMAT pages alone,
// accepts the golden packages, and refuses them when they are spoiled.
func TestSecondVerifier(t *testing.T) {
	needTools(t, "python3", "gpg", "gpgv", "age", "zstd", "openssl")
	scripts, err := filepath.Glob("../testdata/verifier/*.py")
	check(t, err)
	if len(scripts) == 0 {
		t.Error("the second verifier is missing")
	}
	for _, name := range scripts {
		script, err := os.ReadFile(name)
		check(t, err)
		if n := bytes.Count(script, []byte("\n")); n > 300 {
			t.Errorf("%s has %d lines, want at most 300", name, n)
		}
	}
	for _, kind := range goldenAll {
		t.Run(kind, func(t *testing.T) {
			if out, code := secondVerifier(t, filepath.Join(golden, kind, "package"), kind); code != 0 {
				t.Errorf("exit %d: %s", code, out)
			}
			spoiled := t.TempDir()
			check(t, os.CopyFS(spoiled, os.DirFS(filepath.Join(golden, kind, "package"))))
			name := filepath.Join(spoiled, "README.txt")
			text, err := os.ReadFile(name)
			check(t, err)
			text[len(text)/2] ^= 1
			check(t, os.WriteFile(name, text, 0o644))
			if out, code := secondVerifier(t, spoiled, kind); code != 4 {
				t.Errorf("spoiled package: exit %d: %s", code, out)
			}
		})
	}
}

func secondVerifier(t *testing.T, pkg, kind string) (string, int) {
	t.Helper()
	cmd := exec.Command("python3", "../testdata/verifier/verify.py", pkg, filepath.Join(golden, kind, "provider.asc"),
		"--identity", filepath.Join(golden, kind, "identity.txt"))
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// needTools fails in CI, and skips elsewhere, where a tool is missing.
func needTools(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := exec.LookPath(name); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatalf("%s is missing: install it", name)
			}
			t.Skipf("%s is missing", name)
		}
	}
}

// writeGolden makes one golden package: fixed keys, fixed time.
func writeGolden(t *testing.T, kind string) {
	t.Helper()
	rng := rand.NewChaCha8([32]byte([]byte(fmt.Sprintf("%-32s", "golden "+kind))))
	st := newDir(t)
	w := &world{t: t, now: start}
	identity := goldenAgency(t, w, kind, rng)
	for _, k := range []struct {
		key **detached.Signer
		uid string
	}{{&w.admin, "admin"}, {&w.admin2, "admin2"}, {&w.signer, "provider"}, {&w.preparer, "fulfilment"}, {&w.reviewer, "reviewer"}} {
		*k.key = seededKey(t, k.uid, rng)
	}
	w.approvers = []*detached.Signer{seededKey(t, "one", rng), seededKey(t, "two", rng)}
	state := newDir(t)
	w.provider = &export.Provider{Name: "Example Mail", Roots: []string{w.admin.Fingerprint(), w.admin2.Fingerprint()}, Store: st, State: state, ClaimKey: [32]byte{7}}
	w.policy = testPolicy()
	w.found()
	sources := []export.Source{source("alice@mail.example", "../testdata/mailbox/alice")}
	if kind == "age" { // more than one volume
		noise := make([]byte, 1100<<10)
		check(t, fill(rng, noise))
		noisy := message("Mon, 05 Jan 2026 10:00:00 +0000", "b@x.example", "noise", base64.StdEncoding.EncodeToString(noise))
		sources = append(sources, source("alice@mail.example", writeFiles(t, map[string]string{"noise.eml": noisy})))
	}
	text, err := os.ReadFile("../testdata/order/order.yaml")
	check(t, err)
	yaml := strings.ReplaceAll(string(text), "AGENCY-KEY", w.recipient.Fingerprint)
	var o *order.Order
	if kind == "records" {
		o = goldenRecords(t, w, yaml)
		table := filepath.Join(writeFiles(t, map[string]string{"bob.csv": "name,email_address\nBob Example,bob@mail.example\n"}), "bob.csv")
		mailbox := writeFiles(t, map[string]string{"1.eml": message("Mon, 05 Jan 2015 10:00:00 +0000", "b@x.example", "old", "body"), "2.eml": "From: b@x.example\r\nSubject: undated\r\n\r\nbody\r\n"})
		sources = append(sources, source("bob@mail.example", mailbox), export.Source{Account: "bob@mail.example", Path: table, Format: export.FormatSubscriber})
	} else {
		o = parseOrder(t, yaml)
		w.approve(o, export.Approval{})
	}
	j := w.job(o, sources...)
	j.Instrument, j.Random = fileOf(o).Instrument, rng
	res, err := export.Run(t.Context(), j)
	check(t, err)
	out := filepath.Join(golden, kind)
	check(t, os.MkdirAll(filepath.Join(out, "package"), 0o755))
	for info, err := range st.List(t.Context(), "packages/"+res.Package.String()+"/") {
		check(t, err)
		data, err := store.ReadAll(t.Context(), st, info.Key, 64<<20)
		check(t, err)
		check(t, os.WriteFile(filepath.Join(out, "package", filepath.Base(info.Key)), data, 0o644))
	}
	check(t, os.WriteFile(filepath.Join(out, "provider.asc"), w.signer.Public(), 0o644))
	check(t, os.WriteFile(filepath.Join(out, "identity.txt"), identity, 0o644))
}

// goldenRecords is an order of which a part is accepted, traffic and subscriber
// records, and which an emergency releases.
func goldenRecords(t *testing.T, w *world, yaml string) *order.Order {
	t.Helper()
	yaml = strings.Replace(yaml, "priority: routine", "priority: emergency", 1)
	yaml = strings.Replace(yaml, "    zone: Europe/Berlin\n", `    zone: Europe/Berlin
    categories: [traffic]
  - account: bob@mail.example
    entire: true
    categories: [subscriber, content]
  - account: carol@mail.example
    entire: true
`, 1)
	o := parseOrder(t, yaml)
	parts := o.Parts()[:2]
	_, err := w.load().Review(t.Context(), fileOf(o), export.Review{
		Decision: statement.AcceptInPart, Parts: parts, Entire: []string{"bob@mail.example"}, Ground: "carol is not named in the instrument",
	}, w.by(w.reviewer))
	check(t, err)
	_, err = w.load().Approve(t.Context(), fileOf(o), export.Approval{Emergency: true, Ground: "called back the duty officer"}, w.by(w.approvers[0]))
	check(t, err)
	return o
}

func seededKey(t *testing.T, uid string, rng *rand.ChaCha8) *detached.Signer {
	t.Helper()
	k, err := detached.Generate(uid, start, rng)
	check(t, err)
	return k
}

// goldenAgency makes the agency's key, and returns its secret half.
func goldenAgency(t *testing.T, w *world, kind string, rng *rand.ChaCha8) []byte {
	t.Helper()
	if kind != "openpgp" {
		id, err := age.GenerateX25519Identity()
		check(t, err)
		w.agency(id.Recipient().String(), id.String())
		return []byte(fmt.Sprintf("# public key: %s\n%s\n", id.Recipient(), id))
	}
	e, err := openpgp.NewEntity("Agency", "", "agency@agency.example", &packet.Config{Rand: rng, Time: w.clock()})
	check(t, err)
	var secret, public bytes.Buffer
	aw, err := armor.Encode(&secret, "PGP PRIVATE KEY BLOCK", nil)
	check(t, err)
	check(t, e.SerializePrivateWithoutSigning(aw, nil))
	check(t, aw.Close())
	pw, err := armor.Encode(&public, "PGP PUBLIC KEY BLOCK", nil)
	check(t, err)
	check(t, e.Serialize(pw))
	check(t, pw.Close())
	w.agency(public.String(), secret.String())
	return append(secret.Bytes(), '\n')
}
