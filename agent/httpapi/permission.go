package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"berth/acl"
	"berth/agent/access"
	"berth/api"
	"berth/state"
	"berth/structs"
)

// permission is what a route needs of its caller. Every route declares one where it is registered.
type permission struct {
	// words are the permission as it is told to people.
	words string
	// caps are those of namespaces, one of which is needed: for what the request is about, and for each object that is shown.
	caps acl.Caps
	// late: what the request is about stands in its body, and the handler asks itself (request.may).
	late bool
	// open is for everybody: a token is not even looked up, so that a wrong one does not keep its owner from what needs none.
	open bool
	// check refuses a caller before the handler runs, and again while it waits. It sees the state the handler sees.
	check func(r *request, s *state.Snapshot) error
}

// op is a handler and what it needs.
type op struct {
	permission
	do handler
}

// then says which handler a permission is about.
func (p permission) then(h handler) op { return op{p, h} }

func denied(ok bool) error {
	if ok {
		return nil
	}
	return access.ErrDenied
}

// rule makes a permission of a question to the caller's ACL.
func rule(words string, may func(a *acl.ACL) bool) permission {
	return permission{words: words, check: func(r *request, _ *state.Snapshot) error { return denied(may(r.who.ACL)) }}
}

// The permissions that are about no object. Their functions are made once for each route.
func open() permission {
	return permission{words: "none", open: true, check: func(*request, *state.Snapshot) error { return nil }}
}

func management() permission { return rule("management", (*acl.ACL).IsManagement) }

// anyToken is for whoever has a token that works.
func anyToken() permission {
	return permission{words: "a token", check: func(r *request, _ *state.Snapshot) error { return denied(r.who.Token != nil) }}
}

func nodeRead() permission {
	return rule("node:read", func(a *acl.ACL) bool { return a.Node(acl.LevelRead) })
}

func nodeWrite() permission {
	return rule("node:write", func(a *acl.ACL) bool { return a.Node(acl.LevelWrite) })
}

func agentRead() permission {
	return rule("agent:read", func(a *acl.ACL) bool { return a.Agent(acl.LevelRead) })
}

func agentWrite() permission {
	return rule("agent:write", func(a *acl.ACL) bool { return a.Agent(acl.LevelWrite) })
}

func membersRead() permission {
	return rule("node:read or agent:read", func(a *acl.ACL) bool { return a.Node(acl.LevelRead) || a.Agent(acl.LevelRead) })
}

func operatorRead() permission {
	return rule("operator:read", func(a *acl.ACL) bool { return a.Operator(acl.LevelRead) })
}

func operatorWrite() permission {
	return rule("operator:write", func(a *acl.ACL) bool { return a.Operator(acl.LevelWrite) })
}

func snapshotSave() permission {
	return rule("operator capability snapshot-save", func(a *acl.ACL) bool { return a.OperatorMay(acl.SnapshotSave) })
}

// anywhere is for what shows each caller what it may see.
func anywhere() permission {
	return rule("any; shows what may be read", func(a *acl.ACL) bool {
		return a.AnyNamespace(^acl.Deny) || a.AnyNodePool(^acl.Deny) || a.Node(acl.LevelRead) || a.Operator(acl.LevelRead)
	})
}

func namespaceWords(caps acl.Caps, where string) string {
	return "namespace:" + strings.Join(caps.Of(), "|") + where
}

// in needs a capability in the namespace the request names.
func in(caps acl.Caps) permission {
	return permission{words: namespaceWords(caps, ""), caps: caps, check: func(r *request, _ *state.Snapshot) error {
		return denied(r.who.ACL.Namespace(r.namespace(), caps))
	}}
}

// across is in for lists: of all namespaces those are shown in which the capability is held.
func across(caps acl.Caps) permission {
	return permission{words: namespaceWords(caps, " of each"), caps: caps, check: func(r *request, _ *state.Snapshot) error {
		if r.namespace() == anyNamespace {
			return denied(r.who.ACL.AnyNamespace(caps))
		}
		return denied(r.who.ACL.Namespace(r.namespace(), caps))
	}}
}

// within is for routes that need a right of their own and show objects of namespaces beside.
func within(p permission, caps acl.Caps) permission {
	p.words += ", " + namespaceWords(caps, " of each allocation")
	p.caps = caps
	return p
}

