package mail_test

import (
	"slices"
	"testing"

	"exhibit/export/mail"
)

func TestGmailLabels(t *testing.T) {
	for header, want := range map[string][]string{
		"X-Gmail-Labels: Inbox,Important,Opened\n":                              {"Inbox", "Important", "Opened"},
		"X-Gmail-Labels: Inbox, a/b ,,Inbox\n":                                  {"Inbox", "a/b"},
		"X-Gmail-Labels: \"Doe, Jane\",Inbox\n":                                 {"Doe, Jane", "Inbox"},
		"X-Gmail-Labels: \"a \"\"b\"\", c\",\"d \\\" e\\\\\",f\\g\n":            {`a "b", c`, `d " e\`, `f\g`},
		"X-Gmail-Labels: 5\" disks,\"open\n":                                    {`5" disks`, `"open`},
		"X-Gmail-Labels: =?UTF-8?Q?Archiviert,Kategorie_=E2=80=9EE-Mails?=\n":   {"Archiviert", "Kategorie „E-Mails"},
		"X-Gmail-Labels: =?UTF-8?Q?\"M=C3=BCller,_Co\",Posteingang?=\n":         {"Müller, Co", "Posteingang"},
		"X-Gmail-Labels: Inbox,=?utf-8?B?R3LDtsOfZQ==?=,Sent\n":                 {"Inbox", "Größe", "Sent"},
		"X-Gmail-Labels: =?UTF-8?Q?Gr=C3=B6=C3?=\n =?UTF-8?Q?=9Fe,Weite?=\n":    {"Größe", "Weite"},
		"X-Gmail-Labels: =?UTF-8?Q?\"Doe,_?=\n =?UTF-8?Q?J=C3=B6rg\",Inbox?=\n": {"Doe, Jörg", "Inbox"},
		"X-Gmail-Labels: One\nX-Gmail-Labels: Two,One\n":                        {"One", "Two"},
		"X-Gmail-Labels: \n": nil,
		"Subject: x\n":       nil,
		"X-Gmail-Labels: One\nReceived: x\nX-Gmail-Labels: Two\n":                     {"One"}, // the sender's
		"Return-Path: <x@y>\nX-Gmail-Labels: Sent\n":                                  nil,
		"X-Gmail-Labels: =?iso-8859-1?Q?=C9t=E9?=,=?utf-8?B?5Y+X5L+h44OI44Os44Kk?=\n": {"Été", "受信トレイ"},
	} {
		if got := mail.Describe(mail.Item{Raw: []byte(header + "\n")}).Labels; !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", header, got, want)
		}
	}
}

func TestKeywords(t *testing.T) {
	for header, want := range map[string][]string{
		"Keywords: work, \"long, one\"\nKeywords: =?utf-8?q?Gr=C3=B6=C3=9Fe?=\n": {"work", "long, one", "Größe"},
		"X-Keywords: $Forwarded NonJunk           \n":                            {"$Forwarded", "NonJunk"},
		"X-Mozilla-Keys: $label1 tag,x                \n":                        {"$label1", "tag,x"},
		"X-Mozilla-Keys: b\nKeywords: a b\nX-Keywords: b\n":                      {"a b", "b"},
		"X-Keywords:                     \n":                                     nil,
	} {
		if got := mail.Describe(mail.Item{Raw: []byte(header + "\n")}).Keywords; !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", header, got, want)
		}
	}
}
