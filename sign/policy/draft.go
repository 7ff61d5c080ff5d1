package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"exhibit/sign"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// MaxDraft bounds a draft, in bytes.
const MaxDraft = 1 << 20

// Why a draft is refused, beside values that the policy's table does not allow.
var (
	// ErrMissing: a member is not there. A draft has all of them.
	ErrMissing = errors.New("member is missing")
	// ErrUnknown: there is no member of that name.
	ErrUnknown = errors.New("no such member")
	// ErrTwice: a member is there twice.
	ErrTwice = errors.New("member is there twice")
	// ErrKind: a value is of another kind, as a string in the place of a number.
	ErrKind = errors.New("value of another kind is wanted")
)

// A DraftError says what is wrong with a draft, and where.
type DraftError struct {
	// Pointer names the member (RFC 6901), as /approvals/2/persons; empty: the whole.
	Pointer string
	// Line in the text from 1, or 0: not known.
	Line int
	Err  error
}

func (e *DraftError) Error() string {
	where := "policy draft"
	if e.Line > 0 {
		where += fmt.Sprintf(", line %d", e.Line)
	}
	if e.Pointer != "" {
		where += fmt.Sprintf(": %.200s", e.Pointer)
	}
	return where + ": " + e.Err.Error()
}

func (e *DraftError) Unwrap() error { return e.Err }

// draft has the members of a policy that its admins decide, in their order.
type draft struct {
	Approvals     []Rule         `json:"approvals"`
	Emergency     *Emergency     `json:"emergency"`
	HouseMinutes  int64          `json:"house_minutes"`
	Regimes       []Regime       `json:"regimes"`
	RetentionDays int64          `json:"retention_days"`
	Lock          Lock           `json:"lock"`
	MaxSpanDays   int64          `json:"max_span_days"`
	KeyKinds      []sign.KeyKind `json:"key_kinds"`
	VolumeBytes   int64          `json:"volume_bytes"`
	Padding       bool           `json:"padding"`
	Timestamp     bool           `json:"timestamp"`
	Witnesses     int64          `json:"witnesses"`
}

// Draft returns what the admins decide in p as a JSON document for editing:
// all members but type, provider, serial, time and signer, each indented on its
// own line. ParseDraft reads it back.
func (p Policy) Draft() []byte {
	out, err := json.Marshal(&draft{
		p.Approvals, p.Emergency, p.HouseMinutes, p.Regimes, p.RetentionDays, p.Lock,
		p.MaxSpanDays, p.KeyKinds, p.VolumeBytes, p.Padding, p.Timestamp, p.Witnesses,
	}, jsontext.WithIndent("  "), jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return nil // nothing in a draft can fail to be written; no draft is empty
	}
	return append(out, '\n')
}

// ParseDraft reads a draft: a JSON object (RFC 8259) with exactly the members
// that Draft writes, in any order and with white space at will. Type,
// provider, serial, time and signer of the policy are left unset. Errors are
// *sign.LimitError and *DraftError.
func ParseDraft(data []byte) (Policy, error) {
	if len(data) > MaxDraft {
		return Policy{}, fmt.Errorf("policy draft: %w", &sign.LimitError{What: "draft", Limit: MaxDraft})
	}
	d := new(draft)
	places, err := strict(data, d)
	if err != nil {
		return Policy{}, err
	}
	p := Policy{
		Approvals: d.Approvals, Emergency: d.Emergency, HouseMinutes: d.HouseMinutes, Regimes: d.Regimes,
		RetentionDays: d.RetentionDays, Lock: d.Lock, MaxSpanDays: d.MaxSpanDays, KeyKinds: d.KeyKinds,
		VolumeBytes: d.VolumeBytes, Padding: d.Padding, Timestamp: d.Timestamp, Witnesses: d.Witnesses,
	}
	if err := p.checkDecided(); err != nil {
		return Policy{}, places.refuse(err)
	}
	return p, nil
}

