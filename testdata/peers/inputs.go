package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
)

// input is what the readers are measured with: messages that lie in memory.
type input struct {
	name     string
	messages [][]byte
	large    bool // one large message, not many small ones
}

func (in input) bytes() int64 {
	var n int64
	for _, m := range in.messages {
		n += int64(len(m))
	}
	return n
}

// inputs returns all inputs. The corpus is left out, with an error that says so,
// when it does not lie beside the project.
func inputs() ([]input, error) {
	list := []input{
		{"base64-64M", [][]byte{base64Message(64<<20, 1)}, true},
		{"base64-4x16M", [][]byte{base64Message(16<<20, 4)}, true},
		{"quoted-printable-16M", [][]byte{quotedMessage(16 << 20)}, true},
		{"8bit-64M", [][]byte{eightBitMessage(64<<20, prose)}, true},
		{"8bit-log-64M", [][]byte{eightBitMessage(64<<20, logLine)}, true},
		{"headers-200", slices.Repeat([][]byte{headerMessage(200)}, 200), false},
	}
	messages, err := corpus()
	if err != nil {
		return list, err
	}
	return append([]input{{"corpus", messages, false}, {"corpus-common", common(messages), false}}, list...), nil
}

// common returns the messages in which all readers find the same number of
// leaves, without an error: over these all have the same work. At others peers
// give up, which is quick.
func common(messages [][]byte) [][]byte {
	d := newDigester(false)
	var list [][]byte
	for _, m := range messages {
		leaves := map[int]bool{}
		for _, r := range readers() {
			got, err := r.read(m, d)
			if err != nil {
				leaves[-1] = true
			}
			leaves[len(got.Leaves)] = true
		}
		if len(leaves) == 1 {
			list = append(list, m)
		}
	}
	return list
}

// corpus reads the mail that real software met.
func corpus() ([][]byte, error) {
	paths, err := filepath.Glob(filepath.Join("..", "..", "..", "shared", "corpus", "eml", "*"))
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("no corpus of mail beside the project: %w", os.ErrNotExist)
	}
	messages := make([][]byte, len(paths))
	for i, path := range paths {
		if messages[i], err = os.ReadFile(path); err != nil {
			return nil, err
		}
	}
	return messages, nil
}

const (
	sampleHeader = "From: Anna Example <anna@mail.example>\r\nTo: b@mail.example\r\nSubject: a sample\r\n" +
		"Date: Mon, 2 Mar 2015 10:11:12 +0100\r\nMessage-ID: <sample@mail.example>\r\nMIME-Version: 1.0\r\n"
	sampleMixed = sampleHeader + "Content-Type: multipart/mixed; boundary=\"=_sample\"\r\n\r\n" +
		"--=_sample\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nsee below\r\n"
	sampleClose = "\r\n--=_sample--\r\n"
)

// base64Message has count attachments, each of n bytes of base64 in lines of 76
// columns.
func base64Message(n, count int) []byte {
	content := make([]byte, n/78*57)
	random := rand.NewChaCha8([32]byte{1})
	random.Read(content)
	var b bytes.Buffer
	b.Grow((n + 1000) * count)
	b.WriteString(sampleMixed)
	line := make([]byte, 76, 78)
	for i := range count {
		fmt.Fprintf(&b, "\r\n--=_sample\r\nContent-Type: application/octet-stream; name=\"%d.bin\"\r\n"+
			"Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"%d.bin\"\r\n\r\n", i, i)
		for piece := range slices.Chunk(content, 57) {
			base64.StdEncoding.Encode(line[:76], piece)
			b.Write(append(line[:76], "\r\n"...))
		}
	}
	b.WriteString(sampleClose)
	return b.Bytes()
}

// quotedMessage is text in quoted-printable of n bytes: prose of a language with
// a few letters that ASCII does not have, and soft line breaks.
func quotedMessage(n int) []byte {
	const lines = "Der Brief, den Sie uns am dritten M=C3=A4rz geschickt haben, liegt nun vor. W=\r\n" +
		"ir haben ihn gelesen =E2=80=93 und antworten heute.\r\n\r\n" +
		"Mit freundlichen Gr=C3=BC=C3=9Fen aus dem Landeskriminalamt Musterland\r\n"
	var b bytes.Buffer
	b.Grow(n + 1000)
	b.WriteString(sampleHeader + "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n")
	for b.Len() < n {
		b.WriteString(lines)
	}
	return b.Bytes()
}

// Lines of text without a transfer encoding: with few dashes, and with many, which
// a search for boundaries has to look at.
const (
	prose   = "Der Brief, den Sie uns geschickt haben, liegt nun vor, f\xc3\xbcr alle, die ihn lesen wollen - heute\r\n"
	logLine = "2015-03-02 10:11:12 eine Zeile, wie sie ein Programm in sein Tagebuch schreibt, f\xc3\xbcr alle\r\n"
)

// eightBitMessage has a text attachment of n bytes, one line over and over.
func eightBitMessage(n int, line string) []byte {
	var b bytes.Buffer
	b.Grow(n + 1000)
	b.WriteString(sampleMixed)
	b.WriteString("\r\n--=_sample\r\nContent-Type: text/x-log; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n" +
		"Content-Disposition: attachment; filename=a.log\r\n\r\n")
	for b.Len() < n {
		b.WriteString(line)
	}
	b.WriteString(sampleClose)
	return b.Bytes()
}

// headerMessage has n lines of header, a third of them folds, and a short body.
func headerMessage(n int) []byte {
	var b bytes.Buffer
	b.WriteString(sampleHeader)
	lines := bytes.Count(b.Bytes(), []byte("\n"))
	for i := range (n - lines) / 3 {
		fmt.Fprintf(&b, "Received: from host%d.mail.example (host%d.mail.example [192.0.2.%d])\r\n\tby mx.mail.example with ESMTPS id %08x;"+
			" Mon, 2 Mar 2015 10:11:%02d +0100\r\nX-Sample-%d: a value of some length, as filters leave them\r\n", i, i, i%250, i*7919, i%60, i)
	}
	for i := range (n - lines) % 3 {
		fmt.Fprintf(&b, "X-Last-%d: a value\r\n", i)
	}
	b.WriteString("\r\nshort\r\n")
	return b.Bytes()
}
