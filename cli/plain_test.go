package cli

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// What comes from elsewhere moves no cursor, sets no title and hides nothing.
func TestWhatIsSaidCommandsNoTerminal(t *testing.T) {
	const title, home, up = "\x1b]0;owned\x07", "\x1b[2J\x1b[H", "a\rb\bc\u009b31m\x9b1A"
	for _, c := range []struct {
		said, plain string
		colours     bool
	}{
		{said: "one\n\ttwo äß ✓", plain: "one\n\ttwo äß ✓"},
		{said: title, plain: `\x1b]0;owned\x07`},
		{said: home, plain: `\x1b[2J\x1b[H`, colours: true},
		{said: up, plain: `a\x0db\x08c\x9b31m\x9b1A`},
		{said: "\x1b[1mhead\x1b[0m", plain: "\x1b[1mhead\x1b[0m", colours: true},
		{said: "\x1b[1mhead\x1b[0m", plain: `\x1b[1mhead\x1b[0m`},
		{said: "\x1b[", plain: `\x1b[`, colours: true},
	} {
		var out, err, asked bytes.Buffer
		if yes, err := (&env{in: strings.NewReader("y\n"), out: &asked, color: c.colours}).confirm(t.Context(), c.said); !yes || err != nil || asked.String() != c.plain {
			t.Errorf("%q: asked %q: %v, %v", c.said, asked.String(), yes, err)
		}
		e := &env{out: &out, err: &err, color: c.colours}
		e.say("%s", c.said)
		e.fail(errors.New(c.said))
		if out.String() != c.plain+"\n" || err.String() != "berth: "+c.plain+"\n" {
			t.Errorf("%q: %q, %q", c.said, out.String(), err.String())
		}
	}
}
