package jobspec

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"berth/structs"
)

// written is a block as a generator made it, from which both forms of the language are written.
type written struct {
	block  *block
	label  string
	attrs  []writtenAttr
	blocks []*written
}

type writtenAttr struct {
	name  string
	value any // string, int, bool, []string
}

// rarely are words whose block or attribute makes almost every job invalid.
var rarely = []string{"vault", "connect", "kind", "disk", "id", "operator", "distinct_property", "kill_signal", "hook", "periodic", "parameterized", "max_run_duration",
	"restart", "reschedule", "update", "migrate", "interval", "multiregion", "schedule", "csi_plugin", "cidr", "device", "ip", "type", "namespace"}

// generator makes blocks; a calm one makes few, with values that are likely to be good.
type generator struct {
	*rapid.T
	calm bool
}

func genBlock(t generator, b *block, depth int) *written {
	w := &written{block: b}
	if b.label != "" {
		labels := []string{"a", "b", "c", "web", "cpu", "mem", "ü", "x y"}
		if t.calm {
			labels = []string{"a" + strconv.Itoa(rapid.IntRange(0, 99).Draw(t.T, "label"))}
		}
		w.label = rapid.SampledFrom(labels).Draw(t.T, "label")
	}
	often := func(word string, required bool) bool {
		if required {
			return t.calm || rapid.IntRange(0, 30).Draw(t.T, word) > 0
		}
		if t.calm && slices.Contains([]string{"attribute", "value", "data", "access_mode", "attachment_mode", "aud"}, word) {
			return true
		}
		if t.calm && slices.Contains(constraintSugar, word) {
			return false
		}
		if t.calm {
			return !slices.Contains(rarely, word) && rapid.IntRange(0, 25).Draw(t.T, word) == 0
		}
		if slices.Contains(rarely, word) {
			return rapid.IntRange(0, 60).Draw(t.T, word) == 0
		}
		return rapid.IntRange(0, 5+depth*3).Draw(t.T, word) == 0
	}
	if b.free {
		for i := range rapid.IntRange(0, 3).Draw(t.T, "keys") {
			w.attrs = append(w.attrs, writtenAttr{"k" + strconv.Itoa(i), genText(t.T)})
		}
		return w
	}
	for _, a := range b.attrs {
		if often(a.name, a.required || a.name == "driver") {
			w.attrs = append(w.attrs, writtenAttr{a.name, genValue(t, &a)})
		}
	}
	slices.SortFunc(w.attrs, func(a, b writtenAttr) int { return strings.Compare(a.name, b.name) }) // as in JSON
	for _, c := range b.blocks {
		switch {
		case c == langTask && b == langGroup, c == langGroup:
			for range rapid.IntRange(1, 2).Draw(t.T, c.name) {
				w.blocks = append(w.blocks, genBlock(t, c, depth+1))
			}
		case often(c.name, false):
			w.blocks = append(w.blocks, genBlock(t, c, depth+1))
			if c.many && rapid.Bool().Draw(t.T, "again") {
				w.blocks = append(w.blocks, genBlock(t, c, depth+1))
			}
		}
	}
	return w
}

func genText(t *rapid.T) string {
	return rapid.SampledFrom([]string{
		"", "a", "local/x", "web", "http", "a b", "ü€", `say "hi"`, `back\slash`, "two\nlines", "${NOMAD_ALLOC_ID}", "${attr.kernel.name}",
		"pre-${meta.a}-${env[\"B\"]}", "5", "true", "30s", "%d %s", "$", "*/5 * * * *", "UTC", "${node.class}",
	}).Draw(t, "text")
}

func genValue(t generator, a *attr) any {
	if t.calm {
		switch {
		case len(a.allowed) > 0:
			return rapid.SampledFrom(a.allowed).Draw(t.T, a.name)
		case a.kind == kindInt:
			return rapid.SampledFrom([]int{1, 10, 20, 50}).Draw(t.T, a.name)
		case a.kind == kindDuration:
			return rapid.SampledFrom([]string{"10s", "30s", "5m"}).Draw(t.T, a.name)
		case a.kind == kindString && a.name != "attribute":
			return rapid.SampledFrom([]string{"a", "local/x", "v-${NOMAD_ALLOC_ID}"}).Draw(t.T, a.name)
		}
	}
	if len(a.allowed) > 0 && rapid.IntRange(0, 20).Draw(t.T, "allowed") > 0 {
		return rapid.SampledFrom(a.allowed).Draw(t.T, a.name)
	}
	switch a.kind {
	case kindInt:
		return rapid.SampledFrom([]int{0, 1, 2, 10, 50, 80, 300, 1000, -1, 70000}).Draw(t.T, a.name)
	case kindBool:
		return rapid.Bool().Draw(t.T, a.name)
	case kindDuration:
		return rapid.SampledFrom([]string{"0s", "1s", "10s", "30s", "5m", "1h30m", "24h", "10ms", "-1s", "x"}).Draw(t.T, a.name)
	case kindStrings:
		return rapid.SliceOfN(rapid.Custom(genText), 0, 3).Draw(t.T, a.name)
	}
	if a.name == "attribute" && t.calm {
		return "${attr.kernel.name}"
	}
	if a.name == "attribute" {
		return rapid.SampledFrom([]string{"${attr.kernel.name}", "${meta.a}", "${node.class}", "x"}).Draw(t.T, a.name)
	}
	return genText(t.T)
}

