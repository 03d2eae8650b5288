package jobspec

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"berth/structs"
)

// The table of the language describes what structs does: Canonicalize fills defaults and Validate keeps the rules. The tests
// below hold the two against each other, attribute by attribute.

// spot is one place in the language where a block may stand.
type spot struct {
	path  []*block // from the job down
	block *block
}

func (s spot) String() string {
	names := make([]string, len(s.path))
	for i, b := range s.path {
		names[i] = b.name
	}
	return strings.Join(names, ".")
}

// spots are all blocks of the language whose words are in the table, wherever they stand.
func spots() []spot {
	var out []spot
	var walk func(path []*block, b *block)
	walk = func(path []*block, b *block) {
		path = append(slices.Clone(path), b)
		if b.free || b == langTask && len(path) == 2 {
			return
		}
		out = append(out, spot{path, b})
		for _, c := range b.blocks {
			walk(path, c)
		}
	}
	walk(nil, langJob)
	return out
}

// source is a job of a type that has the block, empty but for some lines, and what a job needs around it.
func (s spot) source(jobType string, lines ...string) string {
	given := func(name string) bool {
		return slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, name+" =") })
	}
	var text strings.Builder
	for i, b := range s.path {
		text.WriteString(b.name)
		if b.label != "" {
			label := "x"
			if b.sugar == sugarTaskScaling {
				label = "cpu"
			}
			text.WriteString(" " + strconv.Quote(label))
		}
		text.WriteString(" {\n")
		if i == 0 && (len(s.path) > 1 || !given("type")) {
			fmt.Fprintf(&text, "type = %q\n", jobType)
		}
		if b == langIdentity && !given("name") {
			text.WriteString("name = \"x\"\n")
		}
	}
	text.WriteString(strings.Join(lines, "\n"))
	for i := len(s.path) - 1; i >= 0; i-- {
		if s.path[i] == langGroup && !slices.Contains(s.path, langTask) {
			text.WriteString("\ntask \"x\" {}")
		}
		if i == 0 && !slices.Contains(s.path, langGroup) {
			text.WriteString("\ngroup \"x\" {\ntask \"x\" {}\n}")
		}
		text.WriteString("\n}")
	}
	return text.String()
}

// parsed is that job, and the block as it was decoded.
func (s spot) parsed(t *testing.T, jobType string, lines ...string) (*structs.Job, reflect.Value) {
	t.Helper()
	text := s.source(jobType, lines...)
	rep := newReport()
	job, _ := parse(rep, ParseOptions{Filename: "job.hcl", Source: []byte(text)})
	if job == nil {
		t.Fatalf("%s: %s\n%s", s, rendered(rep.sorted()), text)
	}
	v := reflect.ValueOf(job).Elem()
	for i, b := range s.path[1:] {
		f := b.field
		switch {
		case b == langPort:
			f = "DynamicPorts"
		case b == langIdentity:
			f = "Identities"
		case s.path[i] != langTask && (b == langVault || b == langSecret):
			return job, reflect.Value{} // given to tasks
		}
		v = v.FieldByName(f)
		switch v.Kind() {
		case reflect.Slice:
			if v.Len() == 0 {
				return job, reflect.Value{}
			}
			v = v.Index(0)
		case reflect.Map:
			v = v.MapIndex(v.MapKeys()[0])
		}
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return job, reflect.Value{} // an empty block is the same as none
			}
			v = v.Elem()
		}
	}
	return job, v
}

// dependent are attributes whose default, or canonical form, depends on others or comes in only where the value is used.
var dependent = map[string]bool{
	"job.id": true, "job.name": true, "job.type": true, "identity.name": true, "constraint.distinct_hosts": true,
	"template.change_signal": true, "identity.change_signal": true, "check.protocol": true, "check.method": true, "periodic.catch_up": true,
}

// byType is the form of a default that depends on the type of the job: "0 (batch: 1)".
var byType = regexp.MustCompile(`^(.*) \(batch: (.*)\)$`)

// TestDefaultsAreCanonical: the default in the table, and so in the documentation, is what an attribute has that is not written.
func TestDefaultsAreCanonical(t *testing.T) {
	for _, s := range spots() {
		for _, jobType := range []string{structs.JobTypeService, structs.JobTypeBatch} {
			_, v := s.parsed(t, jobType)
			if !v.IsValid() {
				continue
			}
			for _, a := range s.block.attrs {
				def, _, _ := strings.Cut(a.def, ", or ")
				if m := byType.FindStringSubmatch(a.def); m != nil {
					def = m[1]
					if jobType == structs.JobTypeBatch {
						def = m[2]
					}
				}
				if a.deprecated != "" || strings.HasPrefix(def, "the ") || strings.ContainsAny(def, "<×") || dependent[s.block.name+"."+a.name] || a.field == "RTarget" {
					continue
				}
				if len(s.path) == 2 && (s.block == langMigrate || s.block == langJobReschedule) {
					continue // the groups have the defaults
				}
				if have := canonicalText(a.kind, v.FieldByName(a.field)); have != normal(a.kind, def) {
					t.Errorf("%s.%s of a %s job: the table has default %q, the canonical form %q", s, a.name, jobType, def, have)
				}
			}
		}
	}
}

