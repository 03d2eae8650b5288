package acl

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// ruleText is a rule as a person writes it, and as the model reads it.
type ruleText struct {
	block, glob, policy string
	caps                []string
	paths               []ruleText // variables
}

func (r ruleText) text(indent string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s%s", indent, r.block)
	if r.glob != "" {
		fmt.Fprintf(&b, " %q", r.glob)
	}
	b.WriteString(" {\n")
	if r.policy != "" {
		fmt.Fprintf(&b, "%s  policy = %q\n", indent, r.policy)
	}
	if len(r.caps) > 0 {
		fmt.Fprintf(&b, "%s  capabilities = [\"%s\"]\n", indent, strings.Join(r.caps, `", "`))
	}
	if len(r.paths) > 0 {
		b.WriteString(indent + "  variables {\n")
		for _, p := range r.paths {
			b.WriteString(p.text(indent + "    "))
		}
		b.WriteString(indent + "  }\n")
	}
	b.WriteString(indent + "}\n")
	return b.String()
}

// modelShorthands is what the words of policy stand for, copied from the contract's sentences by hand.
var modelShorthands = map[string]map[string]string{
	"namespace": {
		"read": "list-jobs parse-job read-job csi-list-volume csi-read-volume read-job-scaling list-scaling-policies read-scaling-policy host-volume-read",
		"write": "list-jobs parse-job read-job csi-list-volume csi-read-volume read-job-scaling list-scaling-policies read-scaling-policy host-volume-read " +
			"scale-job submit-job dispatch-job read-logs read-fs alloc-exec alloc-lifecycle csi-mount-volume csi-write-volume submit-recommendation host-volume-create",
		"scale": "list-scaling-policies read-scaling-policy read-job-scaling scale-job", "deny": "deny",
	},
	"node_pool":   {"read": "read", "write": "read write delete", "deny": "deny"},
	"host_volume": {"read": "mount-readonly", "write": "mount-readonly mount-readwrite", "deny": "deny"},
}

// modelWords are the capabilities a rule names, one by one.
func modelWords(r ruleText) []string {
	out := slices.Clone(r.caps)
	if r.policy != "" {
		out = append(out, strings.Fields(modelShorthands[r.block][r.policy])...)
	}
	if r.block == "path" && slices.Contains(out, "read") {
		out = append(out, "list")
	}
	return out
}

func modelMatches(glob, name string) bool {
	return regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(glob), `\*`, ".*") + "$").MatchString(name)
}

// modelClosest are the rules about a name: those that spell it out; without any, those of the matching ones that leave the fewest letters open.
func modelClosest(rules []ruleText, name string) []ruleText {
	var exact, best []ruleText
	fewest := 1 << 30
	for _, r := range rules {
		switch open := len(name) - len(strings.ReplaceAll(r.glob, "*", "")); {
		case r.glob == name:
			exact = append(exact, r)
		case !strings.Contains(r.glob, "*") || !modelMatches(r.glob, name):
		case open < fewest:
			best, fewest = []ruleText{r}, open
		case open == fewest:
			best = append(best, r)
		}
	}
	if exact != nil {
		return exact
	}
	return best
}

func modelNamed(policies [][]ruleText, block, name, capability string) bool {
	var rules []ruleText
	for _, p := range policies {
		for _, r := range p {
			if r.block == block {
				rules = append(rules, r)
			}
		}
	}
	var words []string
	for _, r := range modelClosest(rules, name) {
		words = append(words, modelWords(r)...)
	}
	return slices.Contains(words, capability) && !slices.Contains(words, "deny")
}

func modelVariable(policies [][]ruleText, namespace, path, capability string) bool {
	var rules []ruleText
	for _, p := range policies {
		for _, r := range p {
			if r.block == "namespace" {
				rules = append(rules, r)
			}
		}
	}
	var words []string
	byGlob := map[string][]ruleText{}
	for _, r := range modelClosest(rules, namespace) {
		words = append(words, modelWords(r)...)
		byGlob[r.glob] = append(byGlob[r.glob], r.paths...)
	}
	if slices.Contains(words, "deny") {
		return false
	}
	var held []string
	for _, paths := range byGlob {
		for _, p := range modelClosest(paths, path) {
			held = append(held, modelWords(p)...)
		}
	}
	return slices.Contains(held, capability) && !slices.Contains(held, "deny")
}

// modelLevel goes through what each policy says in words.
func modelLevel(policies [][]ruleText, block, asked string) bool {
	order := []string{"list", "read", "write"}
	ok := false
	for _, p := range policies {
		for _, r := range p {
			switch {
			case r.block != block || r.policy == "":
			case r.policy == "deny":
				return false
			case slices.Index(order, r.policy) >= slices.Index(order, asked):
				ok = true
			}
		}
	}
	return ok
}

func modelOperator(policies [][]ruleText, capability string) bool {
	var words []string
	for _, p := range policies {
		for _, r := range p {
			if r.block == "operator" {
				words = append(words, r.caps...)
				if r.policy == "deny" {
					words = append(words, "deny")
				}
			}
		}
	}
	return slices.Contains(words, capability) && !slices.Contains(words, "deny")
}

