package transfer_test

import (
	"strings"
	"testing"

	"exhibit/export/mail/transfer"
)

// What is known beyond RFC 2045 can be told from what it names.
func TestRegistered(t *testing.T) {
	for value, want := range map[string]bool{
		"7bit": true, "8BIT": true, "binary": true, " Base64\t": true, "base64 (x)": true, "(x (y)) quoted-printable": true,
		"x-uuencode": true, "X-UUE": true, "x-yenc": true,
		"7-bit": false, "8 bit": false, "8bits": false, "uuencode": false, "yEnc": false,
		"base64 7bit": false, "base64 ; charset=x": false, "x-uuencode base64": false, "base64" + strings.Repeat(" ", 30) + "x": false,
	} {
		if got := transfer.Registered(value); got != want {
			t.Errorf("%q: %t", value, got)
		}
		if _, known := transfer.Name(value); !known {
			t.Errorf("%q is not known", value)
		}
	}
}
