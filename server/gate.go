package server

import (
	"fmt"
	"slices"

	"github.com/hashicorp/raft"

	"berth/server/fsm"
	"berth/server/membership"
	"berth/structs"
)

// Level is the newest kind of command this program applies. Servers tell it to each other.
func Level() structs.CommandKind { return fsm.Level() }

// levelUntold is the level of servers that tell none: the newest kind there was before servers told it.
const levelUntold = structs.CmdChainCheck

// behind is the server of a cluster that knows the fewest kinds of commands.
type behind struct {
	level   structs.CommandKind
	name    string // of the server
	version string // of its program; "" when that is not known
	unheard bool   // gossip does not tell of it
}

// least is the server that knows the fewest kinds, of those in the log and those that are alive and will be. One that gossip does not tell
// of may be of any version. Of those that are alike it is the first.
func least(own structs.ID, level structs.CommandKind, version string, servers []raft.Server, members []membership.Member) behind {
	byID := map[raft.ServerID]membership.Member{}
	for _, m := range members {
		byID[raft.ServerID(m.ID.String())] = m
	}
	out := behind{level: level, name: own.String(), version: version}
	if m, ok := byID[raft.ServerID(own.String())]; ok {
		out.name = m.Name
	}
	take := func(b behind) {
		if b.level == 0 {
			b.level = levelUntold
		}
		if b.level < out.level {
			out = b
		}
	}
	for _, s := range servers {
		m, heard := byID[s.ID]
		switch {
		case string(s.ID) == own.String():
		case heard:
			take(behind{level: m.Level, name: m.Name, version: m.Version})
		default:
			take(behind{name: string(s.ID) + " at " + string(s.Address), unheard: true})
		}
	}
	for _, m := range members {
		if m.ID != own && m.Status == membership.StatusAlive {
			take(behind{level: m.Level, name: m.Name, version: m.Version})
		}
	}
	return out
}

// refuses says why a command may not be written while such a server is in the cluster; nil when it may.
func (b behind) refuses(kind structs.CommandKind) error {
	if kind <= b.level {
		return nil
	}
	e := &structs.Error{Kind: structs.KindConflict, Hint: "upgrade it first: this change comes with a newer version, and all servers must know it"}
	switch {
	case b.unheard:
		e.Err = fmt.Errorf("server %s is not heard of: whether it knows this change is not known", b.name)
		e.Hint = "start it, or take it out with `berth operator raft remove-peer`: this change comes with a newer version, and all servers must know it"
	case b.version == "":
		e.Err = fmt.Errorf("server %s runs an older version, which does not know this change", b.name)
	default:
		e.Err = fmt.Errorf("server %s runs an older version, Berth %s, which does not know this change", b.name, b.version)
	}
	return e
}

// needs is the level of a command: of its kind, and of what it carries. A server passes over the fields of a job that it does not know,
// and would have another state than the rest.
func needs(kind structs.CommandKind, body any) structs.CommandKind {
	switch c := body.(type) {
	case *structs.JobRegisterCommand:
		return max(kind, levelOf(c.Job))
	case *structs.DeploymentUpdateCommand:
		return max(kind, levelOf(c.RevertJob))
	}
	return kind
}

// levelOf is the level at which all that a job says is known: the newest kind there was when its newest field came.
func levelOf(j *structs.Job) structs.CommandKind {
	switch {
	case j == nil:
	case j.Periodic != nil && (j.Periodic.KeepSuccessful != nil || j.Periodic.KeepFailed != nil):
		return structs.CmdNodeShutdown
	case len(j.DependsOn) > 0, j.TTLAfterFinished != nil, slices.ContainsFunc(j.TaskGroups, func(g *structs.TaskGroup) bool { return g != nil && g.Completion != nil }):
		return structs.CmdJobSuspend
	}
	return structs.CmdNone
}

// knownByAll refuses a command that a server of the cluster does not know: it would stop there.
func (s *Server) knownByAll(kind structs.CommandKind) error {
	if uint32(kind) <= s.level.Load() {
		return nil
	}
	servers, err := s.configured()
	if err != nil {
		return err
	}
	return least(s.ID(), Level(), s.cfg.Version, servers, s.servers()).refuses(kind)
}

// lookAtLevels notes up to which kind all servers of the log know commands.
func (s *Server) lookAtLevels(servers []raft.Server) {
	s.level.Store(uint32(least(s.ID(), Level(), s.cfg.Version, servers, s.servers()).level))
}