func keys(m map[string]Caps) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// globs and names are made of few letters, so that they meet.
func drawGlob(t *rapid.T, label string) string {
	return rapid.SampledFrom([]string{"*", "a", "b", "a*", "*a", "a-b", "a-*", "*-b", "a*b", "*b*", "ab", "**", "a**", "prod-api", "prod-*", "*-api"}).Draw(t, label)
}

func drawName(t *rapid.T, label string) string {
	return rapid.SampledFrom([]string{"a", "b", "ab", "a-b", "aab", "ba", "c", "prod-api", "prod-", "prod-x-api", "default"}).Draw(t, label)
}

func drawSome(t *rapid.T, words []string, label string) []string {
	return rapid.SliceOfN(rapid.SampledFrom(words), 0, 4).Draw(t, label)
}

func drawRule(t *rapid.T) ruleText {
	word := rapid.SampledFrom([]string{"", "", "read", "write", "deny"})
	switch block := rapid.SampledFrom([]string{"namespace", "namespace", "namespace", "node_pool", "host_volume", "node", "agent", "operator", "plugin", "quota"}).Draw(t, "block"); block {
	case "namespace":
		r := ruleText{block: block, glob: drawGlob(t, "glob"), policy: rapid.SampledFrom([]string{"", "read", "write", "scale", "deny"}).Draw(t, "policy"),
			caps: drawSome(t, keys(namespaceKind.words), "caps")}
		for range rapid.IntRange(0, 2).Draw(t, "paths") {
			r.paths = append(r.paths, ruleText{block: "path", glob: drawGlob(t, "path"), caps: drawSome(t, keys(variableKind.words), "path caps")})
		}
		return r
	case "node_pool":
		return ruleText{block: block, glob: drawGlob(t, "glob"), policy: word.Draw(t, "policy"), caps: drawSome(t, keys(poolKind.words), "caps")}
	case "host_volume":
		return ruleText{block: block, glob: drawGlob(t, "glob"), policy: word.Draw(t, "policy"), caps: drawSome(t, keys(hostVolumeKind.words), "caps")}
	case "operator":
		r := ruleText{block: block, policy: word.Draw(t, "policy"), caps: drawSome(t, keys(operatorKind.words), "caps")}
		if r.policy == "" && len(r.caps) == 0 {
			r.policy = "read"
		}
		return r
	case "plugin":
		return ruleText{block: block, policy: rapid.SampledFrom([]string{"list", "read", "write", "deny"}).Draw(t, "policy")}
	default:
		return ruleText{block: block, policy: rapid.SampledFrom([]string{"read", "write", "deny"}).Draw(t, "policy")}
	}
}

// TestDecisionsAreThoseOfTheModel is reliability's I30 for the language: whatever policies say, the compiled answer to every question is
// that of the slow model, which reads the same rules by the contract's sentences.
func TestDecisionsAreThoseOfTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var policies [][]ruleText
		var parsed []*Policy
		for range rapid.IntRange(0, 3).Draw(t, "policies") {
			var rules []ruleText
			text := ""
			for range rapid.IntRange(1, 5).Draw(t, "rules") {
				r := drawRule(t)
				rules = append(rules, r)
				text += r.text("")
			}
			p, err := Parse(text)
			if err != nil {
				t.Fatalf("%v in\n%s", err, text)
			}
			policies, parsed = append(policies, rules), append(parsed, p)
		}
		a := Compile(parsed)
		name, path := drawName(t, "name"), drawName(t, "path of a variable")
		check := func(what string, got, want bool) {
			if got != want {
				t.Fatalf("%s: %t, the model says %t of %+v", what, got, want, policies)
			}
		}
		sees := false
		for word, c := range namespaceKind.words {
			if c == Deny {
				continue
			}
			want := modelNamed(policies, "namespace", name, word)
			sees = sees || want
			check("namespace "+name+" "+word, a.Namespace(name, c), want)
			if want {
				check("any namespace "+word, a.AnyNamespace(c), true)
			}
		}
		check("sees "+name, a.SeesNamespace(name), sees)
		for word, c := range poolKind.words {
			if c != Deny {
				check("pool "+name+" "+word, a.NodePool(name, c), modelNamed(policies, "node_pool", name, word))
			}
		}
		for word, c := range hostVolumeKind.words {
			if c != Deny {
				check("volume "+name+" "+word, a.HostVolume(name, c), modelNamed(policies, "host_volume", name, word))
			}
		}
		for word, c := range variableKind.words {
			if c != Deny {
				asked := c
				if word == "read" {
					asked = VariableRead
				}
				check("variable "+name+" "+path+" "+word, a.Variable(name, path, asked), modelVariable(policies, name, path, word))
			}
		}
		for word, l := range map[string]Level{"read": LevelRead, "write": LevelWrite} {
			check("node "+word, a.Node(l), modelLevel(policies, "node", word))
			check("agent "+word, a.Agent(l), modelLevel(policies, "agent", word))
			check("operator "+word, a.Operator(l), modelLevel(policies, "operator", word))
			check("plugin "+word, a.Plugin(l), modelLevel(policies, "plugin", word))
			check("quota "+word, a.Quota(l), modelLevel(policies, "quota", word))
		}
		for word, c := range operatorKind.words {
			if c != Deny {
				check("operator "+word, a.OperatorMay(c), modelOperator(policies, word))
			}
		}
		check("management", a.IsManagement(), false)
	})
}
