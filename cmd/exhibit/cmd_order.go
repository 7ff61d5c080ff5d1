package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"exhibit/export"
	signed "exhibit/export/instrument"
	"exhibit/export/order"
	"exhibit/sign"
)

func newOrder(a *app) *cobra.Command {
	return group("order", "check, review, approve and end orders",
		`  exhibit order check order.yaml
  exhibit order review order.yaml --accept --as reviewer1
  exhibit order approve order.yaml --as approver1`,
		newOrderCheck(a), newOrderReview(a), newOrderApprove(a), newOrderRefuse(a), newOrderWithdraw(a), newOrderNotice(a))
}

// readOrder reads and parses an order file.
func readOrder(path string) (*order.Order, error) {
	data, err := readFile(path, order.MaxBytes)
	if err != nil {
		return nil, fmt.Errorf("order: %w", err)
	}
	o, err := order.Parse(filepath.Base(path), data)
	return o, severalErrors(err)
}

// severalErrors tells several errors of one file in one line.
func severalErrors(err error) error {
	var list order.Errors
	if errors.As(err, &list) && len(list) > 1 {
		return &orderInvalid{list}
	}
	return err
}

// orderInvalid is several errors of an order, told in one line; the hints tell
// the rest.
type orderInvalid struct{ list order.Errors }

func (e *orderInvalid) Error() string {
	return fmt.Sprintf("%v (and %d more)", e.list[0], len(e.list)-1)
}

func (e *orderInvalid) Unwrap() error { return e.list }

// orderErrors gives the excerpts of an order that does not parse, and what is
// wrong beside the first error.
func orderErrors(err error) []string {
	var list order.Errors
	if !errors.As(err, &list) {
		return nil
	}
	var hints []string
	for i, e := range list {
		if i > 0 {
			hints = append(hints, e.Error())
		}
		if e.Excerpt != "" {
			hints = append(hints, strings.Split(e.Excerpt, "\n")...)
		}
	}
	return hints
}

// readOrderFile reads an order with what lies beside it: the legal instrument,
// and the agency's signature over that if the order names one.
func readOrderFile(path string) (export.File, error) {
	o, err := readOrder(path)
	if err != nil {
		return export.File{}, err
	}
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return export.File{}, plainPathError(err)
	}
	defer root.Close()
	f := export.File{Order: o}
	if f.Instrument, err = o.ReadInstrument(root.FS()); errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("instrument %s: %w", o.Instrument.File, errNoInstrument)
	}
	if err != nil {
		return export.File{}, err
	}
	if f.Signature, err = o.ReadInstrumentSignature(root.FS()); errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("signature over the instrument %s: %w", o.Instrument.Signature.File, errNoInstrument)
	}
	return f, err
}

var errNoInstrument = errors.New("is not there")

func digestOf(o *order.Order) string { return sign.Digest(o.Digest()).String() }

// actor unlocks a key, for somebody who acts with it now.
func (s *session) actor(ctx context.Context, name string) (export.Actor, error) {
	key, err := s.signer(ctx, name)
	if err != nil {
		return export.Actor{}, err
	}
	tool, err := instrument()
	if err != nil {
		return export.Actor{}, err
	}
	return export.Actor{Signer: key, Tool: tool, Now: s.env.now()}, nil
}

// A deciding is what the verbs share with which a person decides about an order.
type deciding struct {
	*session
	file export.File
	as   string
}

// deciding reads the order and opens the workspace. The key must be here, and is
// not unlocked before its owner was shown what it is to sign.
func (a *app) deciding(ctx context.Context, path, as string) (*deciding, error) {
	f, err := readOrderFile(path)
	if err != nil {
		return nil, err
	}
	s, err := a.session(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.holdsKey(as); err != nil {
		return nil, err
	}
	return &deciding{session: s, file: f, as: as}, nil
}

// show says in words what the order would let out.
func (d *deciding) show(o *order.Order) {
	d.say("%s", strings.TrimRight(order.Words(o), "\n"))
	d.sayAgencyKeys(o)
	d.saySignature()
}

// saySignature says it when nobody has vouched for the key that signed the instrument.
func (d *deciding) saySignature() {
	if checked, err := d.authority.Fit(d.file, d.env.now()); err == nil && checked != nil && checked.Result == signed.UnknownKey {
		d.warn("the instrument is signed by a key that the keyring does not have (%s): nothing shows that the agency has signed it", oneLine(cmp.Or(checked.Fingerprint, "it names none")))
	}
}

// sayAgencyKeys says whose keys those of the order are; nobody but the admins has said it.
func (s *session) sayAgencyKeys(o *order.Order) {
	keys, err := s.authority.AgencyKeys(o, s.env.now())
	for _, k := range keys {
		s.say("In the keyring it is %s, of %s.", oneLine(k.Entry.Name), oneLine(k.Entry.Holder))
		if !strings.EqualFold(strings.TrimSpace(k.Entry.Holder), strings.TrimSpace(o.Agency.Name)) {
			s.warn("the order calls the agency %q, and the key %s is of %q: is it the same agency?", oneLine(o.Agency.Name), oneLine(k.Entry.Name), oneLine(k.Entry.Holder))
		}
	}
	var refused *export.Refusal
	if errors.As(err, &refused) {
		s.warn("as things are it cannot be exported: %s", oneLine(refused.Why()))
	}
}

// decided is what every decision about an order states of itself.
type decided struct {
	Reference string `json:"reference"`
	Digest    string `json:"sha256"`
	By        string `json:"by"`
}

func (d *deciding) decided() decided {
	return decided{Reference: d.file.Order.Reference, Digest: digestOf(d.file.Order), By: d.as}
}

// groundFlag refuses a decision that gives no reason.
func groundFlag(cmd *cobra.Command, ground string) error {
	if strings.TrimSpace(ground) == "" {
		return usagef("%s: --ground TEXT is missing: why?", cmd.CommandPath())
	}
	return nil
}