// of needs a capability in the namespace of the object itself. What does not exist is told to who could see it in some namespace.
func of(what string, caps acl.Caps, namespace func(r *request, s *state.Snapshot) (string, bool)) permission {
	return permission{words: namespaceWords(caps, " of the "+what), caps: caps, check: func(r *request, s *state.Snapshot) error {
		if ns, found := namespace(r, s); found {
			return denied(r.who.ACL.Namespace(ns, caps))
		}
		return denied(r.who.ACL.AnyNamespace(caps))
	}}
}

func ofAlloc(caps acl.Caps) permission {
	return of("allocation", caps, func(r *request, s *state.Snapshot) (string, bool) {
		id, err := r.id("id", "alloc")
		if al := s.Alloc(id); err == nil && al != nil {
			return al.Namespace, true
		}
		return "", false
	})
}

// ofOwnAlloc is ofAlloc for an allocation of this agent's node.
func ofOwnAlloc(caps acl.Caps) permission {
	return of("allocation", caps, func(r *request, _ *state.Snapshot) (string, bool) {
		c, id, err := r.alloc()
		if err != nil {
			return "", false
		}
		return c.AllocNamespace(id)
	})
}

func ofEval(caps acl.Caps) permission {
	return of("evaluation", caps, func(r *request, s *state.Snapshot) (string, bool) {
		id, err := r.id("id", "eval")
		if e := s.Eval(id); err == nil && e != nil {
			return e.Namespace, true
		}
		return "", false
	})
}

func ofDeployment(caps acl.Caps) permission {
	return of("deployment", caps, func(r *request, s *state.Snapshot) (string, bool) {
		id, err := r.id("id", "deployment")
		if d := s.Deployment(id); err == nil && d != nil {
			return d.Namespace, true
		}
		return "", false
	})
}

// ofBody needs a capability in a namespace that the body names: the handler asks with request.may when it has read it.
func ofBody(what string, caps acl.Caps) permission {
	return permission{words: namespaceWords(caps, " of the "+what), caps: caps, late: true, check: func(r *request, _ *state.Snapshot) error {
		return denied(r.who.ACL.AnyNamespace(caps))
	}}
}

// ofPool needs a capability on the node pool of the path.
func ofPool(caps acl.Caps, word string) permission {
	return permission{words: "node_pool:" + word, check: func(r *request, _ *state.Snapshot) error {
		return denied(r.who.ACL.NodePool(r.PathValue("name"), caps))
	}}
}

func ofPoolInBody() permission {
	return permission{words: "node_pool:write", late: true, check: func(r *request, _ *state.Snapshot) error { return denied(r.who.ACL.AnyNodePool(acl.PoolWrite)) }}
}

// ofNamespace needs anything at all in the namespace of the path.
func ofNamespace() permission {
	return permission{words: "namespace: any capability", check: func(r *request, _ *state.Snapshot) error {
		return denied(r.who.ACL.SeesNamespace(r.PathValue("name")))
	}}
}

// both needs two permissions.
func both(p, q permission) permission {
	check := p.check
	p.words += " and " + q.words
	p.caps |= q.caps
	p.check = func(r *request, s *state.Snapshot) error {
		if err := check(r, s); err != nil {
			return err
		}
		return q.check(r, s)
	}
	return p
}

// secret is what the caller shows: the contract's header, or a bearer.
func secret(h http.Header) string {
	if s := h.Get("X-Nomad-Token"); s != "" {
		return s
	}
	if kind, s, ok := strings.Cut(h.Get("Authorization"), " "); ok && strings.EqualFold(kind, "Bearer") {
		return strings.TrimSpace(s)
	}
	return ""
}

// enter looks at the caller and refuses one that may not. Without access control it does nothing.
func (r *request) enter(p *permission) error {
	a := r.api
	if a.Access == nil || !a.Access.Enabled() {
		return nil
	}
	r.permission = p
	if p.open {
		r.who = nobody
		return nil
	}
	return r.needs(r.check())
}

// needs says beside a refusal what the route wants of its callers.
func (r *request) needs(err error) error {
	if errors.Is(err, access.ErrDenied) {
		r.w.Header().Set(api.HeaderPermission, r.permission.words)
	}
	return err
}

// nobody is the caller of a route that is open: it has no rights.
var nobody = &access.Identity{ACL: acl.Compile(nil)}

// check looks at the caller as it is now, and pins the state it was checked against.
func (r *request) check() error {
	if r.permission.open {
		return nil
	}
	who, err := r.api.Access.Resolve(r.ctx(), r.secret)
	if err != nil {
		return err
	}
	r.who = who
	s := r.api.Server.State().Snapshot()
	if err := r.permission.check(r, s); err != nil {
		return err
	}
	r.pinned = s
	return nil
}

