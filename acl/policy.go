package acl

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"berth/structs"
)

// Bounds of a policy's text.
const (
	MaxBytes = 64 << 10
	// maxTokens and maxDepth bound what the reader is given: its work grows with both.
	maxTokens = 20_000
	maxDepth  = 8
	// maxRules bounds the blocks of one policy, those of variables included.
	maxRules = 1_000
	// maxFaults is how many faults are told at a time.
	maxFaults = 10
)

// Rule grants capabilities on what a name, or names with *, stand for.
type Rule struct {
	Glob string
	Caps Caps
}

// NamespaceRule is Rule, with the paths of variables in the namespace.
type NamespaceRule struct {
	Rule
	Variables []Rule
}

// Policy is a policy as it was read.
type Policy struct {
	Namespaces   []NamespaceRule
	NodePools    []Rule
	HostVolumes  []Rule
	Node         Level
	Agent        Level
	Operator     Level
	OperatorCaps Caps
	Plugin       Level
	Quota        Level
}

// Names of objects as rules may give them.
var (
	namespaceGlob = regexp.MustCompile(`^[a-zA-Z0-9*-]{1,128}$`)
	nameGlob      = regexp.MustCompile(`^[a-zA-Z0-9*_-]{1,128}$`)
	pathGlob      = regexp.MustCompile(`^[a-zA-Z0-9*_~/-]{1,128}$`)
)

// Parse reads a policy. Its errors name the place and the fix; a policy that is not understood as a whole is refused.
func Parse(text string) (*Policy, error) {
	if len(text) > MaxBytes {
		return nil, invalid("the policy has %d bytes, at most %d are taken: split it, a token may have several", len(text), MaxBytes)
	}
	if strings.HasPrefix(strings.TrimSpace(text), "{") {
		return nil, invalid("rules are written in HCL, not JSON: write namespace \"default\" { policy = \"read\" }")
	}
	if err := scan([]byte(text)); err != nil {
		return nil, err
	}
	file, diags := hclsyntax.ParseConfig([]byte(text), "policy", hcl.InitialPos)
	if diags.HasErrors() {
		d := diags[0]
		at := hcl.Range{Start: hcl.InitialPos}
		if d.Subject != nil {
			at = *d.Subject
		}
		return nil, invalid("policy:%d:%d: %s: %s", at.Start.Line, at.Start.Column, d.Summary, d.Detail)
	}
	body, ok := file.Body.(*hclsyntax.Body)
	if !ok {
		return nil, invalid("the policy is not HCL")
	}
	r := &reader{out: &Policy{}}
	r.policy(body)
	return r.out, r.err()
}

func invalid(format string, args ...any) error {
	return &structs.Error{Kind: structs.KindInvalid, Err: fmt.Errorf(format, args...)}
}

// plain are the kinds of tokens policies are made of. Why: the reader of expressions calls itself for each operator and bracket; what it
// is not given it cannot fall over.
var plain = map[hclsyntax.TokenType]bool{
	hclsyntax.TokenIdent: true, hclsyntax.TokenNumberLit: true, hclsyntax.TokenOQuote: true, hclsyntax.TokenCQuote: true,
	hclsyntax.TokenQuotedLit: true, hclsyntax.TokenOBrace: true, hclsyntax.TokenCBrace: true, hclsyntax.TokenOBrack: true,
	hclsyntax.TokenCBrack: true, hclsyntax.TokenComma: true, hclsyntax.TokenEqual: true, hclsyntax.TokenNewline: true,
	hclsyntax.TokenComment: true, hclsyntax.TokenEOF: true,
}

