package main

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"
	"unicode"
)

// result is what a verb prints: text for people, or as JSON its own fields. The
// fields are a contract, tested by name.
type result interface{ text(w io.Writer) }

// print shows a result on standard output.
func (a *app) print(r result) error {
	if !a.json {
		var b strings.Builder
		r.text(&b)
		return a.write([]byte(b.String()))
	}
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("print result: %w", err)
	}
	a.printed = true
	return a.write(append(data, '\n'))
}

func (a *app) write(data []byte) error {
	if _, err := a.env.out.Write(data); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}

// say writes a line for people to standard error, unless they want none.
func (a *app) say(format string, args ...any) {
	if !a.quiet {
		fmt.Fprintf(a.env.err, format+"\n", args...)
	}
}

// warn writes a warning to standard error, also for who wants no progress.
func (a *app) warn(format string, args ...any) {
	fmt.Fprintf(a.env.err, "warning: "+format+"\n", args...)
}

// failure is how an error looks in JSON.
type failure struct {
	Error string   `json:"error"`
	Code  string   `json:"code,omitempty"`
	Hints []string `json:"hints"`
	Exit  int      `json:"exit"`
}

// end reports an error: one line, then hints; and returns the exit code.
func (a *app) end(err error) int {
	code := exitCode(err)
	if err == nil {
		return code
	}
	hints := hintsFor(err)
	msg := oneLine(plainText(err))
	fmt.Fprintf(a.env.err, "exhibit: %s\n", msg)
	for _, h := range hints {
		fmt.Fprintf(a.env.err, "hint: %s\n", h)
	}
	if a.json && !a.printed {
		f := failure{Error: msg, Code: codeOf(err), Hints: append([]string{}, hints...), Exit: code}
		if data, err := json.MarshalIndent(f, "", "  "); err == nil {
			fmt.Fprintf(a.env.out, "%s\n", data)
		}
	}
	return code
}

// plainText is what an error says without the names of system calls, which tell
// users nothing.
func plainText(err error) string {
	text := err.Error()
	var plain func(err error)
	plain = func(err error) {
		switch e := err.(type) {
		case *fs.PathError:
			text = strings.ReplaceAll(text, e.Error(), e.Path+": "+e.Err.Error())
		case *os.LinkError:
			text = strings.ReplaceAll(text, e.Error(), e.New+": "+e.Err.Error())
		}
		switch e := err.(type) {
		case interface{ Unwrap() error }:
			if under := e.Unwrap(); under != nil {
				plain(under)
			}
		case interface{ Unwrap() []error }:
			for _, under := range e.Unwrap() {
				plain(under)
			}
		}
	}
	plain(err)
	return text
}

// oneLine makes one line of a text, whatever it quotes.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, strings.TrimSpace(s))
}

// plural is "1 item", "2 items".
func plural[N ~int | ~int64](n N, what string) string {
	if n == 1 {
		return fmt.Sprintf("1 %s", what)
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// elapsedText is a duration, as JSON has it, in the two largest units that it has.
func elapsedText(s string) string {
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return s
	}
	days, hours, minutes := int64(d/(24*time.Hour)), int64(d%(24*time.Hour)/time.Hour), int64(d%time.Hour/time.Minute)
	seconds := int64(d % time.Minute / time.Second)
	switch {
	case days > 0:
		return plural(days, "day") + " " + plural(hours, "hour")
	case hours > 0:
		return plural(hours, "hour") + " " + plural(minutes, "minute")
	case minutes > 0:
		return plural(minutes, "minute") + " " + plural(seconds, "second")
	}
	return plural(seconds, "second")
}

// bytesText is a size that people can read.
func bytesText(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	div, exp := int64(unit), 0
	for m := n / unit; m >= unit; m /= unit {
		div *= unit
		exp++
	}
	return fmt.Sprintf("%.1f %ciB", float64(n)/float64(div), "KMGTPE"[exp])
}
