package httpapi

import (
	"cmp"
	"math"
	"strconv"
	"time"

	"berth/api"
	"berth/server/drain"
	"berth/server/dryrun"
	"berth/state"
	"berth/structs"
)

// movesMax bounds what may be asked for.
const movesMax = 1000

// movesNow is how many allocations a rebalancing has on the move at most, unless it is told otherwise.
const movesNow = 5

// limits are those of a rebalancing that was asked for.
func (r *request) limits() (l dryrun.Limits, err error) {
	moves, err := r.number("max", 0)
	if err != nil {
		return l, err
	}
	if moves > movesMax {
		return l, invalid("max is %d; at most %d moves are given", moves, movesMax)
	}
	l.Moves = int(moves)
	if text := r.query.Get("min_gain"); text != "" {
		if l.Gain, err = strconv.ParseFloat(text, 64); err != nil || l.Gain < 0 || math.IsNaN(l.Gain) {
			return l, invalid("min_gain is %q; it must be a number of 0 or more", text)
		}
	}
	return l, nil
}

// rebalance tells which moves would better placements. Nothing is moved.
func (a *API) rebalance(r *request) (any, error) {
	l, err := r.limits()
	if err != nil {
		return nil, err
	}
	s := r.snapshot()
	found, more := dryrun.Rebalance(s, l)
	r.index = max(s.Index(), 1)
	return r.told(s, found, more), nil
}

// told are the moves of allocations the caller may see.
func (r *request) told(s *state.Snapshot, found []*dryrun.Move, more bool) *api.Rebalance {
	answer := &api.Rebalance{Moves: []*api.RebalanceMove{}, Truncated: more}
	for _, m := range found {
		if al := s.Alloc(m.AllocID); al != nil && r.sees(al.Namespace) {
			answer.Moves = append(answer.Moves, new(api.RebalanceMove(*m)))
		}
	}
	return answer
}

// rebalanceNow asks allocations to move to where they are placed better. What moves still counts against the most that may: asked
// again and again, it keeps that many on the move.
func (a *API) rebalanceNow(r *request) (any, error) {
	l, err := r.limits()
	if err != nil {
		return nil, err
	}
	a.rebalancing.Lock() // one at a time: each must see the moves of the one before
	defer a.rebalancing.Unlock()
	s := r.snapshot()
	moving := 0
	for al := range s.Allocs() {
		if leaves(al) && !al.ClientTerminal() {
			moving++
		}
	}
	if l.Moves = cmp.Or(l.Moves, movesNow) - moving; l.Moves <= 0 {
		r.index = max(s.Index(), 1)
		answer := r.told(s, nil, false)
		answer.Moving = moving
		return answer, nil
	}
	found, more := dryrun.Rebalance(s, l)
	answer := r.told(s, found, more)
	answer.Moving = moving
	if len(found) == 0 {
		r.index = max(s.Index(), 1)
		return answer, nil
	}
	move := make([]*structs.Allocation, 0, len(found))
	for _, m := range found {
		move = append(move, s.Alloc(m.AllocID))
	}
	cmd := drain.MoveCommand(s, move, time.Now(), a.Server.NewID)
	for _, e := range cmd.Evals {
		e.TriggeredBy = structs.EvalTriggerRebalance
	}
	return answer, a.write(r, structs.CmdAllocTransition, cmd)
}
