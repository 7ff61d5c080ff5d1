package export_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"exhibit/export/bag"
	"exhibit/export/mail"
	"exhibit/sign"
)

// mailWithParts is a message with a text, a picture, and a message that carries a
// table; as Gmail exports it, labels and all.
const mailWithParts = "X-GM-THRID: 1266894439832287888\nX-Gmail-Labels: =?UTF-8?Q?Inbox,Gr=C3=B6=C3=9Fe?=\nDate: Mon, 05 Jan 2026 10:00:00 +0000\nFrom: b@x.example\nSubject: parts\n" +
	"Message-ID: <1@x.example>\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=o\n\n" +
	"--o\nContent-Type: text/plain\n\ntext\n" +
	"--o\nContent-Type: image/png; name==?utf-8?q?=3D1+1=C3=84.png?=\nContent-Transfer-Encoding: base64\n\nAAEC\n" +
	"--o\nContent-Type: message/rfc822\n\nMessage-ID: <2@x.example>\nFrom: c@x.example\nSubject: inner\nContent-Type: multipart/mixed; boundary=i\n\n" +
	"--i\n\ntext\n--i\nContent-Type: text/csv; name=\"../t.csv\"\n\n1,2\n--i--\n\n--o--\n"

// Attachments and carried messages have rows beside their message, and an auditor
// finds each in the source, byte for byte.
func TestIndexFamily(t *testing.T) {
	const before = "From - \nDate: Mon, 05 Jan 2026 09:00:00 +0000\nFrom: b@x.example\nSubject: first\n\nbody\n\n"
	box := before + "From - \n" + mailWithParts + "\n"
	root := writeFiles(t, map[string]string{"All mail.mbox": box})
	w := newWorld(t, newDir(t))
	to, _ := w.open(w.export(w.order(entireA), source("a@mail.example", root)).Package)
	rec := records(t, to)[1]
	if want := []string{"Inbox", "Größe"}; !slices.Equal(rec.Labels[len(rec.Labels)-2:], want) {
		t.Errorf("labels %q", rec.Labels)
	}
	rows := indexCSV(t, to)
	for doc, want := range map[string]string{
		"E0000001":      "|||1|first|E0000001.eml|text/plain|0",
		"E0000002":      "|E0000002|E0000002.0003|1|parts|E0000002.eml|multipart/mixed|3",
		"E0000002.0001": "E0000002|E0000002|E0000002.0003|1.2||'=1+1Ä.png|image/png|",
		"E0000002.0002": "E0000002|E0000002|E0000002.0003|1.3|inner||message/rfc822|",
		"E0000002.0003": "E0000002.0002|E0000002|E0000002.0003|1.3.1.2||../t.csv|text/csv|",
	} {
		var got []string
		for _, column := range []string{"PARENT_DOCID", "BeginAttach", "EndAttach", "Part", "Subject", "FileName", "ContentType", "Attachments"} {
			got = append(got, rows[doc][column])
		}
		if strings.Join(got, "|") != want {
			t.Errorf("%s: %q, want %q", doc, got, want)
		}
	}
	if len(rows) != 5 {
		t.Errorf("%d rows", len(rows))
	}
	picture := rows["E0000002.0001"]
	sum := sha256.Sum256([]byte{0, 1, 2})
	if picture["SHA256Hash"] != hex.EncodeToString(sum[:]) || picture["FileSize"] != "3" {
		t.Errorf("%v", picture)
	}
	part := partsOf(t, rec)[2]
	span := box[rec.Source.Offset:][:rec.Source.Length]
	content, err := base64.StdEncoding.DecodeString(span[part.Body:][:part.Length])
	if !strings.HasPrefix(span[part.Offset:], "Content-Type: image/png") || err != nil || !bytes.Equal(content, []byte{0, 1, 2}) {
		t.Errorf("part 1.2 at %d: %q, %v", part.Offset, content, err)
	}
}

func partsOf(t *testing.T, rec *bag.ItemRecord) []mail.Part {
	t.Helper()
	var fields struct {
		Parts []mail.Part `json:"parts"`
	}
	check(t, json.Unmarshal(rec.Fields, &fields))
	return fields.Parts
}

// A message with more parts, names and addresses than an index can show is
// exported whole, and its record says that it was cut.
func TestIndexOfBombs(t *testing.T) {
	head := "Date: Mon, 05 Jan 2026 10:00:00 +0000\nFrom: b@x.example\nX-Gmail-Labels: " + strings.Repeat("\"\x01,", 20_000) + "\nKeywords: " + strings.Repeat("\x01,", 100_000) +
		"\nTo: " + strings.Repeat("\"\\\"\\\"\" <a@x.example>,", 30_000) + "\nContent-Type: multipart/mixed; boundary=o\n\n"
	files := map[string]string{}
	for i, piece := range []string{"\nx\n", "Content-Type: a/b; name=\"" + strings.Repeat("\x01", 500) + "\"\n\n\n", "Content-Type: message/rfc822\n\nSubject: " + strings.Repeat("\\", 100) + "\n\n\n"} {
		files[fmt.Sprintf("%d.eml", i)] = head + strings.Repeat("--o\n"+piece, 12_000) + "--o--\n"
	}
	w := newWorld(t, newDir(t))
	to, rep := w.open(w.export(w.order(entireA), source("a@mail.example", writeFiles(t, files))).Package)
	if rep.Counts.Included != 3 {
		t.Errorf("counts %+v", rep.Counts)
	}
	index, err := os.ReadFile(filepath.Join(to, "data", "index.jsonl"))
	check(t, err)
	for line := range bytes.Lines(index) {
		if len(line) > sign.MaxLine || !bytes.Contains(line, []byte(mail.DefectCut)) || !bytes.Contains(line, []byte(`"parts_total":`)) {
			t.Errorf("a record of %d bytes: %.200q", len(line), line)
		}
	}
}
