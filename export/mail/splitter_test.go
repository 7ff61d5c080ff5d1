package mail

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

// nothing is a sink that keeps nothing.
type nothing struct{ items int }

func (n *nothing) Item(Item) error { n.items++; return nil }
func (n *nothing) Gap(Gap) error   { return nil }
func (n *nothing) File(File) error { return nil }

// mailbox returns an mbox of at least size bytes: messages of some KB, every
// twentieth with an attachment of some MB in base64.
func mailbox(size int) []byte {
	rnd := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	line := make([]byte, 76)
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, "From a@mail.example Mon Jun  1 10:00:00 2015\nReceived: from x by y; Mon, 1 Jun 2015 10:00:00 +0000\n"+
			"From: a@mail.example\nTo: b@mail.example\nSubject: message %d\nMessage-ID: <%d@mail.example>\nStatus: RO\n\n", i, i)
		b.WriteString(strings.Repeat("A line of text as people write it, From one to another.\n", 20+rnd.IntN(80)))
		b.WriteString(">From the beginning\n")
		if i%20 == 0 {
			for range rnd.IntN(40_000) {
				for k := range line {
					line[k] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[rnd.IntN(64)]
				}
				b.Write(line)
				b.WriteByte('\n')
			}
		}
		b.WriteByte('\n')
	}
	return b.Bytes()
}

func BenchmarkMbox(b *testing.B) {
	lf := mailbox(300 << 20)
	for _, box := range []struct {
		name    string
		content []byte
	}{{"LF", lf}, {"CRLF", bytes.ReplaceAll(lf, []byte("\n"), []byte("\r\n"))}} {
		b.Run(box.name, func(b *testing.B) {
			b.SetBytes(int64(len(box.content)))
			for b.Loop() {
				r := &reader{opt: Options{Limits: DefaultLimits()}, sink: &nothing{}}
				if err := r.mbox(entry{path: "box"}, nil, bytes.NewReader(box.content), &File{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// repeated gives n bytes, the same piece again and again.
type repeated struct {
	piece []byte
	at    int
	n     int64
}

func newRepeated(piece string, n int64) *repeated {
	return &repeated{piece: []byte(strings.Repeat(piece, 1+(64<<10)/len(piece))), n: n}
}

func (r *repeated) Read(b []byte) (int, error) {
	if r.n == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(int64(len(b)), r.n)], r.piece[r.at:])
	r.at = (r.at + n) % len(r.piece)
	r.n -= int64(n)
	return n, nil
}

// However long the stream is, the window is bounded by the largest message.
func TestSplitterMemory(t *testing.T) {
	const long = 1 << 30
	message := "From a@mail.example Mon Jun  1 10:00:00 2015\nSubject: x\nContent-Length: %d\n\n%s\n"
	body := strings.Repeat("From here on it is text\n"+strings.Repeat("and more text than that\n", 100), 400)
	counted := fmt.Sprintf(message, len(body), body)
	tests := []struct {
		name   string
		piece  string
		size   int64
		ends   ends
		limit  int64
		window int // the most that the buffer may take
		spans  int64
		err    error
	}{
		{"messages", counted, long, endsLF, 8 << 20, 4 << 20, long/int64(len(counted)) + 1, nil},
		{"lengths that lie", fmt.Sprintf(message, 7<<20, "text\n"), long, endsLF, 8 << 20, 24 << 20, 1000, nil},
		{"one line", "text", long / 8, endsLF, 8 << 20, 1 << 20, 1, nil},
		{"lines of CR", "text\r", long / 8, endsAny, 8 << 20, 1 << 20, 1, nil},
		{"a message without end", "From -\nA: b\n\n" + strings.Repeat("text\n", 10<<20), long, endsLF, 8 << 20, 24 << 20, 0, errTooLong},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &splitter{r: newRepeated(tt.piece, tt.size), limit: tt.limit, ends: tt.ends}
			spans, total := int64(0), int64(0)
			err := s.split(func(sp span) error {
				spans++
				total += sp.length
				if cap(s.buf) > tt.window {
					t.Fatalf("a window of %d bytes", cap(s.buf))
				}
				if tt.name == "lengths that lie" && spans == tt.spans {
					return io.EOF
				}
				return nil
			})
			switch {
			case tt.err != nil && !errors.Is(err, tt.err):
				t.Errorf("got %v, want %v", err, tt.err)
			case tt.err == nil && err != nil && err != io.EOF:
				t.Error(err)
			case tt.err == nil && err == nil && total != tt.size:
				t.Errorf("%d of %d bytes", total, tt.size)
			case spans != tt.spans || cap(s.buf) > tt.window:
				t.Errorf("%d spans in a window of %d bytes, want %d in %d", spans, cap(s.buf), tt.spans, tt.window)
			}
		})
	}
}
