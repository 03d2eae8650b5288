package fsm

import "berth/structs"

// Bounds of texts: how many are kept, and how long one may be.
const (
	textsMax      = 4096
	textLengthMax = 128 // bytes
)

// texts gives one string for those that are equal, so that what ten thousand allocations say alike is in memory once. It is
// no part of the state: forgetting it changes nothing.
type texts map[string]string

func (t texts) keep(s string) string {
	if s == "" || len(s) > textLengthMax {
		return s
	}
	if kept, ok := t[s]; ok {
		return kept
	}
	if len(t) >= textsMax {
		clear(t)
	}
	t[s] = s
	return s
}

// taskState shares the words of a task's state and history.
func (t texts) taskState(s *structs.TaskState) {
	s.State = t.keep(s.State)
	for _, e := range s.Events {
		if e != nil {
			e.Type, e.Message, e.DisplayMessage = t.keep(e.Type), t.keep(e.Message), t.keep(e.DisplayMessage)
		}
	}
}

// alloc shares the words of an allocation that was read from a snapshot.
func (t texts) alloc(al *structs.Allocation) {
	for _, s := range []*string{&al.Namespace, &al.JobID, &al.TaskGroup, &al.NodeName, &al.DesiredStatus,
		&al.DesiredDescription, &al.ClientStatus, &al.ClientDescription} {
		*s = t.keep(*s)
	}
	if al.TaskStates == nil {
		return
	}
	own := make(map[string]*structs.TaskState, len(al.TaskStates))
	for name, s := range al.TaskStates {
		if s != nil {
			t.taskState(s)
			own[t.keep(name)] = s
		}
	}
	al.TaskStates = own
}
