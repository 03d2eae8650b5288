package tidy

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Lattice is lattice.txt, read.
type Lattice struct {
	rules  []rule
	closed []string
	fences []fence
	Pure   []string // patterns of packages without clock, randomness and goroutines
	NoLog  []string // patterns of packages that do not log
}

// rule allows one package pattern some imports of ours.
type rule struct {
	pattern string
	allowed []string
	why     string
}

// fence allows one third-party path only to some packages.
type fence struct {
	path  string
	only  []string
	tests bool // only test files may import it
	why   string
}

// leaves may be imported by every package but structs.
var leaves = []string{"internal/lifecycle", "internal/idgen", "internal/beneath", "internal/boltfile", "internal/durable", "internal/heap", "internal/parallel", "internal/version"}

// ParseLattice reads the text form.
func ParseLattice(r io.Reader) (*Lattice, error) {
	l := &Lattice{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		text, why, _ := strings.Cut(lines.Text(), "#")
		words := strings.Fields(text)
		if len(words) == 0 {
			continue
		}
		switch head := words[0]; {
		case head == "fence" && len(words) >= 3:
			l.fences = append(l.fences, fence{
				path: words[1], only: words[2:], tests: slices.Contains(words[2:], "tests"), why: strings.TrimSpace(why)})
		case head == "closed:":
			l.closed = append(l.closed, words[1:]...)
		case head == "pure:":
			l.Pure = append(l.Pure, words[1:]...)
		case head == "nolog:":
			l.NoLog = append(l.NoLog, words[1:]...)
		case strings.HasSuffix(head, ":") && len(words) >= 2:
			l.rules = append(l.rules, rule{pattern: strings.TrimSuffix(head, ":"), allowed: words[1:], why: strings.TrimSpace(why)})
		default:
			return nil, fmt.Errorf("lattice.txt:%d: %q is neither a rule nor a fence", n, lines.Text())
		}
	}
	return l, lines.Err()
}

// Match reports whether a package (relative to the module, "." for the root) is covered by a pattern.
func Match(pattern, pkg string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "/..."); ok {
		return pkg == prefix || strings.HasPrefix(pkg, prefix+"/")
	}
	return pattern == pkg
}

// MatchAny reports whether one of the patterns covers the package.
func MatchAny(patterns []string, pkg string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return Match(p, pkg) })
}

// rule finds the most specific pattern that covers the package: the longest, and the exact one before "/...".
func (l *Lattice) rule(pkg string) (rule, bool) {
	var best rule
	found := -1
	for _, r := range l.rules {
		specific := 2 * len(strings.TrimSuffix(r.pattern, "/..."))
		if !strings.HasSuffix(r.pattern, "/...") {
			specific++
		}
		if Match(r.pattern, pkg) && specific > found {
			best, found = r, specific
		}
	}
	return best, found >= 0
}

// CheckOwn judges an import of ours. Test files may reach further: a test of one part may use the others.
func (l *Lattice) CheckOwn(pkg, imported string) error {
	r, ok := l.rule(pkg)
	if !ok {
		return fmt.Errorf("package %s has no line in internal/tidy/lattice.txt: say there what it may import, and why", pkg)
	}
	if pkg != "structs" && slices.Contains(leaves, imported) {
		return nil
	}
	if MatchAny(r.allowed, imported) {
		return nil
	}
	return fmt.Errorf("package %s imports %s, and may import only %s (%s)", pkg, imported, strings.Join(r.allowed, " "), r.why)
}

// CheckThirdParty judges an import from outside.
func (l *Lattice) CheckThirdParty(pkg, imported string, test bool) error {
	for _, f := range l.fences {
		if imported != f.path && !strings.HasPrefix(imported, f.path+"/") {
			continue
		}
		if MatchAny(f.only, pkg) || (f.tests && test) {
			continue
		}
		return fmt.Errorf("package %s imports %s, which only %s may (%s)", pkg, imported, strings.Join(f.only, " "), f.why)
	}
	if strings.HasPrefix(imported, "github.com/hashicorp/go-hclog") && MatchAny(l.NoLog, pkg) && !test {
		return fmt.Errorf("package %s imports a logger; pure packages return facts instead", pkg)
	}
	return nil
}

// Closed reports a package nobody outside its own folder may import.
func (l *Lattice) Closed(imported string) bool {
	return slices.ContainsFunc(l.closed, func(c string) bool { return Match(c+"/...", imported) })
}
