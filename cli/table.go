package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/template"
	"time"
	"unicode/utf8"

	"github.com/Masterminds/sprig/v3"
)

// table prints rows in columns; the first row is the heading.
func (e *env) table(rows [][]string) {
	widths := []int{}
	for _, r := range rows {
		for i, c := range r {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], wide(c))
		}
	}
	for n, r := range rows {
		var b strings.Builder
		for i, c := range r {
			b.WriteString(c)
			if i < len(r)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-wide(c)+2))
			}
		}
		line := strings.TrimRight(b.String(), " ")
		if n == 0 {
			line = e.paint("1", line)
		}
		e.say("%s", line)
	}
}

// wide is the number of characters a cell takes on the terminal; colours take none.
func wide(s string) int {
	n := utf8.RuneCountInString(s)
	for {
		_, after, ok := strings.Cut(s, "\x1b[")
		if !ok {
			return n
		}
		code, rest, _ := strings.Cut(after, "m")
		n -= len(code) + 3
		s = rest
	}
}

// pairs prints labelled values, one a line, with the equal signs below each other.
func (e *env) pairs(rows [][2]string) {
	width := 0
	for _, r := range rows {
		width = max(width, len(r[0]))
	}
	for _, r := range rows {
		e.say("%s = %s", r[0]+strings.Repeat(" ", width-len(r[0])), dash(r[1]))
	}
}

// head prints a heading after an empty line.
func (e *env) head(text string) {
	e.say("")
	e.say("%s", e.paint("1", text))
}

// dash stands for nothing.
func dash(s string) string {
	if s == "" {
		return "<none>"
	}
	return s
}

// ago is a time as people read it.
func ago(ns int64) string {
	if ns == 0 {
		return "-"
	}
	d := time.Since(time.Unix(0, ns)).Round(time.Second)
	switch {
	case d < 0:
		return "in " + short(-d)
	case d < time.Second:
		return "now"
	}
	return short(d) + " ago"
}

func short(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%dd%dh", int(d.Hours())/24, int(d.Hours())%24)
	case d >= time.Hour:
		return fmt.Sprintf("%dh%dm", int(d.Hours()), int(d.Minutes())%60)
	case d >= time.Minute:
		return fmt.Sprintf("%dm%ds", int(d.Minutes()), int(d.Seconds())%60)
	}
	return d.String()
}

// clock is a time of day, as in lists of events.
func clock(ns int64) string { return time.Unix(0, ns).Format(time.RFC3339) }

// shown are the flags of commands that print objects for programs.
type shown struct {
	json     bool
	template string
	verbose  bool
}

// templateFuncs are the functions of templates, under the contract's names.
func templateFuncs() template.FuncMap {
	out := template.FuncMap{}
	for name, f := range sprig.TxtFuncMap() {
		out["sprig_"+name] = f
	}
	return out
}

// print prints a value as JSON or through a template; false when neither was asked for.
func (e *env) print(s shown, v any) (bool, error) {
	switch {
	case s.template != "" && s.json:
		return true, errors.New("both json and template formatting are not allowed: give -json or -t")
	case s.template != "":
		t, err := template.New("-t").Funcs(templateFuncs()).Parse(s.template)
		if err != nil {
			return true, fmt.Errorf("template of -t: %w", err)
		}
		if err := t.Execute(e.out, v); err != nil {
			return true, fmt.Errorf("template of -t: %w", err)
		}
		_, err = io.WriteString(e.out, "\n")
		return true, err
	case s.json:
		enc := json.NewEncoder(e.out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "    ")
		return true, enc.Encode(v)
	}
	return false, nil
}
