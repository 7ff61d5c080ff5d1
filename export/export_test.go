package export_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"exhibit/export"
	"exhibit/export/bag"
	"exhibit/export/open"
	"exhibit/export/order"
	"exhibit/export/seal"
	"exhibit/sign"
	"exhibit/sign/custody"
	"exhibit/sign/detached"
	"exhibit/sign/keyring"
	"exhibit/sign/policy"
	"exhibit/sign/statement"
	"exhibit/store"
	"exhibit/store/dir"
)

// world is a provider with its people, an agency, and a store.
type world struct {
	t         testing.TB
	provider  *export.Provider
	admin     *detached.Signer
	admin2    *detached.Signer
	signer    *detached.Signer
	preparer  *detached.Signer
	reviewer  *detached.Signer
	approvers []*detached.Signer
	recipient seal.Recipient
	identity  []seal.Identity
	now       time.Time
	policy    policy.Policy
	// loaded is the authority of what loadedFrom describes.
	loaded     *export.Authority
	loadedFrom string
}

var start = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func newWorld(t testing.TB, st store.Store) *world {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	check(t, err)
	return newWorldFor(t, st, agencyKey{public: id.Recipient().String(), secret: id.String()})
}

// newWorldFor is newWorld with an agency that has that key.
func newWorldFor(t testing.TB, st store.Store, k agencyKey) *world {
	t.Helper()
	state, err := dir.Create(filepath.Join(t.TempDir(), "state"))
	check(t, err)
	w := &world{t: t, now: start}
	w.agency(k.public, k.secret)
	w.admin, w.admin2, w.signer = newKey(t, "admin"), newKey(t, "admin2"), newKey(t, "provider")
	w.preparer, w.reviewer = newKey(t, "fulfilment"), newKey(t, "reviewer")
	w.approvers = []*detached.Signer{newKey(t, "one"), newKey(t, "two")}
	w.provider = &export.Provider{Name: "Example Mail", Roots: []string{w.admin.Fingerprint(), w.admin2.Fingerprint()}, Store: st, State: state, ClaimKey: [32]byte{7}}
	w.policy = testPolicy()
	w.found()
	return w
}

func (w *world) agency(recipient, identity string) {
	w.t.Helper()
	var err error
	w.recipient, err = seal.ParseRecipient([]byte(recipient))
	check(w.t, err)
	w.identity, err = seal.ParseIdentities([]byte(identity), nil)
	check(w.t, err)
}

// found writes the keyring and the policy into the provider's store.
func (w *world) found() {
	w.t.Helper()
	ctx := w.t.Context()
	check(w.t, w.provider.Found(ctx, w.enrollment("admin", "Admin One", w.admin, sign.Admin), w.admin))
	check(w.t, w.provider.Found(ctx, w.enrollment("admin2", "Admin Two", w.admin2, sign.Admin), w.admin2))
	w.enroll(w.enrollment("provider", "Example Mail", w.signer, sign.Provider))
	w.enroll(w.enrollment("fulfilment1", "Fulfilment One", w.preparer, sign.Fulfilment))
	w.enroll(w.enrollment("reviewer1", "Reviewer One", w.reviewer, sign.Reviewer))
	for i, k := range w.approvers {
		w.enroll(w.enrollment(fmt.Sprintf("approver%d", i), fmt.Sprintf("Approver %d", i), k, sign.Approver))
	}
	e := w.enrollment("agency", "Agency", w.admin, sign.Agency)
	e.Kind, e.Fingerprint, e.PublicKey = sign.KeyKind(w.recipient.Kind), w.recipient.Fingerprint, w.recipient.Public
	w.enroll(e)
	w.enact(w.policy)
}

// enroll has two admins enroll a key.
func (w *world) enroll(e keyring.Enrollment) {
	w.t.Helper()
	check(w.t, w.load().Enroll(w.t.Context(), e, w.admin))
	a := w.load()
	pending := a.PendingKeys(e.Name)
	check(w.t, a.ConfirmKey(w.t.Context(), pending[len(pending)-1], w.admin2, w.now))
}

// enact has two admins sign a policy.
func (w *world) enact(p policy.Policy) {
	w.t.Helper()
	digest, err := w.load().SignPolicy(w.t.Context(), p, w.admin, w.now)
	check(w.t, err)
	check(w.t, w.load().ConfirmPolicy(w.t.Context(), digest, w.admin2, w.now))
}

func (w *world) by(k *detached.Signer) export.Actor {
	return export.Actor{Signer: k, Tool: tool, Now: w.now}
}

// fileOf is an order with its instrument: that of the sample order, or the text of
// the others.
func fileOf(o *order.Order) export.File {
	text, err := os.ReadFile("../testdata/order/instrument.pdf")
	if err != nil || sha256.Sum256(text) != o.Instrument.SHA256 {
		text = []byte(instrumentText)
	}
	return export.File{Order: o, Instrument: text}
}

func (w *world) enrollment(name, holder string, k *detached.Signer, role sign.Role) keyring.Enrollment {
	return keyring.Enrollment{
		Name: name, Kind: sign.OpenPGP, Fingerprint: k.Fingerprint(), PublicKey: string(k.Public()), Holder: holder,
		Roles: []sign.Role{role}, ValidFrom: w.now, Verified: keyring.Verified{By: "Admin One", How: "in person", At: sign.At(w.now)}, Time: w.now,
	}
}

