package structs

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Disruption bounds what may be taken from a group by choice: by drains, preemption, taints and rebalancing. One of the two is
// set. Beside the contract.
type Disruption struct {
	// MinAvailable is how many must stay available, a number or a share of the count as "50%".
	MinAvailable string
	// MaxUnavailable is how many may be missing, in the same way.
	MaxUnavailable string
}

// DisruptionBudget is a Disruption over the groups of several jobs of a namespace. Beside the contract.
type DisruptionBudget struct {
	Namespace   string
	Name        string
	Description string `json:",omitempty"`
	// Job, Group and Meta say whose allocations are meant, as in a peer rule: names in which * stands for anything, empty for
	// all, and meta of the job or group that they must have.
	Job   string            `json:",omitempty"`
	Group string            `json:",omitempty"`
	Meta  map[string]string `json:",omitempty" msg:",omitempty"`
	Disruption
	CreateIndex uint64
	ModifyIndex uint64
}

// Key names the budget.
func (b *DisruptionBudget) Key() JobKey { return JobKey{Namespace: b.Namespace, ID: b.Name} }

// Means reports that the budget is about that group of a job of its namespace.
func (b *DisruptionBudget) Means(j *Job, g *TaskGroup) bool {
	p := Peer{Job: b.Job, Group: b.Group, Meta: b.Meta}
	return j.Namespace == b.Namespace && p.Means(j.ID, g.Name, j.Meta, g.Meta)
}

// Check finds what is wrong with a budget, nil for nothing.
func (b *DisruptionBudget) Check() error {
	if err := checkName("disruption budget", b.Name); err != nil {
		return err
	}
	if b.Job == "" && b.Group == "" && len(b.Meta) == 0 {
		return errors.New("the budget does not say whose allocations are meant: set Job, Group or Meta; * stands for any text")
	}
	return b.Disruption.check()
}

// checkName wants a name that can stand in a path and on a line.
func checkName(what, name string) error {
	if name == "" {
		return fmt.Errorf("the %s has no name", what)
	}
	bad := func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.')
	}
	if len(name) > 128 || strings.ContainsFunc(name, bad) || strings.Trim(name, ".") == "" {
		return fmt.Errorf("%q cannot be the name of a %s: use up to 128 letters, digits, - _ and .", clip(name), what)
	}
	return nil
}

func (d *Disruption) check() error {
	switch {
	case d.MinAvailable == "" && d.MaxUnavailable == "":
		return errors.New("set min_available or max_unavailable")
	case d.MinAvailable != "" && d.MaxUnavailable != "":
		return errors.New("min_available and max_unavailable are both set: keep one")
	}
	text := d.MinAvailable + d.MaxUnavailable
	if _, _, err := amount(text); err != nil {
		return err
	}
	return nil
}

// amount reads a number, or a share as "50%".
func amount(text string) (n int, share bool, err error) {
	digits, share := strings.CutSuffix(text, "%")
	n, err = strconv.Atoi(digits)
	switch {
	case err != nil || n < 0 || digits != strconv.Itoa(n):
		return 0, share, fmt.Errorf(`%q is neither a number nor a share; write for example "2" or "50%%"`, clip(text))
	case share && n > 100:
		return 0, share, fmt.Errorf("%q is more than 100%%", clip(text))
	case n > 1<<30:
		return 0, share, fmt.Errorf("%q is too large", clip(text))
	}
	return n, share, nil
}

// Least is how many of so many must stay available. Shares are rounded up, those that must stay and those that may be missing.
func (d *Disruption) Least(expected int) int {
	text := d.MinAvailable + d.MaxUnavailable
	n, share, err := amount(text)
	if err != nil {
		return 0
	}
	if share {
		n = (n*expected + 99) / 100
	}
	if d.MinAvailable == "" {
		n = expected - n
	}
	return max(n, 0)
}

// String is the rule as it is written: min_available 50%.
func (d *Disruption) String() string {
	if d.MinAvailable != "" {
		return "min_available " + d.MinAvailable
	}
	return "max_unavailable " + d.MaxUnavailable
}

// checkDisruption checks the block of a group.
func (c *checker) checkDisruption(p *place, g *TaskGroup) {
	d := g.Disruption
	if d == nil {
		return
	}
	if c.job.Type == JobTypeSystem || c.job.Type == JobTypeSysBatch {
		c.fault(p.in("Disruption"), "a %s job has no disruption block: its allocations belong to their nodes", c.job.Type).Hint = "update { max_parallel } bounds a rollout"
		return
	}
	at := p.in("Disruption")
	if d.MinAvailable != "" {
		at = at.in("MinAvailable")
	} else if d.MaxUnavailable != "" {
		at = at.in("MaxUnavailable")
	}
	if err := d.check(); err != nil {
		c.fault(at, "%v", err)
		return
	}
	if n := g.Desired(); n > 0 && d.Least(n) >= n {
		c.warn(at, "%s of %d lets no allocation leave: a drain waits for its deadline, and nothing else moves them", d, n)
	}
}

// DisruptionBudgetCommand stores a budget; with Check only if it was last changed at Index, 0 for one that is new.
type DisruptionBudgetCommand struct {
	Budget *DisruptionBudget
	Check  bool
	Index  uint64
}

// DisruptionBudgetDeleteCommand forgets a budget.
type DisruptionBudgetDeleteCommand struct{ Namespace, Name string }
