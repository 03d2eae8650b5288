package httpapi

import (
	"strconv"
	"time"

	"berth/api"
	"berth/state"
	"berth/structs"
)

// shownAutopilot is how servers that fail or come are treated, in the contract's form.
func (a *API) shownAutopilot(s *state.Snapshot) *api.AutopilotConfiguration {
	c := a.Server.Autopilot()
	out := &api.AutopilotConfiguration{CleanupDeadServers: !c.KeepDeadServers, LastContactThreshold: c.LastContactThreshold.String(), MaxTrailingLogs: c.MaxTrailingLogs,
		MinQuorum: c.MinQuorum, ServerStabilizationTime: c.ServerStabilizationTime.String()}
	if set := s.AutopilotConfig(); set != nil {
		out.CreateIndex, out.ModifyIndex = set.CreateIndex, set.ModifyIndex
	}
	return out
}

func (a *API) autopilotConfiguration(r *request) (any, error) {
	return r.read(func(s *state.Snapshot) (answer, error) {
		_, changed := s.AutopilotConfigW()
		return answer{value: a.shownAutopilot(s), index: s.TableIndex(state.TableAutopilotConfig), changed: changed}, nil
	})
}

// Bounds of what the autopilot may be told.
const (
	maxAutopilotTime   = 24 * time.Hour
	maxAutopilotQuorum = 1000
)

// autopilotSet replaces the configuration; what the body lacks stays as it is. With ?cas=N only when it was last changed at N.
func (a *API) autopilotSet(r *request) (any, error) {
	in := a.shownAutopilot(r.snapshot())
	if err := r.body(in); err != nil {
		return nil, err
	}
	if in.EnableRedundancyZones || in.DisableUpgradeMigration || in.EnableCustomUpgrades {
		return nil, invalid("EnableRedundancyZones, DisableUpgradeMigration and EnableCustomUpgrades are not there: leave them out")
	}
	set := &structs.AutopilotConfiguration{CleanupDeadServers: in.CleanupDeadServers, MaxTrailingLogs: in.MaxTrailingLogs, MinQuorum: in.MinQuorum}
	for _, d := range []struct {
		name, text string
		to         *int64
	}{{"LastContactThreshold", in.LastContactThreshold, &set.LastContactThreshold}, {"ServerStabilizationTime", in.ServerStabilizationTime, &set.ServerStabilizationTime}} {
		v, err := time.ParseDuration(d.text)
		if err != nil || v <= 0 || v > maxAutopilotTime {
			return nil, invalid("%s %q is not a duration of more than nothing and at most %s", d.name, d.text, maxAutopilotTime)
		}
		*d.to = int64(v)
	}
	if set.MaxTrailingLogs == 0 {
		return nil, invalid("MaxTrailingLogs is 0: a healthy server may be at least one entry behind")
	}
	if in.MinQuorum > maxAutopilotQuorum {
		return nil, invalid("MinQuorum %d is more than %d", in.MinQuorum, maxAutopilotQuorum)
	}
	cmd := &structs.AutopilotConfigCommand{Config: set}
	if text := r.query.Get("cas"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return nil, invalid("Error parsing cas value: %v", err)
		}
		cmd.Check, cmd.Index = true, n
	}
	err := a.write(r, structs.CmdAutopilotConfig, cmd)
	if structs.KindOf(err) == structs.KindConflict {
		return false, nil
	}
	return true, err
}
