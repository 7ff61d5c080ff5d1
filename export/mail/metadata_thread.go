package mail

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"

	"exhibit/export/mail/header"
)

// Thread tells which messages belong together. It rests on identifiers alone and
// never on a Subject, whose prefixes differ by language.
type Thread struct {
	// ID is 32 lower-case hexadecimal digits, the same for a message and for the
	// answers that lead back to it.
	ID string `json:"id"`
	By string `json:"by"` // one of the By constants
}

// Values of Thread.By: the field that told the thread. The first of them that
// there is counts.
const (
	ByGmail       = "x-gm-thrid"   // X-GM-THRID: the provider's own number
	ByReferences  = "references"   // the first identifier of References: the message that began the thread
	ByInReplyTo   = "in-reply-to"  // the first identifier of In-Reply-To
	ByThreadIndex = "thread-index" // Thread-Index (MS-OXOMSG, section 2.2.1.3): its first 22 bytes
	ByMessageID   = "message-id"   // its own: it began the thread
)

const (
	threadType = "exhibit/thread/v1\n"
	// indexRoot is the length of a Thread-Index that begins a thread. Each answer
	// adds 5 bytes.
	indexRoot = 22
	// maxThreadIndex bounds a Thread-Index, in bytes as written.
	maxThreadIndex = 4096
)

// thread returns the thread of a message with the identifiers of f, or nil.
func thread(h header.Header, f *Fields) *Thread {
	index := threadIndex(h.Get("Thread-Index"))
	switch number := above(h).Get("X-GM-THRID"); {
	case isNumber(number):
		return threadOf(ByGmail, ByGmail+" "+number)
	case len(f.References) > 0:
		return threadOf(ByReferences, normalID(f.References[0]))
	case len(f.InReplyTo) > 0:
		return threadOf(ByInReplyTo, normalID(f.InReplyTo[0]))
	case len(index) > indexRoot, len(index) == indexRoot && f.MessageID == "":
		// A message that begins a thread is better known by its Message-ID, which
		// answers from elsewhere refer to.
		return threadOf(ByThreadIndex, ByThreadIndex+" "+hex.EncodeToString(index[:indexRoot]))
	case f.MessageID != "":
		return threadOf(ByMessageID, normalID(f.MessageID))
	}
	return nil
}

// above returns the fields above the first Received and Return-Path: what the
// mailbox wrote. Those below the sender may have written.
func above(h header.Header) header.Header {
	for i, f := range h.Fields {
		if named(f.Name, "Received") || named(f.Name, "Return-Path") {
			return header.Header{Fields: h.Fields[:i]}
		}
	}
	return h
}

func threadOf(by, identifier string) *Thread {
	sum := sha256.Sum256([]byte(threadType + identifier))
	return &Thread{ID: hex.EncodeToString(sum[:16]), By: by}
}

// normalID returns a message identifier without angle brackets and white space,
// and with its domain in lower case: relays write them in several ways.
func normalID(id string) string {
	id = strings.TrimSuffix(strings.TrimPrefix(strings.Join(strings.Fields(id), ""), "<"), ">")
	if at := strings.LastIndexByte(id, '@'); at >= 0 {
		return id[:at] + strings.ToLower(id[at:])
	}
	return id
}

// threadIndex returns the bytes of a Thread-Index, or nothing if it is none.
func threadIndex(value string) []byte {
	if len(value) > maxThreadIndex {
		return nil
	}
	index, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(value), ""))
	if err != nil || len(index) < indexRoot || (len(index)-indexRoot)%5 != 0 {
		return nil
	}
	return index
}

// isNumber reports whether s is a number of up to 20 digits, as 64 bits give.
func isNumber(s string) bool {
	return s != "" && len(s) <= 20 && strings.Trim(s, "0123456789") == ""
}