// strict reads JSON into v: no member unknown, twice or missing, no null where
// v would not write one.
func strict(data []byte, v any) (*places, error) {
	if err := json.Unmarshal(data, v, json.RejectUnknownMembers(true)); err != nil {
		return nil, unreadable(data, err)
	}
	again, err := json.Marshal(v)
	if err != nil {
		return nil, unreadable(nil, err)
	}
	// From here on the text is of v's shape: neither deep nor of long names.
	have, err := locate(data)
	if err != nil {
		return nil, err
	}
	want, err := locate(again)
	if err != nil {
		return nil, err
	}
	for _, pointer := range want.order {
		got, ok := have.at[pointer]
		switch {
		case !ok:
			return nil, have.error(pointer, ErrMissing)
		case got.kind == 'n' && want.at[pointer].kind != 'n':
			return nil, have.error(pointer, fmt.Errorf("%w: it may not be null", ErrKind))
		}
	}
	return have, nil
}

// unreadable is for a text that is no JSON, has a name twice, or is not of the
// shape that is wanted.
func unreadable(data []byte, err error) error {
	var syntax *jsontext.SyntacticError
	var shape *json.SemanticError
	switch {
	case errors.As(err, &syntax):
		e := &DraftError{string(syntax.JSONPointer), lineAt(data, syntax.ByteOffset), syntax.Err}
		if errors.Is(syntax.Err, jsontext.ErrDuplicateName) {
			e.Err = ErrTwice
		}
		return e
	case errors.As(err, &shape):
		e := &DraftError{string(shape.JSONPointer), lineAt(data, shape.ByteOffset), ErrUnknown}
		switch {
		case errors.Is(shape.Err, json.ErrUnknownName):
		case shape.Err != nil:
			e.Err = fmt.Errorf("%w: %w", ErrKind, shape.Err)
		default:
			e.Err = fmt.Errorf("%w than %s", ErrKind, kindName(shape.JSONKind))
		}
		return e
	}
	return &DraftError{Err: err}
}

// lineAt returns the line of the first token at or after offset.
func lineAt(data []byte, offset int64) int {
	n := min(max(int(offset), 0), len(data))
	n += len(data[n:]) - len(bytes.TrimLeft(data[n:], " \t\r\n,:"))
	return 1 + bytes.Count(data[:n], []byte{'\n'})
}

// places are all values of a JSON text by where they are in it.
type places struct {
	order []jsontext.Pointer
	at    map[jsontext.Pointer]place
}

type place struct {
	kind jsontext.Kind // of the value's last token
	line int           // of the value's first token or, in an object, of its name
}

// locate reads a whole JSON text that json.Unmarshal has taken.
func locate(data []byte) (*places, error) {
	p := &places{at: make(map[jsontext.Pointer]place)}
	dec := jsontext.NewDecoder(bytes.NewReader(data))
	line, offset := 1, int64(0)
	for {
		tok, err := dec.ReadToken()
		if err == io.EOF {
			return p, nil
		}
		if err != nil {
			return nil, unreadable(data, err)
		}
		line += bytes.Count(data[offset:dec.InputOffset()], []byte{'\n'})
		offset = dec.InputOffset()
		pointer := dec.StackPointer()
		known, seen := p.at[pointer]
		if !seen {
			p.order = append(p.order, pointer)
			known.line = line
		}
		p.at[pointer] = place{tok.Kind(), known.line}
	}
}

func (p *places) error(pointer jsontext.Pointer, err error) error {
	return &DraftError{Pointer: string(pointer), Line: p.at[pointer].line, Err: err}
}

// refuse is for a value that the policy's table does not allow: its path, as
// approvals[2].persons, becomes a pointer.
func (p *places) refuse(err error) error {
	var bad *sign.MemberError
	if !errors.As(err, &bad) {
		return &DraftError{Err: err}
	}
	path := strings.NewReplacer("[", "/", "]", "", ".", "/").Replace(bad.Member)
	return p.error(jsontext.Pointer("/"+path), err)
}

func kindName(k jsontext.Kind) string {
	switch k {
	case 'n':
		return "null"
	case 't', 'f':
		return "true or false"
	case '"':
		return "a string"
	case '0':
		return "a number"
	case '{':
		return "an object"
	case '[':
		return "a list"
	}
	return "this"
}
