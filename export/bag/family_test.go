package bag

import (
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// familyFields are the fields of a signed message with a text, a picture, a message
// that carries a spreadsheet and, within an encrypted message, a calendar, and with
// two files in a winmail.dat.
const familyFields = `{"message_id":"<1@example.org>","in_reply_to":["<0@example.org>"],"references":["<a@example.org>","<0@example.org>"],` +
	`"thread":{"id":"00ff","by":"references"},"from":[{"addr":"eve@example.org"}],"sender":[{"name":"S","addr":"s@example.org"}],"reply_to":[{"addr":"r@example.org"}],"parts":[` +
	`{"part":"1","type":"multipart/signed","crypto":"signed","offset":0,"body":10,"length":900},` +
	`{"part":"1.1","type":"text/plain","offset":20,"body":30,"length":3,"size":3,"sha256":"aa","md5":"bb"},` +
	`{"part":"1.2","type":"image/png","name":"=1+1.png","attachment":true,"offset":40,"body":50,"length":8,"size":6,"sha256":"cc","md5":"dd"},` +
	`{"part":"1.3","type":"message/rfc822","attachment":true,"offset":60,"body":70,"length":200,"size":200,"sha256":"ee","md5":"ff","message":{"message_id":"<2@example.org>","mih":"m2",` +
	`"thread":{"id":"11","by":"message-id"},"date_utc":"2026-01-02T03:04:05Z","received_utc":"2026-01-02T03:04:06Z","from":[{"name":"Bob","addr":"bob@example.org"}],"to":[{"addr":"c@example.org"}],"subject":"Inner"}},` +
	`{"part":"1.3.1","type":"multipart/mixed","offset":80,"body":90,"length":100},` +
	`{"part":"1.3.1.1","type":"application/vnd.ms-excel","name":"../a\\b.xls","attachment":true,"offset":100,"body":110,"length":0,"size":0,"sha256":"01","md5":"02"},` +
	`{"part":"1.3.1.2","type":"message/rfc822","attachment":true,"offset":120,"body":130,"length":9,"size":9,"message":{}},` +
	`{"part":"1.3.1.2.1","type":"multipart/encrypted","crypto":"encrypted","offset":130,"body":131,"length":8},` +
	`{"part":"1.3.1.2.1.1","type":"text/calendar","attachment":true,"offset":132,"body":133,"length":1,"size":1,"sha256":"03","md5":"04"},` +
	`{"part":"1.4","type":"application/ms-tnef","name":"winmail.dat","attachment":true,"offset":140,"body":150,"length":20,"size":15,"sha256":"05","md5":"06",` +
	`"files":[{"name":"a.doc","origin":"tnef","size":4,"sha256":"07","md5":"08"},{"origin":"tnef","size":5,"sha256":"09","md5":"10"}]}]}`

// Attachments and carried messages are documents of their own beside their
// message, wherever in its tree they lie.
func TestFamily(t *testing.T) {
	it := sampleItem()
	it.Fields = []byte(familyFields)
	const family = "E0000001|E0000001.0008"
	want := []string{
		"E0000001||" + family + "|1|multipart/signed|8|signed|E0000001.eml|90",
		"E0000001.0001|E0000001|" + family + "|1.2|image/png|||=1+1.png|6",
		"E0000001.0002|E0000001|" + family + "|1.3|message/rfc822||||200",
		"E0000001.0003|E0000001.0002|" + family + `|1.3.1.1|application/vnd.ms-excel|||../a\b.xls|0`,
		"E0000001.0004|E0000001.0002|" + family + "|1.3.1.2|message/rfc822||encrypted||9",
		"E0000001.0005|E0000001.0004|" + family + "|1.3.1.2.1.1|text/calendar||||1",
		"E0000001.0006|E0000001|" + family + "|1.4|application/ms-tnef|||winmail.dat|15",
		"E0000001.0007|E0000001|" + family + "|1.4/1||||a.doc|4",
		"E0000001.0008|E0000001|" + family + "|1.4/2|||||5",
	}
	rows := Rows(it)
	var got []string
	for _, r := range rows {
		got = append(got, strings.Join(pick(r, "DocID", "PARENT_DOCID", "BeginAttach", "EndAttach", "Part", "ContentType", "Attachments", "Crypto", "FileName", "FileSize"), "|"))
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for i, want := range map[int]string{
		0: "<1@example.org>|00ff|<0@example.org>|<a@example.org> <0@example.org>|S <s@example.org>|r@example.org|Seen|inbox; travel|mail.mbox.gz",
		2: "<2@example.org>|11||||||inbox; travel|",
	} {
		if got := strings.Join(pick(rows[i], "Rfc822MessageId", "ThreadId", "InReplyTo", "References", "Sender", "ReplyTo", "Flags", "Labels", "SourceFile"), "|"); got != want {
			t.Errorf("row %d: %s, want %s", i, got, want)
		}
	}
	if got := strings.Join(pick(rows[2], "From", "To", "Subject", "DateSent", "DateReceived", "MIH", "SHA256Hash", "MD5Hash", "Category", "Rule", "FilePath", "Account"), "|"); got !=
		"Bob <bob@example.org>|c@example.org|Inner|2026-01-02T03:04:05Z|2026-01-02T03:04:06Z|m2|ee|ff|content||data/messages/E0000001.eml|alice@example.org" {
		t.Errorf("the carried message: %s", got)
	}
}

// pick returns the cells of a row by column.
func pick(row []string, names ...string) []string {
	var out []string
	for _, name := range names {
		out = append(out, row[slices.Index(columns, name)])
	}
	return out
}

// A message without attachments is no family, and a record of version 1 never has
// rows of its attachments.
func TestNoFamily(t *testing.T) {
	it := sampleItem()
	it.Fields = []byte(`{"parts":[{"part":"1","type":"text/plain","offset":0,"body":2,"length":3,"size":3}]}`)
	rows := Rows(it)
	if got := strings.Join(pick(rows[0], "DocID", "BeginAttach", "EndAttach", "Part", "ContentType", "Attachments"), "|"); len(rows) != 1 || got != "E0000001|||1|text/plain|0" {
		t.Errorf("%d rows, %s", len(rows), got)
	}
	it.Type, it.Fields = ItemTypeV1, []byte(familyFields)
	if rows := Rows(it); len(rows) != 1 || len(rows[0]) != columnsV1 {
		t.Errorf("version 1: %q", rows)
	}
}

// Names are shown as they are written, and no spreadsheet runs them.
func TestFamilyFiles(t *testing.T) {
	it := sampleItem()
	it.Fields = []byte(`{"parts":[{"part":"1","attachment":true,"name":"=cmd|' /C calc'!A0","offset":0,"body":0,"length":0},` +
		`{"part":"2","attachment":true,"name":"a\u0000/..\\\n\u0014þ","offset":0,"body":0,"length":0}]}`)
	c, d := indexFiles(t, it)
	rows, err := csv.NewReader(strings.NewReader(c)).ReadAll()
	if err != nil || len(rows) != 4 {
		t.Fatalf("%q, %v", rows, err)
	}
	if rows[2][1] != "'=cmd|' /C calc'!A0" || rows[3][1] != "a\x00/..\\\n\x14þ" {
		t.Errorf("%q, %q", rows[2][1], rows[3][1])
	}
	lines := strings.Split(d, "\r\n")
	if !strings.HasPrefix(lines[2], "þþ\x14þ=cmd|' /C calc'!A0þ\x14þ") || !strings.HasPrefix(lines[3], "þþ\x14þa\x00/..\\® þþþ\x14þ") {
		t.Errorf("%q", lines)
	}
}

func TestMaxChildren(t *testing.T) {
	for n, want := range map[int]int{MaxChildren: MaxChildren + 1, MaxChildren + 1: MaxChildren + 1} {
		it := sampleItem()
		it.Fields = fmt.Appendf(nil, `{"parts":[{"part":"1","files":[%s{}]}]}`, strings.Repeat("{},", n-1))
		rows := Rows(it)
		if len(rows) != want || rows[want-1][11] != "E0000001.9999" {
			t.Errorf("%d files: %d rows, the last is %s", n, len(rows), rows[len(rows)-1][11])
		}
	}
}
