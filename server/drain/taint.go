package drain

import (
	"time"

	"berth/structs"
)

// tainted asks those to leave a node whose tolerations of its NoExecute taints have run out, or that have none. The time is
// counted from when the taint was set. Services leave as in a drain, as their groups and budgets can spare them, but no
// deadline forces them; batch work leaves as its budgets allow, the rest at once.
func (s *step) tainted(n *structs.Node) {
	for a := range s.st.AllocsByNode(n.ID) {
		g := a.Group()
		if g == nil || a.ClientTerminal() || s.asked(a) {
			continue
		}
		at, taint := n.LeavesAt(a.Job, g)
		switch {
		case taint == nil:
		case s.now.Before(at):
			s.next(at)
			s.wait(a, "it tolerates taint "+taint.String()+" until "+at.UTC().Format(time.RFC3339))
		case a.Job.Type == structs.JobTypeService:
			s.service(a, false)
		case a.Job.Type == structs.JobTypeBatch && !s.free(a):
		default:
			s.move(a)
		}
	}
}
