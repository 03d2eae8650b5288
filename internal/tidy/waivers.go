package tidy

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"
)

// Waivers are the exceptions of waivers.txt. Each must be needed: one that excuses nothing is itself a finding.
type Waivers struct {
	used map[[2]string]bool
}

// ParseWaivers reads lines of "rule subject date reason".
func ParseWaivers(r io.Reader) (*Waivers, error) {
	w := &Waivers{used: map[[2]string]bool{}}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" || text[0] == '#' {
			continue
		}
		words := strings.Fields(text)
		if len(words) < 4 {
			return nil, fmt.Errorf("waivers.txt:%d: want rule, subject, date and reason", n)
		}
		if _, err := time.Parse(time.DateOnly, words[2]); err != nil {
			return nil, fmt.Errorf("waivers.txt:%d: %q is not a date such as 2026-11-23", n, words[2])
		}
		w.used[[2]string{words[0], words[1]}] = false
	}
	return w, lines.Err()
}

// Excused reports that a finding stands in the file, and remembers that it was needed.
func (w *Waivers) Excused(rule, subject string) bool {
	key := [2]string{rule, subject}
	if _, ok := w.used[key]; !ok {
		return false
	}
	w.used[key] = true
	return true
}

// Unneeded lists the lines of one rule that excused nothing.
func (w *Waivers) Unneeded(rule string) []string {
	var out []string
	for key, used := range w.used {
		if key[0] == rule && !used {
			out = append(out, key[1])
		}
	}
	return out
}