// canonicalText is a canonical value as a person would write it; "" for one that is not set or empty.
func canonicalText(k kind, v reflect.Value) string {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return ""
		}
		v = v.Elem()
	}
	switch {
	case v.IsZero():
		return ""
	case k == kindDuration:
		return time.Duration(v.Int()).String()
	case k == kindStrings:
		return fmt.Sprintf("%q", v.Interface())
	}
	return fmt.Sprint(v.Interface())
}

// normal is a default of the table in the same form.
func normal(k kind, def string) string {
	if d, err := time.ParseDuration(def); k == kindDuration && err == nil && d > 0 {
		return d.String()
	}
	switch def {
	case "0", "0s", "false":
		return ""
	}
	return def
}

var mustBe = regexp.MustCompile(`"zzz"; it must be (.*)$`)

// TestAllowedWordsAreThose: the words the table allows are those that Validate does.
func TestAllowedWordsAreThose(t *testing.T) {
	for _, s := range spots() {
		for _, a := range s.block.attrs {
			if a.kind != kindString || s.block == langJob && a.name == "type" {
				continue
			}
			refused := func(word, kind string) (told []string, refused bool) {
				lines := []string{fmt.Sprintf("%s = %q", a.name, word)}
				if kind != "" && a.name != "type" {
					lines = append(lines, fmt.Sprintf("type = %q", kind))
				}
				job, _ := s.parsed(t, structs.JobTypeService, lines...)
				for _, f := range job.Validate(structs.Limits{}) {
					if m := mustBe.FindStringSubmatch(f.Message); m != nil && word == "zzz" {
						for _, q := range regexp.MustCompile(`"[^"]*"`).FindAllString(m[1], -1) {
							told = append(told, strings.Trim(q, `"`))
						}
					}
					refused = refused || strings.Contains(f.Message, fmt.Sprintf("%q; it must be", word)) || strings.Contains(f.Message, fmt.Sprintf("operator %q is", word))
				}
				return told, refused
			}
			kinds := []string{""}
			switch s.block {
			case langVolume:
				kinds = []string{"host", "csi"}
			case langCheck:
				kinds = []string{"http"}
			case langVault:
				continue // refused as a whole
			case langNetwork:
				continue // mode has words and the form cni/<name>
			}
			fit := map[string]bool{}
			for _, kind := range kinds {
				told, bad := refused("zzz", kind)
				if slices.Sort(told); len(told) > 0 && len(kinds) == 1 && !slices.Equal(told, slices.Sorted(slices.Values(a.allowed))) {
					t.Errorf("%s.%s: the table allows %q, Validate %q", s, a.name, a.allowed, told)
				}
				if len(a.allowed) > 0 && !bad {
					t.Errorf("%s.%s: the table allows %q, Validate anything", s, a.name, a.allowed)
				}
				for _, word := range a.allowed {
					if _, bad := refused(word, kind); !bad {
						fit[word] = true
					}
				}
			}
			for _, word := range a.allowed {
				if !fit[word] {
					t.Errorf("%s.%s: the table allows %q, Validate does not", s, a.name, word)
				}
			}
		}
	}
}

// TestRequiredIsRequired: what the table calls required is missed when it is not written, and nothing else is.
func TestRequiredIsRequired(t *testing.T) {
	for _, s := range spots() {
		if s.block.sugar == sugarConstraint || s.block.sugar == sugarAffinity {
			continue // there is more than one way to write it
		}
		job, v := s.parsed(t, structs.JobTypeService)
		if !v.IsValid() {
			continue // given to the tasks
		}
		faults := job.Validate(structs.Limits{})
		for _, a := range s.block.attrs {
			missed := slices.ContainsFunc(faults, func(f structs.Fault) bool {
				return !f.Warning && strings.HasSuffix(f.Path, "."+a.field) && strings.Count(f.Path, ".") == strings.Count(s.String(), ".")
			})
			if missed != a.required && !(s.block == langTemplate && a.name == "data") { // or source
				t.Errorf("%s.%s: required is %v in the table; missed by Validate: %v\n%v", s, a.name, a.required, missed, faults)
			}
		}
	}
}
