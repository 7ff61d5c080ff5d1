package export_test

import (
	"errors"
	"testing"

	"exhibit/export"
	"exhibit/export/order"
	"exhibit/sign/statement"
)

// A span that the policy does not let out can be accepted in part, down to one that
// it does.
func TestTooWideAcceptedInPart(t *testing.T) {
	w := newWorld(t, newDir(t))
	o := w.order(`account: a@mail.example, start: "2000-01-01T00:00:00Z", end: "2026-01-01T00:00:00Z"`)
	var refused *export.Refusal
	_, err := w.load().Review(t.Context(), fileOf(o), export.Review{Decision: statement.Accept}, w.by(w.reviewer))
	if !errors.As(err, &refused) || refused.Code != export.SpanTooWide {
		t.Fatalf("accepted whole: %v", err)
	}
	parts, err := order.ParseNarrowing("narrowing.yaml", []byte(`type: exhibit/narrowing/v1
accounts:
  - {account: a@mail.example, start: "2025-01-01T00:00:00Z"}
`), o)
	check(t, err)
	_, err = w.load().Review(t.Context(), fileOf(o), export.Review{Decision: statement.AcceptInPart, Parts: parts, Ground: "too wide"}, w.by(w.reviewer))
	check(t, err)
	if res := w.export(o, source("a@mail.example", oneMessage(t))); res.Manifest.Acceptance != "in-part" || !res.Partial {
		t.Errorf("result %+v", res)
	}
}
