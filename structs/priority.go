package structs

import "fmt"

// Preemption policies.
const (
	PreemptLower = "lower" // evicts those of lower priority where there is no room
	PreemptNever = "never" // waits
)

// PriorityClass names a priority. Beside the contract.
type PriorityClass struct {
	Name        string
	Description string `json:",omitempty"`
	// Value is the priority of its jobs, 1 to the highest that is allowed.
	Value int
	// PreemptionPolicy is PreemptLower, whatever the scheduler configuration says of the job's type, or PreemptNever.
	PreemptionPolicy string
	// Default makes it the class of jobs that name neither a class nor a priority. One class at most is it.
	Default     bool `json:",omitempty"`
	CreateIndex uint64
	ModifyIndex uint64
}

// Check fills what is not set and finds what is wrong with a class, nil for nothing. Highest is the highest priority.
func (p *PriorityClass) Check(highest int) error {
	if err := checkName("priority class", p.Name); err != nil {
		return err
	}
	setString(&p.PreemptionPolicy, PreemptLower)
	switch {
	case p.Value < 1 || p.Value > highest:
		return fmt.Errorf("value is %d; it must be between 1 and %d", p.Value, highest)
	case p.PreemptionPolicy != PreemptLower && p.PreemptionPolicy != PreemptNever:
		return fmt.Errorf("preemption policy is %q; it must be %s or %s", clip(p.PreemptionPolicy), PreemptLower, PreemptNever)
	}
	return nil
}

// Resolve gives a canonical job the priority of its class. The class is the one it names; def, which may be nil, is that of a
// job that names none and has the priority that is filled in where none is written. What it was resolved to stays until the
// job is registered again, whatever becomes of the class.
func (j *Job) Resolve(class func(name string) *PriorityClass, def *PriorityClass) Faults {
	j.PreemptionPolicy = ""
	if j.PriorityClass == "" {
		if def == nil || j.Priority != DefaultPriority {
			return nil
		}
		j.PriorityClass, j.Priority, j.PreemptionPolicy = def.Name, def.Value, def.PreemptionPolicy
		return nil
	}
	c := class(j.PriorityClass)
	if c == nil {
		return Faults{{Path: "PriorityClass", Message: fmt.Sprintf("priority class %q does not exist", clip(j.PriorityClass)), Hint: "berth priority-class list"}}
	}
	var told Faults
	if j.Priority != DefaultPriority && j.Priority != c.Value {
		told = Faults{{Path: "Priority", Warning: true, Message: fmt.Sprintf("priority %d is replaced by %d, that of priority class %q", j.Priority, c.Value, c.Name)}}
	}
	j.Priority, j.PreemptionPolicy = c.Value, c.PreemptionPolicy
	return told
}

// PriorityClassCommand stores a class; with Check only if it was last changed at Index, 0 for one that is new.
type PriorityClassCommand struct {
	Class *PriorityClass
	Check bool
	Index uint64
}
