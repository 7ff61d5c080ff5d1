package mail_test

import (
	"encoding/json"
	"testing"

	"exhibit/export/mail"
)

func TestDescribeEntry(t *testing.T) {
	event := func(start string) mail.Item {
		return mail.Item{Kind: mail.KindEvent, Raw: []byte("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1@court.example\r\nSUMMARY:Hearing\\, room 5\r\n" +
			start + "END:VEVENT\r\nEND:VCALENDAR\r\n")}
	}
	contact := mail.Item{Kind: mail.KindContact, Raw: []byte("BEGIN:VCARD\r\nFN:Bob\r\nEMAIL:bob@nordwind.example\r\nEND:VCARD\r\n")}
	for _, c := range []struct {
		it   mail.Item
		want string
	}{
		{event("DTSTART:20260302T090000Z\r\n"), `{"summary":"Hearing, room 5","uid":"1@court.example","date_utc":"2026-03-02T09:00:00Z"}`},
		{event("DTSTART:20260302T090000\r\n"), `{"summary":"Hearing, room 5","uid":"1@court.example"}`}, // in a zone that is not stated
		{contact, `{"summary":"Bob","email":["bob@nordwind.example"]}`},
	} {
		if got, err := json.Marshal(mail.DescribeEntry(c.it)); err != nil || string(got) != c.want {
			t.Errorf("%s, %v; want %s", got, err, c.want)
		}
	}
}

// A contact with very many addresses shows the first of them.
func TestDescribeEntryLimit(t *testing.T) {
	const fit = (64 << 10) / (6*len("0000@nordwind.example") + 3)
	for n, want := range map[int]int{fit: fit, fit + 1: fit} {
		card := "BEGIN:VCARD\r\n" + numbered(n, "EMAIL:%04d@nordwind.example\r\n") + "END:VCARD\r\n"
		if e := mail.DescribeEntry(mail.Item{Kind: mail.KindContact, Raw: []byte(card)}); len(e.Email) != want {
			t.Errorf("%d addresses: %d shown, want %d", n, len(e.Email), want)
		}
	}
}
