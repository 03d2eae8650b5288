package cli

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// colour is a sequence this program writes itself.
var colour = regexp.MustCompile("^\x1b\\[[0-9]{1,3}m")

// plain writes out what a terminal would obey instead of showing it: much of what is said comes from elsewhere, as messages of tasks and
// registries, and descriptions. Colours stay where they are used.
func plain(text string, colours bool) string {
	if !strings.ContainsFunc(text, obeyed) && utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	for text != "" {
		if own := colour.FindString(text); own != "" && colours {
			b.WriteString(own)
			text = text[len(own):]
			continue
		}
		r, n := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, text[0])
		case obeyed(r):
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			b.WriteString(text[:n])
		}
		text = text[n:]
	}
	return b.String()
}

func obeyed(r rune) bool { return r != '\n' && r != '\t' && unicode.IsControl(r) }
