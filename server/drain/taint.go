package drain

import "berth/structs"

// tainted asks those to leave a node whose tolerations of its NoExecute taints have run out, or that have none. The time is
// counted from when the taint was set. Services leave as in a drain, as their groups can spare them, but no deadline forces them;
// other work leaves at once.
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
		case a.Job.Type == structs.JobTypeService:
			s.service(a, false)
		default:
			s.move(a)
		}
	}
}
