package mail

import (
	"encoding/base64"
	"slices"
	"strings"
	"unicode/utf16"
)

// flagNames are the letters of a Maildir file's name after `:2,`.
var flagNames = map[rune]string{'P': "Passed", 'R': "Replied", 'S': "Seen", 'T': "Trashed", 'D': "Draft", 'F': "Flagged"}

// maildirFlags returns the flags that the name of a Maildir file states, sorted.
// Where a file system has no colon, mail systems write `;2,` or `!2,`.
func maildirFlags(name string) []string {
	i := -1
	for _, mark := range []string{":2,", ";2,", "!2,"} {
		i = max(i, strings.LastIndex(name, mark))
	}
	if i < 0 {
		return nil
	}
	letters, _, _ := strings.Cut(name[i+3:], ",")
	var flags []string
	for _, c := range letters {
		if n, ok := flagNames[c]; ok {
			flags = append(flags, n)
		} else if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			flags = append(flags, string(c))
		}
	}
	slices.Sort(flags)
	return slices.Compact(flags)
}

// isServerFolder reports whether a folder inside a Maildir is kept there by the
// mail server for itself. Users choose the names of folders, so it has to be
// exactly one of these, which hold no mail.
func isServerFolder(name string) bool {
	return name == "courierimapkeywords" || name == "courierimaphieracl"
}

// isHousekeeping reports whether a file inside a Maildir, beside its folders, is
// kept there by the mail server for itself.
func isHousekeeping(name string) bool {
	switch name {
	case "maildirfolder", "maildirsize", "subscriptions", "shared-maildirs", "shared-timestamp":
		return true
	}
	name = strings.TrimPrefix(name, ".")
	return strings.HasPrefix(name, "dovecot") || strings.HasPrefix(name, "courierimap") || strings.HasPrefix(name, "courierpop3")
}

// folderLabel returns the label of a folder: parent is the label of the folder
// above, inMaildir whether that is a Maildir, isMaildir whether this one is.
// Maildir++ writes the folder A/B as `.A.B` beside cur/, each part in the
// modified UTF-7 of IMAP; folders that lie in one another are named in it too.
func folderLabel(parent, name string, inMaildir, isMaildir bool) string {
	label := name
	if inMaildir && len(name) > 1 && name[0] == '.' {
		parts := strings.Split(name[1:], ".")
		for i, p := range parts {
			parts[i] = decodeUTF7(p)
		}
		label = strings.Join(parts, "/")
	} else if inMaildir || isMaildir {
		label = decodeUTF7(name)
	}
	if parent == "" {
		return label
	}
	return parent + "/" + label
}

// decodeUTF7 decodes a mailbox name in modified UTF-7 (RFC 3501, section
// 5.1.3). A name that is not in it is returned as it is.
func decodeUTF7(s string) string {
	var out strings.Builder
	for rest := s; ; {
		plain, after, found := strings.Cut(rest, "&")
		out.WriteString(plain)
		if !found {
			return out.String()
		}
		code, tail, ended := strings.Cut(after, "-")
		if !ended {
			return s
		}
		if code == "" {
			out.WriteByte('&')
		} else {
			text, ok := decodeUTF7Word(code)
			if !ok {
				return s
			}
			out.WriteString(text)
		}
		rest = tail
	}
}

// decodeUTF7Word decodes the base64 of UTF-16 between `&` and `-`.
func decodeUTF7Word(code string) (string, bool) {
	b, err := base64.RawStdEncoding.DecodeString(strings.ReplaceAll(code, ",", "/"))
	if err != nil || len(b) == 0 || len(b)%2 != 0 {
		return "", false
	}
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = uint16(b[2*i])<<8 | uint16(b[2*i+1])
	}
	runes := utf16.Decode(units)
	if slices.Contains(runes, '\uFFFD') || slices.Contains(runes, '/') || slices.Contains(runes, 0) {
		return "", false
	}
	return string(runes), true
}
