package jobspec

import (
	"fmt"
	"slices"
	"strings"

	"berth/structs"
)

// Explain is the documentation of a block or attribute for a terminal: of a path like "job.group.network", or of a word by
// itself, which stands for the first place that has it. The error names what is near.
func Explain(path string) (string, error) {
	parts := strings.FieldsFunc(strings.TrimSpace(path), func(r rune) bool { return r == '.' || r == '/' || r == ' ' })
	if len(parts) == 0 {
		parts = []string{"job"}
	}
	b, a, at, err := lookup(parts)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	if a != nil {
		fmt.Fprintf(&out, "%s  (%s)\n\n", strings.Join(at, "."), a.note())
		wrap(&out, "  ", a.doc)
		if len(a.allowed) > 0 {
			wrap(&out, "  ", "One of: "+strings.Join(a.allowed, ", ")+".")
		}
		if a.deprecated != "" {
			wrap(&out, "  ", "Instead: "+a.deprecated+".")
		}
		return out.String(), nil
	}
	fmt.Fprintf(&out, "%s  (%s)\n\n", strings.Join(at, "."), b.note())
	wrap(&out, "  ", b.doc)
	width := 0
	for _, a := range b.attrs {
		width = max(width, len(a.name))
	}
	for _, c := range b.blocks {
		width = max(width, len(c.title()))
	}
	width = min(width, 28)
	if len(b.attrs) > 0 {
		out.WriteString("\nATTRIBUTES\n")
	}
	for i := range b.attrs {
		a := &b.attrs[i]
		fmt.Fprintf(&out, "  %-*s  %s\n", width, a.name, a.note())
		wrap(&out, strings.Repeat(" ", width+4), a.doc)
	}
	if len(b.blocks) > 0 {
		out.WriteString("\nBLOCKS\n")
	}
	for _, c := range sortedBlocks(b) {
		first, _, _ := strings.Cut(c.doc, ". ")
		fmt.Fprintf(&out, "  %-*s  %s\n", width, c.title(), strings.TrimSuffix(first, ".")+".")
	}
	return out.String(), nil
}

// Words are the paths Explain knows, for completion: blocks, in the order of the language.
func Words() []string {
	var out []string
	walkBlocks(func(path []string, _ *block) { out = append(out, strings.Join(path, ".")) })
	return out
}

// walkBlocks visits each block of the language at its first place, parents before children.
func walkBlocks(visit func(path []string, b *block)) {
	var walk func(path []string, b *block)
	seen := map[*block]bool{}
	walk = func(path []string, b *block) {
		if seen[b] {
			return
		}
		seen[b] = true
		path = append(slices.Clone(path), b.name)
		visit(path, b)
		for _, c := range b.blocks {
			if home := homes[c.name]; home != "" && home != strings.Join(path, ".") {
				continue
			}
			walk(path, c)
		}
	}
	for _, b := range langFile.blocks {
		walk(nil, b)
	}
}

// homes are where blocks that stand in several places are described: where people write them most.
var homes = map[string]string{"task": "job.group", "vault": "job.group.task", "secret": "job.group.task", "restart": "job.group", "service": "job.group"}

// lookup finds what a path leads to. A path that does not begin at the top begins at the first block of that name.
func lookup(parts []string) (*block, *attr, []string, error) {
	b, at := langFile, []string(nil)
	if b.blockNamed(parts[0]) == nil {
		walkBlocks(func(path []string, c *block) {
			if home := homes[parts[0]]; home != "" && home != strings.Join(path, ".") {
				return
			}
			if at == nil && (c.blockNamed(parts[0]) != nil || c.attrNamed(parts[0]) != nil) {
				b, at = c, path
			}
		})
		if at == nil {
			hint := ""
			if near := structs.Nearest(parts[0], allWords()); near != "" {
				hint = fmt.Sprintf("; did you mean %q?", near)
			}
			return nil, nil, nil, fmt.Errorf("the job language has no word %q%s", parts[0], hint)
		}
	}
	for i, p := range parts {
		if c := b.blockNamed(p); c != nil {
			b, at = c, append(slices.Clone(at), p)
			continue
		}
		if a := b.attrNamed(p); a != nil && i == len(parts)-1 {
			return b, a, append(slices.Clone(at), p), nil
		}
		hint := ""
		if near := structs.Nearest(p, b.words()); near != "" {
			hint = fmt.Sprintf("; did you mean %q?", near)
		}
		return nil, nil, nil, fmt.Errorf("%s has no %q%s", strings.Join(at, "."), p, hint)
	}
	return b, nil, at, nil
}

func allWords() []string {
	var words []string
	walkBlocks(func(_ []string, b *block) { words = append(append(words, b.name), b.words()...) })
	slices.Sort(words)
	return slices.Compact(words)
}

func sortedBlocks(b *block) []*block {
	return slices.SortedFunc(slices.Values(b.blocks), func(x, y *block) int { return strings.Compare(x.name, y.name) })
}

// note is the type and default of an attribute on one line.
func (a *attr) note() string {
	s := a.kind.String()
	if a.unit != "" {
		s += " of " + a.unit
	}
	switch {
	case a.required:
		s += ", required"
	case a.def != "":
		s += ", default " + a.def
	}
	if a.deprecated != "" {
		s += ", older form"
	}
	return s
}

// note is how a block is written.
func (b *block) note() string {
	s := "block"
	if b.label != "" {
		s += ` "<` + b.label + `>"`
	}
	if b.many {
		s += ", repeatable"
	}
	if b.free {
		s += ", any content"
	}
	return s
}

// wrap writes a text in lines of at most 100 characters.
func wrap(out *strings.Builder, indent, text string) {
	column := 0
	for _, word := range strings.Fields(text) {
		switch n := len([]rune(word)); {
		case column == 0:
			out.WriteString(indent + word)
			column = len(indent) + n
		case column+1+n > 100:
			out.WriteString("\n" + indent + word)
			column = len(indent) + n
		default:
			out.WriteString(" " + word)
			column += 1 + n
		}
	}
	if column > 0 {
		out.WriteByte('\n')
	}
}
