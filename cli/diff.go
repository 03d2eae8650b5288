package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"berth/structs"
)

// differ prints differences as a tree.
type differ struct {
	*env
	// whole prints what was added or removed with everything in it; otherwise only its name.
	whole bool
}

// diff prints the differences of a job, with what they make of the allocations of each group.
func (e *env) diff(d *structs.JobDiff, updates map[string]*structs.DesiredUpdates, whole bool) {
	p := differ{e, whole}
	e.say("%sJob: %q", e.mark(d.Type), d.ID)
	if p.inside(d.Type) {
		p.fields("", d.Fields)
		p.objects("", d.Objects)
	}
	for _, g := range d.TaskGroups {
		u := updates[g.Name]
		if g.Type == structs.DiffNone && u == nil {
			continue
		}
		what := ""
		if u != nil {
			what = " (" + counts(u) + ")"
		}
		e.say("%sTask Group: %q%s", e.mark(g.Type), g.Name, what)
		if p.inside(g.Type) {
			p.fields("  ", g.Fields)
			p.objects("  ", g.Objects)
		}
		for _, t := range g.Tasks {
			if t.Type == structs.DiffNone {
				continue
			}
			e.say("  %sTask: %q%s", e.mark(t.Type), t.Name, notes(t.Annotations))
			if p.inside(t.Type) {
				p.fields("    ", t.Fields)
				p.objects("    ", t.Objects)
			}
		}
	}
}

func (p differ) inside(kind string) bool { return p.whole || kind == structs.DiffEdited }

func notes(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return " (" + strings.Join(all, ", ") + ")"
}

// mark is the sign and colour of a type of difference.
func (e *env) mark(kind string) string {
	switch kind {
	case structs.DiffAdded:
		return e.paint("32", "+ ")
	case structs.DiffDeleted:
		return e.paint("31", "- ")
	case structs.DiffEdited:
		return e.paint("33", "+/- ")
	}
	return ""
}

func (p differ) fields(indent string, fields []*structs.FieldDiff) {
	for _, f := range fields {
		was, is := strconv.Quote(readable(f.Name, f.Old)), strconv.Quote(readable(f.Name, f.New))
		text := is
		switch f.Type {
		case structs.DiffNone:
			continue
		case structs.DiffDeleted:
			text = was
		case structs.DiffEdited:
			text = was + " => " + is
		}
		p.say("%s  %s%s: %s%s", indent, p.mark(f.Type), f.Name, text, notes(f.Annotations))
	}
}

func (p differ) objects(indent string, objects []*structs.ObjectDiff) {
	for _, o := range objects {
		if o.Type == structs.DiffNone {
			continue
		}
		p.say("%s  %s%s {", indent, p.mark(o.Type), o.Name)
		p.fields(indent+"  ", o.Fields)
		p.objects(indent+"  ", o.Objects)
		p.say("%s  }", indent)
	}
}

// readable is a value as people write it: durations come as nanoseconds.
func readable(name, value string) string {
	for _, end := range []string{"Delay", "Interval", "Deadline", "Timeout", "MinHealthyTime", "Stagger", "Wait", "Grace"} {
		if !strings.HasSuffix(name, end) {
			continue
		}
		if ns, err := strconv.ParseInt(value, 10, 64); err == nil && ns != 0 {
			return fmt.Sprint(time.Duration(ns))
		}
	}
	return value
}
