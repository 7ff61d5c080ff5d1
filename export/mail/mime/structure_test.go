package mime

import (
	"fmt"
	"strings"
	"testing"
)

// show writes a tree as a line for each part: number, type, begin-body-end, the
// content of a leaf, the name; and one for each defect: name, part, offset.
func show(raw string, m *Message) string {
	var out strings.Builder
	m.Root.Walk(func(p *Part) bool {
		fmt.Fprintf(&out, "%s %s %d-%d-%d", p.Number, p.Type, p.Begin, p.Body, p.End)
		if p.Leaf() && !p.Inner {
			fmt.Fprintf(&out, " %q", raw[p.Body:p.End])
		}
		if p.Name != "" {
			fmt.Fprintf(&out, " name=%s", p.Name)
		}
		out.WriteByte('\n')
		return true
	})
	for _, d := range m.Defects {
		fmt.Fprintf(&out, "! %s %s@%d\n", d.Name, d.Part, d.Offset)
	}
	return out.String()
}

const (
	mixed = "Content-Type: multipart/mixed; boundary=b\n\n" // 43 bytes
	typeX = "Content-Type: text/x\n\n"                      // 22 bytes
)

func TestStructure(t *testing.T) {
	for _, tt := range structures {
		t.Run(tt.name, func(t *testing.T) {
			if got := show(tt.raw, Parse([]byte(tt.raw), Options{NoHash: true})); got != strings.TrimPrefix(tt.want, "\n") {
				t.Errorf("%q\ngot\n%swant%s", tt.raw, got, tt.want)
			}
		})
	}
}
