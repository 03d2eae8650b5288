package structs

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Effects of a taint.
const (
	TaintNoSchedule       = "NoSchedule"       // nothing is placed there
	TaintPreferNoSchedule = "PreferNoSchedule" // it is placed there last
	TaintNoExecute        = "NoExecute"        // nothing is placed there, and what runs there leaves
)

// Sources of a taint.
const (
	TaintFromNode     = "node"     // the node's configuration
	TaintFromOperator = "operator" // berth node taint
)

// taintsMax bounds the taints of a node, tolerationsMax the tolerations of a job or group.
const (
	taintsMax      = 32
	tolerationsMax = 32
)

// TaintHealth begins the keys of taints that tell of a node's health, such as node.disk-pressure: system and sysbatch jobs
// tolerate them, because what looks after nodes is needed on those that are unwell.
const TaintHealth = "node."

// Taint keeps allocations away from a node that do not tolerate it. Beside the contract.
type Taint struct {
	Key    string
	Value  string `json:",omitempty" msg:",omitempty"`
	Effect string
	Source string `json:",omitempty" msg:",omitempty"`
	// Since is when it was set, Unix ns. Tolerations with a duration count from it.
	Since int64 `json:",omitempty" msg:",omitempty"`
}

// String is key=value:effect, as people write it.
func (t *Taint) String() string {
	if t.Value == "" {
		return t.Key + ":" + t.Effect
	}
	return t.Key + "=" + t.Value + ":" + t.Effect
}

// ParseTaint reads key=value:effect or key:effect.
func ParseTaint(text string) (*Taint, error) {
	rest, effect, ok := cutLast(text, ":")
	if !ok {
		return nil, fmt.Errorf("taint %q has no effect: write key=value:effect, with effect %s, %s or %s", clip(text), TaintNoSchedule, TaintPreferNoSchedule, TaintNoExecute)
	}
	t := &Taint{Effect: effect}
	t.Key, t.Value, _ = strings.Cut(rest, "=")
	return t, t.check()
}

func cutLast(text, sep string) (before, after string, found bool) {
	i := strings.LastIndex(text, sep)
	if i < 0 {
		return text, "", false
	}
	return text[:i], text[i+len(sep):], true
}

func (t *Taint) check() error {
	switch {
	case t.Key == "":
		return errors.New("a taint has no key: write key=value:effect")
	case len(t.Key) > 128 || len(t.Value) > 128:
		return fmt.Errorf("taint %q: key and value have at most 128 bytes each", clip(t.Key))
	case strings.ContainsAny(t.Key, "=: ,\t\n") || strings.ContainsAny(t.Value, ": ,\t\n"):
		return fmt.Errorf("taint %q: key and value hold no white space, comma or colon, and a key no =", clip(t.Key+"="+t.Value))
	case t.Effect != TaintNoSchedule && t.Effect != TaintPreferNoSchedule && t.Effect != TaintNoExecute:
		return fmt.Errorf("taint %q: effect is %q; it must be %s, %s or %s", clip(t.Key), clip(t.Effect), TaintNoSchedule, TaintPreferNoSchedule, TaintNoExecute)
	}
	return nil
}

// CheckTaints finds what is wrong with the taints of a node, nil for nothing.
func CheckTaints(taints []*Taint) error {
	if len(taints) > taintsMax {
		return fmt.Errorf("there are %d taints; a node has at most %d", len(taints), taintsMax)
	}
	for i, t := range taints {
		if t == nil {
			return errors.New("a taint is null")
		}
		if err := t.check(); err != nil {
			return err
		}
		for _, o := range taints[:i] {
			if o.Key == t.Key && o.Effect == t.Effect {
				return fmt.Errorf("taint %q with effect %s is there twice: a node has one value for each key and effect", t.Key, t.Effect)
			}
		}
	}
	return nil
}

// SetTaints gives the node the taints of one source in the stead of those it had of it. One that stays as it was keeps its
// time, others begin at now, Unix ns. The list is new and sorted.
func (n *Node) SetTaints(source string, taints []*Taint, now int64) {
	var all []*Taint
	for _, old := range n.Taints {
		if old.Source != source {
			all = append(all, old)
		}
	}
	for _, t := range taints {
		own := &Taint{Key: t.Key, Value: t.Value, Effect: t.Effect, Source: source, Since: now}
		for _, old := range n.Taints {
			if old.Source == source && old.String() == own.String() {
				own.Since = old.Since
			}
		}
		all = append(all, own)
	}
	slices.SortFunc(all, func(a, b *Taint) int {
		return cmp.Or(strings.Compare(a.Key, b.Key), strings.Compare(a.Effect, b.Effect), strings.Compare(a.Value, b.Value), strings.Compare(a.Source, b.Source))
	})
	n.Taints = all
}

// TaintsOf are the node's taints of one source.
func (n *Node) TaintsOf(source string) []*Taint {
	var own []*Taint
	for _, t := range n.Taints {
		if t.Source == source {
			own = append(own, t)
		}
	}
	return own
}

