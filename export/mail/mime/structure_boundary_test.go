package mime

import (
	"fmt"
	"testing"
)

// Many boundaries are told apart as few are: the innermost that a line has counts.
func TestManyBoundaries(t *testing.T) {
	w := &walker{p: &parser{}, eol: '\n'}
	for i := range fewBounds + 4 {
		w.enter(nil, fmt.Sprint("b", i))
	}
	w.enter(nil, "b1")
	w.enter(nil, "b2--")
	for range 2 {
		for line, want := range map[string]string{
			"--b0": "0 false", "--b0--": "0 true", "--b11 \t\r": "11 false", "--b11--  ": "11 true",
			"--b1": "12 false", "--b1--": "12 true", "--b2": "2 false", "--b2--": "13 false", "--b2----": "13 true",
			"--b12": "-1 false", "--": "-1 false", "----": "-1 false", "--b0 b": "-1 false", "--b0-": "-1 false", "--b0---": "-1 false",
		} {
			level, closing := w.level([]byte(line))
			if got := fmt.Sprint(level, closing); got != want {
				t.Errorf("%q: %s, want %s", line, got, want)
			}
		}
		w.enter(nil, "c")
		w.leave(fewBounds + 6)
	}
	w.leave(fewBounds + 4)
	for line, want := range map[string]string{"--b1": "1 false", "--b1--": "1 true", "--b2--": "2 true", "--b2----": "-1 false"} {
		if level, closing := w.level([]byte(line)); fmt.Sprint(level, closing) != want {
			t.Errorf("left: %q: %d %v, want %s", line, level, closing, want)
		}
	}
}
