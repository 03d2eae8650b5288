package taskenv

import (
	"strings"
)

// Replace fills in the references of a text. "$${" is a literal "${".
func (e *Env) Replace(text string) string {
	if !strings.Contains(text, "${") {
		return text
	}
	var b strings.Builder
	for {
		i := strings.Index(text, "${")
		if i < 0 {
			b.WriteString(text)
			return b.String()
		}
		if i > 0 && text[i-1] == '$' {
			b.WriteString(text[:i-1] + "${")
			text = text[i+2:]
			continue
		}
		end := closing(text[i+2:])
		if end < 0 {
			b.WriteString(text)
			return b.String()
		}
		b.WriteString(text[:i])
		ref := text[i+2 : i+2+end]
		if v, ok := e.lookup(strings.TrimSpace(ref)); ok {
			b.WriteString(v)
		} else {
			b.WriteString(text[i : i+2+end+1])
		}
		text = text[i+2+end+1:]
	}
}

// closing finds the brace that ends a reference, outside of quotes; -1 without one.
func closing(s string) int {
	quoted := false
	for i := range len(s) {
		switch {
		case s[i] == '"' && (i == 0 || s[i-1] != '\\'):
			quoted = !quoted
		case s[i] == '}' && !quoted:
			return i
		}
	}
	return -1
}

// lookup finds what a reference means: a value of the node, a variable, or env["name"].
func (e *Env) lookup(ref string) (string, bool) {
	if v, ok := e.node[ref]; ok {
		return v, true
	}
	for _, kind := range []string{"attr", "meta"} {
		if name, ok := indexed(ref, kind); ok {
			v, ok := e.node[kind+"."+name]
			return v, ok
		}
	}
	if name, ok := indexed(ref, "env"); ok {
		ref = name
	} else if name, ok := strings.CutPrefix(ref, "env."); ok {
		ref = name
	}
	v, ok := e.vars[ref]
	return v, ok
}

// indexed takes the name out of kind["name"].
func indexed(ref, kind string) (string, bool) {
	name, ok := strings.CutPrefix(ref, kind+`["`)
	if !ok {
		return "", false
	}
	return strings.CutSuffix(name, `"]`)
}

// ReplaceConfig fills in the references of all texts of a driver's config block, keys of maps included. The block itself is
// not changed.
func (e *Env) ReplaceConfig(config map[string]any) map[string]any {
	if config == nil {
		return nil
	}
	return e.replaceAny(config).(map[string]any)
}

func (e *Env) replaceAny(v any) any {
	switch v := v.(type) {
	case string:
		return e.Replace(v)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = e.replaceAny(v[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			out[e.Replace(k)] = e.replaceAny(x)
		}
		return out
	}
	return v
}
