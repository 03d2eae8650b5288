package structs

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template/parse"
)

// Functions of templates. What the language itself has is there too.
var (
	templateFuncs = strings.Fields(`and call html index slice js len not or print printf println urlquery eq ge gt le lt ne
		nomadService nomadServices nomadVar nomadVarExists nomadVarList nomadVarListSafe service services
		env mustEnv envOrDefault file timestamp scratch byKey byTag byPort byMeta contains containsAll containsAny containsNone containsNotAll
		in loop join split splitToMap trim trimPrefix trimSuffix trimSpace regexMatch regexReplaceAll replaceAll toLower toUpper toTitle
		toJSON toJSONPretty toUnescapedJSON toUnescapedJSONPretty toYAML toTOML parseJSON parseYAML parseInt parseFloat parseBool parseUint
		base64Decode base64Encode base64URLDecode base64URLEncode sha256Hex md5sum hmacSHA256Hex explode explodeMap mergeMap
		mergeMapWithOverride indent sockaddr add subtract multiply divide modulo minimum maximum`)
	consulFuncs = strings.Fields(`key keyExists keyOrDefault ls safeLs tree safeTree connect node nodes datacenters partitions peerings
		caRoots caLeaf exportedServices importedServices`)
	vaultFuncs  = strings.Fields(`secret secrets pkiCert`)
	deniedFuncs = strings.Fields(`executeTemplate plugin writeToFile`)
)

// templateError is the form of the messages of the template library: `template: data:3: unexpected ...`.
var templateError = regexp.MustCompile(`^template: data:(\d+)(?::\d+)?: (.*)$`)

// maxTemplateDepth bounds parentheses within each other: the library that reads templates recurses.
const maxTemplateDepth = 100

// checkTemplateText reads a template as the node will, and answers the functions that it will not have.
func (c *checker) checkTemplateText(p *place, t *Template) {
	text := val(t.EmbeddedTmpl)
	if text == "" {
		return
	}
	left, right := val(t.LeftDelim), val(t.RightDelim)
	if left == "" || right == "" {
		return // not canonical
	}
	if templateDepth(text, left, right) > maxTemplateDepth {
		c.fault(p, "the template nests more than %d levels deep", maxTemplateDepth)
		return
	}
	tree := parse.New("data")
	tree.Mode = parse.SkipFuncCheck
	set := map[string]*parse.Tree{}
	if _, err := tree.Parse(text, left, right, set); err != nil {
		message, line := err.Error(), 0
		if m := templateError.FindStringSubmatch(message); m != nil {
			message = "line " + m[1] + " of the template: " + m[2]
			line, _ = strconv.Atoi(m[1])
		}
		f := c.fault(p, "%s", clip(message))
		f.Hint, f.Line = fmt.Sprintf("an action stands between %s and %s", clip(left), clip(right)), line
		return
	}
	used := map[string]int{}
	for _, t := range set {
		if t.Root != nil {
			functionsOf(t.Root, used, text)
		}
	}
	names := make([]string, 0, len(used))
	for name := range used {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(used[a]-used[b], strings.Compare(a, b)) })
	for _, name := range names {
		c.checkTemplateFunc(p, name, used[name])
	}
}

func (c *checker) checkTemplateFunc(p *place, name string, line int) {
	where := fmt.Sprintf("line %d of the template", line)
	before := len(c.faults)
	defer func() {
		for i := range c.faults[before:] {
			c.faults[before+i].Line = line
		}
	}()
	switch {
	case slices.Contains(vaultFuncs, name):
		c.fault(p, "%s: %s reads from Vault, which Berth does not talk to", where, name).Hint =
			`keep the value as a variable, and read it with {{ with nomadVar "nomad/jobs/<job>" }}{{ .<key> }}{{ end }}`
	case slices.Contains(consulFuncs, name):
		c.fault(p, "%s: %s reads from Consul, which Berth does not talk to", where, name).Hint =
			`keep values as variables ({{ with nomadVar "nomad/jobs/<job>" }}), and find services with nomadService`
	case slices.Contains(deniedFuncs, name):
		c.fault(p, "%s: %s is not allowed on a node", where, name)
	case name == "service" || name == "services":
		other := "nomad" + strings.ToUpper(name[:1]) + name[1:]
		c.warn(p, "%s: %s reads Berth's own registry of services, not Consul's", where, name).Hint = "write " + other
	case slices.Contains(templateFuncs, name), strings.HasPrefix(name, "sprig_"), strings.HasPrefix(name, "spew_"):
	default:
		if near := Nearest(name, slices.Concat(templateFuncs, consulFuncs, vaultFuncs)); near != "" {
			c.fault(p, "%s: there is no function %q", where, clip(name)).Hint = fmt.Sprintf("did you mean %q?", near)
			return
		}
		c.warn(p, "%s: function %q is not known", where, clip(name))
	}
}

// functionsOf collects the functions of a template with the first line that each is on.
func functionsOf(n parse.Node, used map[string]int, text string) {
	pipes := func(p *parse.PipeNode) {
		if p != nil {
			functionsOf(p, used, text)
		}
	}
	branch := func(b *parse.BranchNode) {
		pipes(b.Pipe)
		functionsOf(b.List, used, text)
		functionsOf(b.ElseList, used, text)
	}
	switch x := n.(type) {
	case *parse.ListNode:
		if x == nil {
			return
		}
		for _, e := range x.Nodes {
			functionsOf(e, used, text)
		}
	case *parse.ActionNode:
		pipes(x.Pipe)
	case *parse.TemplateNode:
		pipes(x.Pipe)
	case *parse.IfNode:
		branch(&x.BranchNode)
	case *parse.RangeNode:
		branch(&x.BranchNode)
	case *parse.WithNode:
		branch(&x.BranchNode)
	case *parse.PipeNode:
		for _, c := range x.Cmds {
			functionsOf(c, used, text)
		}
	case *parse.CommandNode:
		for _, a := range x.Args {
			functionsOf(a, used, text)
		}
	case *parse.ChainNode:
		functionsOf(x.Node, used, text)
	case *parse.IdentifierNode:
		if _, seen := used[x.Ident]; !seen && len(used) < 1000 {
			used[x.Ident] = 1 + strings.Count(text[:min(int(x.Pos), len(text))], "\n")
		}
	}
}

// templateDepth is how deep parentheses and blocks nest at most.
func templateDepth(text, left, right string) int {
	deepest, blocks := 0, 0
	for {
		_, rest, found := strings.Cut(text, left)
		if !found {
			return deepest
		}
		action, after, _ := strings.Cut(rest, right)
		parens := 0
		for i := range len(action) {
			switch action[i] {
			case '(':
				parens++
			case ')':
				parens--
			}
			deepest = max(deepest, parens+blocks)
		}
		word, _, _ := strings.Cut(strings.TrimLeft(action, "- \t\r\n")+" ", " ")
		switch word {
		case "if", "with", "range", "define", "block", "else":
			blocks++
		case "end":
			blocks = max(blocks-1, 0)
		}
		deepest = max(deepest, blocks)
		text = after
	}
}