// scan refuses texts that hold more than literals, or nest deeper than any policy does.
func scan(text []byte) error {
	tokens, diags := hclsyntax.LexConfig(text, "policy", hcl.InitialPos)
	if diags.HasErrors() {
		d := diags[0]
		return invalid("policy:%d:%d: %s: %s", d.Subject.Start.Line, d.Subject.Start.Column, d.Summary, d.Detail)
	}
	if len(tokens) > maxTokens {
		return invalid("the policy has more than %d words and signs: split it, a token may have several", maxTokens)
	}
	depth := 0
	for _, t := range tokens {
		at := t.Range.Start
		switch t.Type {
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack:
			depth++
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack:
			depth--
		}
		switch {
		case depth > maxDepth:
			return invalid("policy:%d:%d: more than %d brackets are open: rules nest no deeper than namespace, variables, path and a list", at.Line, at.Column, maxDepth)
		case !plain[t.Type]:
			return invalid("policy:%d:%d: %.20q cannot stand in a policy: it holds names, texts in double quotes and lists of them", at.Line, at.Column, t.Bytes)
		}
	}
	return nil
}

// reader makes a policy of a body and collects what is wrong with it.
type reader struct {
	out    *Policy
	rules  int
	faults []string
	more   int
}

func (r *reader) err() error {
	if len(r.faults) == 0 {
		return nil
	}
	if r.more > 0 {
		r.faults = append(r.faults, fmt.Sprintf("and %d more", r.more))
	}
	return &structs.Error{Kind: structs.KindInvalid, Err: errors.New(strings.Join(r.faults, "\n"))}
}

func (r *reader) fault(at hcl.Range, format string, args ...any) {
	if len(r.faults) == maxFaults {
		r.more++
		return
	}
	r.faults = append(r.faults, fmt.Sprintf("policy:%d:%d: ", at.Start.Line, at.Start.Column)+fmt.Sprintf(format, args...))
}

// Blocks of a policy.
var (
	namedBlocks = []string{"host_volume", "namespace", "node_pool"}
	levelBlocks = []string{"agent", "node", "operator", "plugin", "quota", "sentinel"}
)

func (r *reader) policy(body *hclsyntax.Body) {
	for _, name := range slices.Sorted(maps.Keys(body.Attributes)) {
		at := body.Attributes[name].SrcRange
		switch {
		case slices.Contains(levelBlocks, name):
			r.fault(at, "%s is a block: write %s { policy = \"read\" }", name, name)
		case slices.Contains(namedBlocks, name):
			r.fault(at, "%s is a block: write %s \"NAME\" { policy = \"read\" }", name, name)
		default:
			r.fault(at, "unknown key %q%s", name, meant(name, append(slices.Clone(namedBlocks), levelBlocks...)))
		}
	}
	for _, b := range body.Blocks {
		if !r.count(b) {
			return
		}
		switch b.Type {
		case "namespace":
			r.namespace(b)
		case "node_pool":
			r.out.NodePools = r.named(r.out.NodePools, b, nameGlob, poolKind)
		case "host_volume":
			r.out.HostVolumes = r.named(r.out.HostVolumes, b, nameGlob, hostVolumeKind)
		case "node":
			r.level(b, &r.out.Node, levels)
		case "agent":
			r.level(b, &r.out.Agent, levels)
		case "operator":
			r.operator(b)
		case "plugin":
			r.level(b, &r.out.Plugin, pluginLevels)
		case "quota":
			r.level(b, &r.out.Quota, levels)
		case "sentinel": // there is nothing it could be about
			var none Level
			r.level(b, &none, levels)
		default:
			r.fault(b.TypeRange, "unknown block %q%s", b.Type, meant(b.Type, append(slices.Clone(namedBlocks), levelBlocks...)))
		}
	}
	if r.rules == 0 && len(r.faults) == 0 {
		r.faults = []string{"the policy has no rule: write namespace \"default\" { policy = \"read\" }, or delete the policy"}
	}
}

// count reports whether one more rule is taken.
func (r *reader) count(b *hclsyntax.Block) bool {
	if r.rules++; r.rules == maxRules+1 {
		r.fault(b.TypeRange, "the policy has more than %d rules: split it, a token may have several", maxRules)
	}
	return r.rules <= maxRules
}