// Operators of a toleration.
const (
	TolerateEqual  = "equal"
	TolerateExists = "exists"
)

// Toleration lets allocations be where a taint keeps others away. Beside the contract.
type Toleration struct {
	// Key is the taint's; empty, with the operator exists, for all taints.
	Key string
	// Operator is TolerateEqual, the taint has that value, or TolerateExists, whatever its value.
	Operator string
	Value    string
	// Effect is the taint's; empty for all.
	Effect string
	// Duration is how long what runs may stay after a NoExecute taint was set, nil for ever. One with a duration lets nothing be
	// placed.
	Duration *time.Duration
}

func canonicalizeTolerations(list []*Toleration) {
	for _, t := range list {
		if t != nil {
			setString(&t.Operator, TolerateEqual)
		}
	}
}

// accepts reports that the toleration is about the taint.
func (t *Toleration) accepts(x *Taint) bool {
	return (t.Effect == "" || t.Effect == x.Effect) && (t.Key == "" || t.Key == x.Key) && (t.Operator == TolerateExists || t.Value == x.Value)
}

// Tolerates tells how long allocations of a job's group may stay on a node after it got the taint; forever means that they
// may be placed there too. A taint that nobody tolerates is borne for no time.
func Tolerates(j *Job, g *TaskGroup, x *Taint) (stay time.Duration, forever bool) {
	if (j.Type == JobTypeSystem || j.Type == JobTypeSysBatch) && strings.HasPrefix(x.Key, TaintHealth) {
		return 0, true
	}
	for _, list := range [2][]*Toleration{j.Tolerations, g.Tolerations} {
		for _, t := range list {
			switch {
			case !t.accepts(x):
			case t.Duration == nil:
				return 0, true
			default:
				stay = max(stay, *t.Duration)
			}
		}
	}
	return stay, false
}

// Repels is the first taint by which the node keeps new allocations of the group away, nil for none.
func (n *Node) Repels(j *Job, g *TaskGroup) *Taint {
	for _, t := range n.Taints {
		if t.Effect == TaintPreferNoSchedule {
			continue
		}
		if _, forever := Tolerates(j, g, t); !forever {
			return t
		}
	}
	return nil
}

// LeavesAt is when an allocation of the group must leave the node for a taint, the first one that makes it; at is the zero time
// and taint nil when it may stay.
func (n *Node) LeavesAt(j *Job, g *TaskGroup) (at time.Time, taint *Taint) {
	for _, t := range n.Taints {
		if t.Effect != TaintNoExecute {
			continue
		}
		stay, forever := Tolerates(j, g, t)
		if forever {
			continue
		}
		if end := time.Unix(0, t.Since).Add(stay); taint == nil || end.Before(at) {
			at, taint = end, t
		}
	}
	return at, taint
}

// Evicts reports that the node has a taint that makes allocations leave.
func (n *Node) Evicts() bool {
	return slices.ContainsFunc(n.Taints, func(t *Taint) bool { return t.Effect == TaintNoExecute })
}

// checkTolerations checks the tolerations of a job or group.
func (c *checker) checkTolerations(p *place, list []*Toleration) {
	if len(list) > tolerationsMax {
		c.fault(p.in("Tolerations"), "there are %d tolerations; at most %d are allowed", len(list), tolerationsMax)
		return
	}
	for i, t := range list {
		c.checkToleration(p.item("Tolerations", i), t)
	}
}

func (c *checker) checkToleration(p *place, t *Toleration) {
	switch {
	case t.Operator != TolerateEqual && t.Operator != TolerateExists:
		c.fault(p.in("Operator"), `operator is %q; it must be "equal" or "exists"`, clip(t.Operator))
	case t.Key == "" && t.Operator == TolerateEqual:
		c.fault(p, "the toleration has no key").Hint = `set key, or operator = "exists" alone to tolerate every taint`
	case t.Operator == TolerateExists && t.Value != "":
		c.fault(p.in("Value"), `a toleration with the operator "exists" looks at no value`).Hint = "leave value out"
	}
	switch t.Effect {
	case "", TaintNoSchedule, TaintPreferNoSchedule, TaintNoExecute:
	default:
		c.fault(p.in("Effect"), "effect is %q; it must be %s, %s or %s, or left out for all of them", clip(t.Effect), TaintNoSchedule, TaintPreferNoSchedule, TaintNoExecute)
	}
	switch d := val(t.Duration); {
	case t.Duration == nil:
	case d < 0:
		c.fault(p.in("Duration"), "duration is %s; it must not be negative", d)
	case t.Effect != TaintNoExecute:
		c.fault(p.in("Duration"), "a duration is how long allocations stay after a taint was set that makes them leave").Hint = `set effect = "NoExecute"`
	}
}

// NodeTaintsCommand replaces the taints a node has from its operator; with Check only if they were last changed at Index.
type NodeTaintsCommand struct {
	NodeID ID
	Taints []*Taint
	Check  bool
	Index  uint64
	Event  *NodeEvent
	Evals  []*Evaluation
}
