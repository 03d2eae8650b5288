package jobspec

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"berth/structs"
)

// inherit gives the tasks of a group what was written above them.
func (d *decoder) inherit(g *structs.TaskGroup, path string, blocks map[string][]*node) {
	if len(blocks) == 0 {
		return
	}
	for i, t := range g.Tasks {
		own := fmt.Sprintf("%s.Tasks[%d].", path, i)
		for _, n := range blocks["vault"] {
			if t.Vault == nil {
				t.Vault = &structs.Vault{}
				d.decode(&blockUse{block: langVault, node: n, target: reflect.ValueOf(t.Vault).Elem(), path: own + "Vault"})
			}
		}
		for _, n := range blocks["secret"] {
			s := &structs.Secret{}
			at := fmt.Sprintf("%sSecrets[%d]", own, len(t.Secrets))
			if len(n.labels) == 1 && slices.ContainsFunc(t.Secrets, func(have *structs.Secret) bool { return have.Name == n.labels[0].text }) {
				continue
			}
			d.decode(&blockUse{block: langSecret, node: n, target: reflect.ValueOf(s).Elem(), path: at})
			t.Secrets = append(t.Secrets, s)
		}
	}
}

// liftIdentities moves default identities to where the structs have them, with the places of what was written.
func (d *decoder) liftIdentities(j *structs.Job) {
	moved := map[string]string{} // paths of identities, from and to
	for gi, g := range j.TaskGroups {
		for ti, t := range g.Tasks {
			if len(t.Identities) > 0 {
				d.liftIdentity(t, fmt.Sprintf("TaskGroups[%d].Tasks[%d].", gi, ti), moved)
			}
		}
	}
	if len(moved) == 0 {
		return
	}
	places := make(map[string]hcl.Range, len(d.places))
	for p, rng := range d.places {
		if i := strings.Index(p, "Identities["); i >= 0 {
			end := i + strings.IndexByte(p[i:], ']') + 1
			if to, ok := moved[p[:end]]; ok {
				p = to + p[end:]
			}
		}
		places[p] = rng
	}
	d.places = places
}

func (d *decoder) liftIdentity(t *structs.Task, path string, moved map[string]string) {
	all := t.Identities
	t.Identities = nil
	for i, w := range all {
		from := fmt.Sprintf("%sIdentities[%d]", path, i)
		if w.Name != "" && w.Name != structs.DefaultIdentity {
			moved[from] = fmt.Sprintf("%sIdentities[%d]", path, len(t.Identities))
			t.Identities = append(t.Identities, w)
			continue
		}
		if t.Identity != nil {
			d.rep.error(d.places[from], "a second identity without a name", `give it one: name = "..."`)
			continue
		}
		w.Name = structs.DefaultIdentity
		t.Identity, moved[from] = w, path+"Identity"
	}
}

// whereIs names the first block of the language that has a word, "" if none does.
func whereIs(word string) string {
	var found string
	var walk func(b *block, path []string)
	walk = func(b *block, path []string) {
		if found != "" || len(path) > 6 || b.free {
			return
		}
		path = append(slices.Clone(path), b.name)
		if len(path) > 1 && (b.attrNamed(word) != nil || b.blockNamed(word) != nil) {
			found = strings.Join(path[1:], " → ")
			return
		}
		for _, c := range b.blocks {
			walk(c, path)
		}
	}
	walk(langFile, nil)
	return found
}