// label is the name a block is about. CVE-2023-3072: a rule without one matched what it should not have.
func (r *reader) label(b *hclsyntax.Block, glob *regexp.Regexp) (string, bool) {
	switch {
	case len(b.Labels) == 0:
		r.fault(b.TypeRange, "%s needs a name: write %s \"NAME\" { ... }, with * for any letters", b.Type, b.Type)
	case len(b.Labels) > 1:
		r.fault(b.TypeRange, "%s takes one name, not %d: write a block for each", b.Type, len(b.Labels))
	case !glob.MatchString(b.Labels[0]):
		r.fault(b.LabelRanges[0], "%q is no name of a %s: it must match %s", b.Labels[0], b.Type, glob)
	default:
		return b.Labels[0], true
	}
	return "", false
}

// inside sees that a block has nothing but these keys and blocks.
func (r *reader) inside(b *hclsyntax.Block, keys []string, blocks ...string) {
	for _, name := range slices.Sorted(maps.Keys(b.Body.Attributes)) {
		switch at := b.Body.Attributes[name].SrcRange; {
		case slices.Contains(blocks, name):
			r.fault(at, "%s is a block: write %s { ... } without =", name, name)
		case !slices.Contains(keys, name):
			r.fault(at, "unknown key %q in %s%s", name, b.Type, meant(name, keys))
		}
	}
	for _, inner := range b.Body.Blocks {
		switch {
		case slices.Contains(keys, inner.Type):
			r.fault(inner.TypeRange, "%s is no block: write %s = ...", inner.Type, inner.Type)
		case !slices.Contains(blocks, inner.Type):
			r.fault(inner.TypeRange, "unknown block %q in %s%s", inner.Type, b.Type, meant(inner.Type, blocks))
		}
	}
}

var policyAndCaps = []string{"policy", "capabilities"}

func (r *reader) namespace(b *hclsyntax.Block) {
	name, ok := r.label(b, namespaceGlob)
	r.inside(b, policyAndCaps, "variables")
	rule := NamespaceRule{Rule: Rule{Glob: name, Caps: r.caps(b, namespaceKind)}}
	for _, v := range b.Body.Blocks {
		if v.Type != "variables" {
			continue
		}
		if len(v.Labels) > 0 {
			r.fault(v.LabelRanges[0], "variables has no name: write variables { path \"GLOB\" { ... } }")
		}
		r.inside(v, nil, "path")
		for _, p := range v.Body.Blocks {
			if p.Type != "path" {
				continue
			}
			if !r.count(p) {
				return
			}
			rule.Variables = r.named(rule.Variables, p, pathGlob, variableKind)
		}
	}
	if ok {
		r.out.Namespaces = append(r.out.Namespaces, rule)
	}
}

func (r *reader) named(to []Rule, b *hclsyntax.Block, glob *regexp.Regexp, k kind) []Rule {
	name, ok := r.label(b, glob)
	keys := policyAndCaps
	if k.policy == nil {
		keys = []string{"capabilities"}
	}
	r.inside(b, keys)
	caps := r.caps(b, k)
	if !ok {
		return to
	}
	return append(to, Rule{Glob: name, Caps: caps})
}

// level reads a block without a name. Written twice, the stronger word counts, and deny is the strongest.
func (r *reader) level(b *hclsyntax.Block, to *Level, words map[string]Level) {
	if len(b.Labels) > 0 {
		r.fault(b.LabelRanges[0], "%s has no name: write %s { policy = \"read\" }", b.Type, b.Type)
	}
	r.inside(b, []string{"policy"})
	if word, at, ok := r.text(b, "policy"); ok {
		l, known := words[word]
		if !known {
			r.fault(at, "policy = %q is unknown in %s: use %s", word, b.Type, listed(words))
		}
		*to = max(*to, l)
	} else if b.Body.Attributes["policy"] == nil {
		r.fault(b.TypeRange, "%s grants nothing: set policy to %s", b.Type, listed(words))
	}
}