// quote writes a text as a string of the native syntax; references in it stay references.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	inside := false
	for i, r := range s {
		switch {
		case strings.HasPrefix(s[i:], "${"):
			inside = true
			b.WriteRune(r)
		case inside:
			inside = r != '}'
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func (w *written) native(b *strings.Builder, indent string) {
	b.WriteString(indent + w.block.name)
	if w.block.label != "" {
		b.WriteString(" " + quote(w.label))
	}
	b.WriteString(" {\n")
	for _, a := range w.attrs {
		fmt.Fprintf(b, "%s %s=", indent, a.name)
		switch v := a.value.(type) {
		case string:
			b.WriteString(quote(v))
		case []string:
			b.WriteString("[")
			for _, s := range v {
				b.WriteString(quote(s) + ",")
			}
			b.WriteString("]")
		default:
			fmt.Fprint(b, v)
		}
		b.WriteString("\n")
	}
	for _, c := range w.blocks {
		c.native(b, indent+"   ")
	}
	b.WriteString(indent + "}\n")
}

// json is the same in HCL's JSON form, labels as keys.
func (w *written) json() any {
	m := map[string]any{}
	for _, a := range w.attrs {
		m[a.name] = a.value
	}
	for _, c := range w.blocks {
		list, _ := m[c.block.name].([]any)
		v := c.json()
		if c.block.label != "" {
			v = map[string]any{c.label: v}
		}
		m[c.block.name] = append(list, v)
	}
	return m
}

func summaries(ds Diagnostics) []string {
	var out []string
	for _, d := range ds {
		if d.Line == 0 {
			out = append(out, "without a place: ")
		}
		out = append(out, d.Severity.String()+" "+d.Summary)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// TestPropertiesOfJobs: a file means the same after it was formatted, in its JSON form and in the JSON of the API; the canonical
// job is canonical already; and no mistake is without a place.
func TestPropertiesOfJobs(t *testing.T) {
	accepted, all := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		w := genBlock(generator{t, rapid.Bool().Draw(t, "calm")}, langJob, 0)
		if w.label == "x y" {
			w.label = "j"
		}
		var b strings.Builder
		w.native(&b, "")
		src := b.String()
		res, diags := Parse(ParseOptions{Source: []byte(src), Filename: "job.hcl"})
		if (res == nil) != diags.HasErrors() {
			t.Fatalf("%v\n%s", diags, src)
		}
		for _, d := range diags {
			if d.Line == 0 {
				t.Fatalf("no place: %s\n%s", d.Error(), src)
			}
		}
		formatted, fdiags := Format([]byte(src))
		if fdiags.HasErrors() {
			t.Fatalf("%v\n%s", fdiags, src)
		}
		again, adiags := Parse(ParseOptions{Source: formatted, Filename: "job.hcl"})
		same(t, "formatted", res, again, diags, adiags, src)
		text, err := json.Marshal(map[string]any{"job": map[string]any{w.label: w.json()}})
		if err != nil {
			t.Fatal(err)
		}
		asJSON, jdiags := Parse(ParseOptions{Source: text, Filename: "job.json"})
		same(t, "as JSON", res, asJSON, diags, jdiags, src+string(text))
		all++
		if res == nil {
			return
		}
		accepted++
		copied := res.Job.Copy()
		copied.Canonicalize()
		sameText(t, "canonical again", res.Job, copied)
		text, err = json.Marshal(map[string]any{"Job": res.Job})
		if err != nil {
			t.Fatal(err)
		}
		api, pdiags := ParseJSON(ParseOptions{Source: text, Filename: "job.json"})
		if api == nil {
			t.Fatalf("the JSON of the API: %v\n%s", pdiags, text)
		}
		sameText(t, "the JSON of the API", res.Job, api.Job)
		if c := structs.GroupChange(res.Job, copied, res.Job.TaskGroups[0].Name); c != structs.ChangeNone {
			t.Fatalf("an unchanged job counts as changed: %v", c)
		}
		if d, err := structs.JobDiffOf(res.Job, copied, false); err != nil || d.Type != structs.DiffNone {
			t.Fatalf("an unchanged job differs: %+v, %v", d, err)
		}
	})
	t.Logf("%d of %d accepted", accepted, all)
	if accepted == 0 && !testing.Short() {
		t.Error("no job was accepted: the generator is of no use")
	}
}

func same(t *rapid.T, what string, a, b *Result, ad, bd Diagnostics, src string) {
	if x, y := summaries(ad), summaries(bd); !slices.Equal(x, y) {
		t.Fatalf("%s: diagnostics differ:\n%s\n\n%s\n%s", what, strings.Join(x, "\n"), strings.Join(y, "\n"), src)
	}
	if (a == nil) != (b == nil) {
		t.Fatalf("%s: accepted %v, then %v\n%s", what, a != nil, b != nil, src)
	}
	if a != nil {
		sameText(t, what, a.Job, b.Job)
	}
}

func sameText(t *rapid.T, what string, a, b *structs.Job) {
	x, _ := json.MarshalIndent(a, "", " ")
	y, _ := json.MarshalIndent(b, "", " ")
	if string(x) != string(y) {
		p, q := strings.Split(string(x), "\n"), strings.Split(string(y), "\n")
		for i := range min(len(p), len(q)) {
			if p[i] != q[i] {
				t.Fatalf("%s: line %d: %s, and %s", what, i, strings.Join(p[max(0, i-3):i+1], " "), strings.Join(q[max(0, i-3):i+1], " "))
			}
		}
		t.Fatalf("%s: %d lines, and %d", what, len(p), len(q))
	}
}
