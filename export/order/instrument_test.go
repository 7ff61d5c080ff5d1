package order_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"testing"
	"testing/fstest"

	"exhibit/export/order"
	samples "exhibit/testdata"
)

func instrumentOf(t *testing.T, data []byte) *order.Order {
	t.Helper()
	const digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	return parse(t, with(t, digest, fmt.Sprintf("%x", sha256.Sum256(data))))
}

func TestReadInstrument(t *testing.T) {
	data := []byte("the instrument")
	o := instrumentOf(t, data)
	got, err := o.ReadInstrument(fstest.MapFS{"a.pdf": {Data: data}})
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("got %q, %v", got, err)
	}

	_, err = o.ReadInstrument(fstest.MapFS{})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
	_, err = o.ReadInstrument(fstest.MapFS{"a.pdf": {Mode: fs.ModeDir}})
	if err == nil {
		t.Error("a folder was read")
	}
	other := []byte("the instrument.")
	_, err = o.ReadInstrument(fstest.MapFS{"a.pdf": {Data: other}})
	var wrong *order.InstrumentError
	if !errors.As(err, &wrong) {
		t.Fatalf("altered: %v", err)
	}
	same(t, "error", *wrong, order.InstrumentError{File: "a.pdf", Want: sha256.Sum256(data), Got: sha256.Sum256(other)})
}

func TestReadInstrumentLimit(t *testing.T) {
	data := make([]byte, order.MaxInstrument+1)
	most := data[:order.MaxInstrument]
	o := instrumentOf(t, most)
	if _, err := o.ReadInstrument(fstest.MapFS{"a.pdf": {Data: most}}); err != nil {
		t.Errorf("at the limit: %v", err)
	}
	_, err := o.ReadInstrument(fstest.MapFS{"a.pdf": {Data: data}})
	if !errors.Is(err, order.ErrInstrumentSize) {
		t.Errorf("one past the limit: %v", err)
	}
}

func signatureOf(t *testing.T, data []byte) *order.Order {
	t.Helper()
	return parse(t, with(t, "file: a.pdf,", fmt.Sprintf("file: a.pdf, signature: {file: a.pdf.asc, sha256: %x},", sha256.Sum256(data))))
}

func TestReadInstrumentSignature(t *testing.T) {
	got, err := parse(t, base).ReadInstrumentSignature(fstest.MapFS{})
	if got != nil || err != nil {
		t.Errorf("of none: %q, %v", got, err)
	}
	data := []byte("the signature")
	o := signatureOf(t, data)
	got, err = o.ReadInstrumentSignature(fstest.MapFS{"a.pdf.asc": {Data: data}})
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("got %q, %v", got, err)
	}
	_, err = o.ReadInstrumentSignature(fstest.MapFS{"a.pdf": {Data: data}})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
	other := []byte("the signature.")
	_, err = o.ReadInstrumentSignature(fstest.MapFS{"a.pdf.asc": {Data: other}})
	var wrong *order.InstrumentError
	if !errors.As(err, &wrong) {
		t.Fatalf("altered: %v", err)
	}
	same(t, "error", *wrong, order.InstrumentError{File: "a.pdf.asc", Want: sha256.Sum256(data), Got: sha256.Sum256(other), Signature: true})
}

func TestReadInstrumentSignatureLimit(t *testing.T) {
	data := make([]byte, order.MaxInstrumentSignature+1)
	most := data[:order.MaxInstrumentSignature]
	o := signatureOf(t, most)
	if _, err := o.ReadInstrumentSignature(fstest.MapFS{"a.pdf.asc": {Data: most}}); err != nil {
		t.Errorf("at the limit: %v", err)
	}
	_, err := o.ReadInstrumentSignature(fstest.MapFS{"a.pdf.asc": {Data: data}})
	if !errors.Is(err, order.ErrInstrumentSize) {
		t.Errorf("one past the limit: %v", err)
	}
}

func TestSampleInstrument(t *testing.T) {
	folder, err := fs.Sub(samples.Files, "order")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parse(t, sample(t)).ReadInstrument(folder); err != nil {
		t.Error(err)
	}
}
