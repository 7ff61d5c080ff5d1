package main

import (
	"fmt"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// meter shows progress on standard error: a bar on a terminal, otherwise a line
// every few seconds, nothing when quiet.
type meter struct {
	mu    sync.Mutex
	app   *app
	bar   *progressbar.ProgressBar
	what  string
	n     int64
	total int64
	last  time.Time
}

const meterEvery = 5 * time.Second

// meter starts one; total is in bytes, or -1 when not known.
func (a *app) meter(what string, total int64) *meter {
	m := &meter{app: a, what: what, total: total, last: a.env.now()}
	if a.env.terminal && !a.quiet {
		m.bar = progressbar.NewOptions64(total,
			progressbar.OptionSetDescription(what),
			progressbar.OptionSetWriter(a.env.err),
			progressbar.OptionShowBytes(true),
			progressbar.OptionUseIECUnits(true),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish(),
			progressbar.OptionEnableColorCodes(false),
		)
	}
	return m
}

// add counts n more bytes. It may be called by several goroutines.
func (m *meter) add(n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.n += n
	if m.bar != nil {
		// The bar only draws; that it cannot is no reason to stop.
		_ = m.bar.Add64(n)
		return
	}
	if now := m.app.env.now(); now.Sub(m.last) >= meterEvery {
		m.last = now
		of := ""
		if m.total > 0 {
			of = fmt.Sprintf(" of %s", bytesText(m.total))
		}
		m.app.say("%s: %s%s", m.what, bytesText(m.n), of)
	}
}

// done takes the bar away.
func (m *meter) done() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.bar != nil {
		_ = m.bar.Finish()
	}
}
