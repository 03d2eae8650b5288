package jobspec

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
)

// WriteReference writes the reference of the job language in Markdown, from the table that decodes it.
func WriteReference(w io.Writer) error {
	out := bufio.NewWriter(w)
	out.WriteString(`# The job language

<!-- Written by "go generate ./jobspec" from the table that decodes job files. Do not edit. -->

A job file is written in [HCL](https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md), or in HCL's JSON form. It holds
one ` + "`job`" + `, and any number of ` + "`variable`" + ` and ` + "`locals`" + ` blocks.

`)
	for _, p := range referenceRules {
		fmt.Fprintf(out, "- %s\n", p)
	}
	out.WriteString("\nFunctions: ")
	for i, name := range functionNames() {
		if i > 0 {
			out.WriteString(", ")
		}
		fmt.Fprintf(out, "`%s`", name)
	}
	out.WriteString(". Those that read files or paths (")
	out.WriteString("`" + strings.Join(fileFunctions, "`, `") + "`")
	out.WriteString(") work at the command line only.\n\n## Blocks\n\n")
	walkBlocks(func(path []string, b *block) {
		fmt.Fprintf(out, "%s- [%s](#%s)\n", strings.Repeat("  ", len(path)-1), b.name, anchor(path))
	})
	walkBlocks(func(path []string, b *block) { writeBlock(out, path, b) })
	return out.Flush()
}

// referenceRules are what holds everywhere.
var referenceRules = []string{
	"A duration is a text like `\"30s\"`, `\"1h30m\"`, or a number of nanoseconds.",
	"`meta` and `env` may be written as a block, `env { KEY = \"value\" }`, or as an attribute, `env = { \"a.key\" = \"value\" }`, which takes keys that are not names.",
	"`var.<name>` and `local.<name>` are resolved when the file is read. References of run time – `${NOMAD_…}`, `${attr.…}`, `${node.…}`, `${meta.…}`, `${env[\"…\"]}`, `${secret.…}` – stay as they are until the task starts.",
	"`dynamic \"<block>\" { for_each = …; labels = […]; iterator = …; content { … } }` writes a block once for each element.",
	"A file has at most 1.5 MiB, 100 levels of nesting, 10,000 blocks, and 10,000 elements in one list, block or text; its loops and functions have a budget of work. What is more is refused with its place.",
}

func functionNames() []string {
	var names []string
	for name := range functions("") {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func anchor(path []string) string { return strings.ReplaceAll(strings.Join(path, "-"), ".", "") }

func writeBlock(out *bufio.Writer, path []string, b *block) {
	fmt.Fprintf(out, "\n<a id=\"%s\"></a>\n\n### %s\n\n", anchor(path), strings.Join(path, " › "))
	fmt.Fprintf(out, "%s\n", b.doc)
	var notes []string
	if b.label != "" {
		notes = append(notes, fmt.Sprintf("Label: the %s.", b.label))
	}
	if b.many {
		notes = append(notes, "May be repeated.")
	}
	if b.free {
		notes = append(notes, "Takes any content.")
	}
	if len(notes) > 0 {
		fmt.Fprintf(out, "\n%s\n", strings.Join(notes, " "))
	}
	if len(b.attrs) > 0 {
		out.WriteString("\n| Attribute | Type | Default | |\n|---|---|---|---|\n")
	}
	for i := range b.attrs {
		a := &b.attrs[i]
		kind, def := a.kind.String(), a.def
		if a.unit != "" {
			kind += " of " + a.unit
		}
		if a.required {
			def = "required"
		} else if def != "" && !strings.Contains(def, " ") {
			def = "`" + def + "`"
		}
		doc := a.doc
		if len(a.allowed) > 0 {
			doc += " One of `" + strings.Join(a.allowed, "`, `") + "`."
		}
		if a.deprecated != "" && !strings.HasPrefix(a.deprecated, "remove") {
			doc += " Write `" + a.deprecated + "` instead."
		}
		fmt.Fprintf(out, "| `%s` | %s | %s | %s |\n", a.name, kind, cell(def), cell(doc))
	}
	if len(b.blocks) > 0 {
		out.WriteString("\nBlocks: ")
		for i, c := range sortedBlocks(b) {
			if i > 0 {
				out.WriteString(", ")
			}
			fmt.Fprintf(out, "`%s`", c.title())
		}
		out.WriteString(".\n")
	}
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
