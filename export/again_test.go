package export_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"exhibit/export"
	"exhibit/export/open"
	"exhibit/sign/manifest"
	"exhibit/store/dir"
)

func oneMessage(t testing.TB) string {
	return writeFiles(t, map[string]string{"box/1.eml": message("Mon, 01 Jun 2026 10:00:00 +0000", "b@x.example", "s", "body")})
}

// Invariant 1 holds until the last moment: what is revoked while an export runs
// stops it before it is signed.
func TestRevokedMeanwhile(t *testing.T) {
	w := newWorld(t, newDir(t))
	o := w.order(entireA)
	w.approve(o, export.Approval{})
	j := w.job(o, source("a@mail.example", oneMessage(t)))
	done := false
	j.Progress = func(int64) {
		if !done {
			done = true
			w.now = w.now.Add(time.Minute)
			check(t, w.load().Revoke(t.Context(), "agency", "lost", w.admin, w.now))
		}
	}
	_, err := export.Run(t.Context(), j)
	var refused *export.Refusal
	if !errors.As(err, &refused) || refused.Code != export.AgencyKeyRevoked {
		t.Fatalf("agency key revoked while the export ran: %v", err)
	}
	for info, err := range w.provider.Store.List(t.Context(), "packages/") {
		check(t, err)
		if strings.HasSuffix(info.Key, manifest.Name) {
			t.Errorf("%s was made", info.Key)
		}
	}
}

// A package that is there but damaged is not reported as done.
func TestRepeatedOverDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	st, err := dir.Create(path)
	check(t, err)
	w := newWorld(t, st)
	root, o := oneMessage(t), w.order(entireA)
	res := w.export(o, source("a@mail.example", root))
	volume := filepath.Join(path, "packages", res.Package.String(), res.Manifest.Volumes()[0].Name)
	data, err := os.ReadFile(volume)
	check(t, err)
	data[len(data)/2] ^= 1
	check(t, os.Chmod(volume, 0o600))
	check(t, os.WriteFile(volume, data, 0o600))
	_, err = export.Run(t.Context(), w.job(o, source("a@mail.example", root)))
	var failed *open.Failure
	if !errors.As(err, &failed) || failed.Code != open.ObjectAltered {
		t.Fatalf("repeated over a damaged package: %v", err)
	}
}

// The same mail given twice would be there twice.
func TestOverlap(t *testing.T) {
	w := newWorld(t, newDir(t))
	root, o := oneMessage(t), w.order(entireA)
	w.approve(o, export.Approval{})
	link := filepath.Join(t.TempDir(), "link")
	check(t, os.Symlink(root, link))
	for _, second := range []string{root, filepath.Join(root, "box"), filepath.Join(root, "box", "1.eml"), link, filepath.Dir(root)} {
		_, err := export.Run(t.Context(), w.job(o, source("a@mail.example", root), source("a@mail.example", second)))
		if !errors.Is(err, export.ErrOverlap) {
			t.Errorf("%s and %s: %v", root, second, err)
		}
	}
}

// A package that was released is reported again, whatever has become of the
// approvals that it was made under; and nothing more leaves.
func TestRepeatedAfterApprovalsLapse(t *testing.T) {
	w := newWorld(t, newDir(t))
	root, o := oneMessage(t), w.order(entireA)
	first := w.export(o, source("a@mail.example", root))
	w.now = w.now.Add(time.Minute)
	w.enact(w.policy)
	check(t, w.load().Revoke(t.Context(), "approver1", "left", w.admin, w.now))
	again, err := export.Run(t.Context(), w.job(o, source("a@mail.example", root)))
	check(t, err)
	if !again.Repeated || again.Package != first.Package {
		t.Errorf("package %s, want %s again", again.Package, first.Package)
	}
}
