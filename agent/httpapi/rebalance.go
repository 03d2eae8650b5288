package httpapi

import (
	"math"
	"strconv"

	"berth/api"
	"berth/server/dryrun"
)

// movesMax bounds what may be asked for.
const movesMax = 1000

// rebalance tells which moves would better placements. Nothing is moved.
func (a *API) rebalance(r *request) (any, error) {
	moves, err := r.number("max", 0)
	if err != nil {
		return nil, err
	}
	if moves > movesMax {
		return nil, invalid("max is %d; at most %d moves are given", moves, movesMax)
	}
	l := dryrun.Limits{Moves: int(moves)}
	if text := r.query.Get("min_gain"); text != "" {
		if l.Gain, err = strconv.ParseFloat(text, 64); err != nil || l.Gain < 0 || math.IsNaN(l.Gain) {
			return nil, invalid("min_gain is %q; it must be a number of 0 or more", text)
		}
	}
	s := r.snapshot()
	found, more := dryrun.Rebalance(s, l)
	answer := &api.Rebalance{Moves: []*api.RebalanceMove{}, Truncated: more}
	for _, m := range found {
		answer.Moves = append(answer.Moves, new(api.RebalanceMove(*m)))
	}
	r.index = max(s.Index(), 1)
	return answer, nil
}
