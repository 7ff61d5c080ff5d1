package keyring_test

import (
	"errors"
	"testing"
	"time"

	"exhibit/sign"
	"exhibit/sign/keyring"
)

// One person does not become two by another spelling of the name.
func TestHolderSpelling(t *testing.T) {
	h := newHouse(t)
	first := h.propose(newKey(t), "approver1", "Jos\u00e9 Li", start, h.root, sign.Approver)
	h.confirm(first, start, h.second)
	for i, holder := range []string{"jos\u00e9 li", "Jos\u00e9  Li", " Jos\u00e9 Li", "Jose\u0301 Li", "Jos\u00e9\u00a0Li", "Jos\u00e9 \u200bLi", "JOS\u00c9 \uff2c\uff29"} {
		name := "again" + string(rune('a'+i))
		h.confirm(h.propose(newKey(t), name, holder, start.Add(time.Hour), h.root, sign.Approver), start.Add(time.Hour), h.second)
		k := h.load()
		if _, err := k.Key(name); !errors.Is(err, keyring.ErrUnknownKey) {
			t.Errorf("%q is another person than Jos\u00e9 Li", holder)
		}
	}
	h.confirm(h.propose(newKey(t), "other", "Josef Li", start.Add(time.Hour), h.root, sign.Approver), start.Add(time.Hour), h.second)
	if _, err := h.load().Key("other"); err != nil {
		t.Error(err)
	}
}
