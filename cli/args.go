package cli

import "strings"

// valued are flags whose value may be the next word; they matter where words of a foreign command follow.
var valued = map[string]bool{"task": true, "e": true, "address": true, "region": true, "namespace": true, "token": true,
	"ca-cert": true, "ca-path": true, "client-cert": true, "client-key": true, "tls-server-name": true}

// normalize turns the contract's -flag and -flag=value into the two hyphens cobra reads. Single letters stay, and so does
// everything after the allocation of an exec: those words are another program's.
func normalize(args []string) []string {
	out := make([]string, 0, len(args))
	words, foreign := 0, -1
	for i := 0; i < len(args); i++ {
		a := args[i]
		if foreign == 0 || a == "--" {
			return append(out, args[i:]...)
		}
		if !strings.HasPrefix(a, "-") || a == "-" {
			words++
			switch {
			case words == 1 && a == "exec":
				foreign = 1
			case words == 2 && a == "exec" && args[0] == "alloc":
				foreign = 1
			case foreign > 0:
				foreign--
			}
			out = append(out, a)
			continue
		}
		name, _, hasValue := strings.Cut(strings.TrimLeft(a, "-"), "=")
		if len(name) > 1 && !strings.HasPrefix(a, "--") && !number(a) {
			a = "-" + a
		}
		out = append(out, a)
		if foreign > 0 && valued[name] && !hasValue && i+1 < len(args) {
			i++
			out = append(out, args[i])
		}
	}
	return out
}

// number tells a negative number or duration from a flag: no flag begins with a digit.
func number(s string) bool {
	s = strings.TrimLeft(s, "-")
	return s != "" && strings.Contains("0123456789.", s[:1])
}