// load reads keyring and policy, unless the store holds the same ones as before:
// checking all their signatures takes longer than most of what tests do.
func (w *world) load() *export.Authority {
	w.t.Helper()
	from := fmt.Sprintf("%s %p %T", w.now, w.provider, w.provider.Store)
	for _, prefix := range []string{custody.KeyringPrefix, custody.PolicyPrefix} {
		for info, err := range w.provider.Store.List(w.t.Context(), prefix) {
			check(w.t, err)
			from += info.Key
		}
	}
	if w.loaded == nil || w.loadedFrom != from {
		a, err := w.provider.Load(w.t.Context(), w.now)
		check(w.t, err)
		w.loaded, w.loadedFrom = a, from
	}
	return w.loaded
}

var tool = custody.Instrument{Name: "exhibit", Version: "test", SHA256: sign.Sum([]byte("binary")), Host: "host"}

const instrumentText = "the instrument\n"

// order makes an order for the accounts, whose lines are YAML of one account each.
func (w *world) order(accounts ...string) *order.Order {
	w.t.Helper()
	text := fmt.Sprintf(`type: exhibit/order/v1
reference: "Ref 1"
authority: {name: Court, country: DE}
jurisdiction: DE
regime: test
legal_basis: "the law"
served: 2026-05-01T10:00:00Z
received: 2026-05-01T10:00:00Z
categories: [content]
agency: {name: Agency, key: %s}
instrument: {file: warrant.txt, sha256: %s}
accounts:
`, w.recipient.Fingerprint, sign.Sum([]byte(instrumentText)))
	for _, a := range accounts {
		text += "  - {" + a + "}\n"
	}
	o, err := order.Parse("order.yaml", []byte(text))
	check(w.t, err)
	return o
}

// review accepts an order, unless somebody has reviewed it.
func (w *world) review(o *order.Order) {
	w.t.Helper()
	m, err := w.load().Mandate(w.t.Context(), o, nil, w.now)
	check(w.t, err)
	if m.Review != nil {
		return
	}
	_, err = w.load().Review(w.t.Context(), fileOf(o), export.Review{Decision: statement.Accept, Entire: o.EntireAccounts()}, w.by(w.reviewer))
	check(w.t, err)
}

// approve reviews an order and approves it, by as many as must.
func (w *world) approve(o *order.Order, with export.Approval) {
	w.t.Helper()
	w.review(o)
	for _, k := range w.approvers {
		_, err := w.load().Approve(w.t.Context(), fileOf(o), with, w.by(k))
		check(w.t, err)
	}
}

func (w *world) job(o *order.Order, sources ...export.Source) *export.Job {
	w.t.Helper()
	return &export.Job{
		Authority: w.load(), Order: o, Instrument: []byte(instrumentText), Sources: sources, Signer: w.signer, Preparer: w.preparer, Tool: tool,
		TempDir: w.t.TempDir(), Now: func() time.Time { return w.now },
	}
}

// export approves and exports.
func (w *world) export(o *order.Order, sources ...export.Source) *export.Result {
	w.t.Helper()
	w.approve(o, export.Approval{})
	res, err := export.Run(w.t.Context(), w.job(o, sources...))
	check(w.t, err)
	return res
}

// open opens a package into a new folder.
func (w *world) open(id sign.ID) (string, *open.Report) {
	w.t.Helper()
	to := w.t.TempDir()
	rep, err := open.Open(w.t.Context(), w.source(id), w.signer.PublicKeys(), w.identity, folder(to), open.Options{Expect: id.String(), Now: w.now})
	check(w.t, err)
	return to, rep
}

func (w *world) source(id sign.ID) open.Source {
	w.t.Helper()
	src, err := export.PackageSource(w.provider.Store, id)
	check(w.t, err)
	return src
}

func newKey(t testing.TB, uid string) *detached.Signer {
	t.Helper()
	k, err := detached.Generate(uid, start, randReader())
	check(t, err)
	return k
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// folder is a sink that trusts its caller: for tests.
type folder string

func (f folder) Create(name string) (io.WriteCloser, error) {
	p := filepath.Join(string(f), filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		return nil, err
	}
	return os.Create(p)
}

func (f folder) FS() fs.FS { return os.DirFS(string(f)) }

// payload gives the digest of every file below data/.
func payload(t testing.TB, bagDir string) map[string][32]byte {
	t.Helper()
	sums := map[string][32]byte{}
	check(t, filepath.WalkDir(filepath.Join(bagDir, "data"), func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(p)
		rel, _ := filepath.Rel(bagDir, p)
		sums[rel] = sha256.Sum256(data)
		return err
	}))
	return sums
}

// records reads the index of an opened bag.
func records(t testing.TB, bagDir string) []*bag.ItemRecord {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(bagDir, "data", "index.jsonl"))
	check(t, err)
	var list []*bag.ItemRecord
	for line := range bytes.Lines(data) {
		rec, err := bag.ParseItem(bytes.TrimSuffix(line, []byte("\n")), len(list)+1)
		check(t, err)
		list = append(list, rec)
	}
	return list
}

func newDir(t testing.TB) *dir.Store {
	t.Helper()
	st, err := dir.Create(filepath.Join(t.TempDir(), "store"))
	check(t, err)
	return st
}

func writeFiles(t testing.TB, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		p := filepath.Join(root, filepath.FromSlash(name))
		check(t, os.MkdirAll(filepath.Dir(p), 0o755))
		check(t, os.WriteFile(p, []byte(text), 0o644))
	}
	return root
}

func message(date, from, subject, body string) string {
	return strings.Join([]string{"Date: " + date, "From: " + from, "To: a@mail.example", "Subject: " + subject, "", body, ""}, "\n")
}