// again checks the caller before a read that has waited looks at the state once more.
func (r *request) again() error {
	if r.who == nil {
		return nil
	}
	return r.needs(r.check())
}

// sees reports whether an object of a namespace may be shown. It is the one rule of lists and searches: what it lets pass a get would too.
func (r *request) sees(namespace string) bool { return r.holds(namespace, 0) }

// holds is sees for capabilities other than the route's; 0 is the route's.
func (r *request) holds(namespace string, caps acl.Caps) bool {
	if r.who == nil {
		return true
	}
	if caps == 0 {
		caps = r.permission.caps
	}
	return r.who.ACL.Namespace(namespace, caps)
}

// may refuses what a body asks for in a namespace.
func (r *request) may(namespace string) error {
	r.asked = true
	return r.needs(denied(r.sees(namespace)))
}

// mayAlso refuses what needs one of further capabilities in a namespace.
func (r *request) mayAlso(namespace string, caps acl.Caps) error {
	return denied(r.holds(namespace, caps))
}

// asks is a question to the caller's ACL; without access control the answer is yes.
func (r *request) asks(may func(a *acl.ACL) bool) bool { return r.who == nil || may(r.who.ACL) }

// done sees that a handler of a late permission has asked.
func (r *request) done() {
	if r.who != nil && r.permission.late && !r.asked {
		panic("httpapi: " + r.URL.Path + " was answered and its caller not checked")
	}
}

// recheck is how often the caller of an open stream, or of a read that waits, is looked at again.
const recheck = time.Second / 2

// errRevoked ends the stream of a caller that may not any more.
var errRevoked = errors.New("the caller may not any more")

// watch ends the request's context when its caller may not any more. stop ends the watch and waits for it.
func (r *request) watch() (stop func()) {
	if r.who == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancelCause(r.ctx())
	// The copy is the watch's own: it sets who it sees.
	own := *r
	own.Request = r.Request.WithContext(ctx)
	r.Request = own.Request
	stopped, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(recheck)
		defer tick.Stop()
		for {
			select {
			case <-stopped:
				return
			case <-tick.C:
			}
			if err := own.check(); err != nil && ctx.Err() == nil {
				cancel(errRevoked)
			}
			if b, ok := own.w.(*begun); ok && context.Cause(ctx) == errRevoked { // again, until the handler has seen it
				b.end()
			}
		}
	}()
	return func() {
		close(stopped)
		<-ended
		cancel(nil)
	}
}

func pools() permission {
	return rule("node_pool:read of each", func(a *acl.ACL) bool { return a.AnyNodePool(acl.PoolRead) })
}

func (r *request) seesPool(name string) bool {
	return r.asks(func(a *acl.ACL) bool { return a.NodePool(name, acl.PoolRead) })
}

func (r *request) seesNamespace(name string) bool {
	return r.asks(func(a *acl.ACL) bool { return a.SeesNamespace(name) })
}

func (r *request) seesNodes() bool {
	return r.asks(func(a *acl.ACL) bool { return a.Node(acl.LevelRead) })
}

// mayWritePool refuses a change of a node pool that a body names.
func (r *request) mayWritePool(name string) error {
	r.asked = true
	return denied(r.asks(func(a *acl.ACL) bool { return a.NodePool(name, acl.PoolWrite) }))
}

// mayRun refuses a job in a namespace, with host volumes, or after jobs of another namespace, that are not the caller's. The job is
// canonical.
func (r *request) mayRun(j *structs.Job) error {
	if err := r.may(j.Namespace); err != nil {
		return err
	}
	for _, d := range j.DependsOn { // how those are will be seen with the job
		if d == nil || d.Key(j).Namespace == j.Namespace {
			continue
		}
		if err := r.mayAlso(d.Namespace, acl.ReadJob); err != nil {
			return err
		}
	}
	for _, g := range j.TaskGroups {
		if g == nil {
			continue
		}
		for _, v := range g.Volumes {
			if v == nil || v.Type != structs.VolumeTypeHost {
				continue
			}
			need := acl.MountReadWrite
			if v.ReadOnly {
				need |= acl.MountReadOnly
			}
			if !r.asks(func(a *acl.ACL) bool { return a.HostVolume(v.Source, need) }) {
				return access.ErrDenied
			}
		}
	}
	return nil
}