func (r *reader) operator(b *hclsyntax.Block) {
	if len(b.Labels) > 0 {
		r.fault(b.LabelRanges[0], "operator has no name: write operator { policy = \"read\" }")
	}
	r.inside(b, policyAndCaps)
	if b.Body.Attributes["policy"] == nil && b.Body.Attributes["capabilities"] == nil {
		r.fault(b.TypeRange, "operator grants nothing: set policy to %s, or capabilities", listed(levels))
	}
	if word, at, ok := r.text(b, "policy"); ok {
		l, known := levels[word]
		if !known {
			r.fault(at, "policy = %q is unknown in operator: use %s", word, listed(levels))
		}
		r.out.Operator = max(r.out.Operator, l)
	}
	r.out.OperatorCaps |= r.words(b, operatorKind)
}

// caps are those of policy and capabilities of a block.
func (r *reader) caps(b *hclsyntax.Block, k kind) Caps {
	var out Caps
	if word, at, ok := r.text(b, "policy"); ok && k.policy != nil {
		c, known := k.policy[word]
		if !known {
			r.fault(at, "policy = %q is unknown in %s: use %s", word, b.Type, listed(k.policy))
		}
		out = c
	}
	return out | r.words(b, k)
}

func (r *reader) words(b *hclsyntax.Block, k kind) (out Caps) {
	attr := b.Body.Attributes["capabilities"]
	if attr == nil {
		return 0
	}
	list, ok := attr.Expr.(*hclsyntax.TupleConsExpr)
	if !ok {
		r.fault(attr.SrcRange, "capabilities is a list: write capabilities = [\"...\"]")
		return 0
	}
	for _, e := range list.Exprs {
		word, ok := literal(e)
		if !ok {
			r.fault(e.Range(), "a capability is a text in double quotes")
			continue
		}
		c, known := k.words[word]
		if !known {
			r.fault(e.Range(), "capability %q is unknown in %s%s", word, b.Type, meantOf(word, slices.Sorted(maps.Keys(k.words))))
		}
		out |= c
	}
	return out
}

// text is the value of a key; false without one, and when it is none.
func (r *reader) text(b *hclsyntax.Block, key string) (string, hcl.Range, bool) {
	attr := b.Body.Attributes[key]
	if attr == nil {
		return "", hcl.Range{}, false
	}
	word, ok := literal(attr.Expr)
	if !ok {
		r.fault(attr.SrcRange, "%s is a text in double quotes", key)
	}
	return word, attr.Expr.Range(), ok
}

// literal is the text of an expression that is one.
func literal(e hclsyntax.Expression) (string, bool) {
	t, ok := e.(*hclsyntax.TemplateExpr)
	if !ok || !t.IsStringLiteral() {
		return "", false
	}
	v, diags := t.Value(nil)
	if diags.HasErrors() {
		return "", false
	}
	return v.AsString(), true
}

func listed[T any](words map[string]T) string {
	var quoted []string
	for _, w := range slices.Sorted(maps.Keys(words)) {
		quoted = append(quoted, fmt.Sprintf("%q", w))
	}
	return strings.Join(quoted, ", ")
}

// meant proposes what a word was to be.
func meant(word string, known []string) string {
	if near := structs.Nearest(word, known); near != "" {
		return fmt.Sprintf(" (did you mean %q?)", near)
	}
	if len(known) == 0 {
		return ""
	}
	return fmt.Sprintf(": use %s", strings.Join(known, ", "))
}

// meantOf is meant for words with hyphens.
func meantOf(word string, known []string) string {
	under := make([]string, len(known))
	for i, k := range known {
		under[i] = strings.ReplaceAll(k, "-", "_")
	}
	if near := structs.Nearest(strings.ReplaceAll(word, "-", "_"), under); near != "" {
		return fmt.Sprintf(" (did you mean %q?)", strings.ReplaceAll(near, "_", "-"))
	}
	return ": use " + strings.Join(known, ", ")
}
