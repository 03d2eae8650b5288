package fsm

import "berth/structs"

func (a *applier) region(c *structs.RegionCommand) (any, error) {
	const cmd = structs.CmdRegion
	for _, r := range c.Regions {
		if r == nil || r.Name == "" || len(r.Roots) == 0 {
			return nil, fault(cmd, structs.KindInvalid, "", "a region lacks its name or its roots")
		}
		if old := a.txn.Region(r.Name); old != nil && old.Forgotten && !c.Anew {
			return nil, fault(cmd, structs.KindConflict, quoted("region", r.Name), "was forgotten: only a token joins it again")
		}
		r.Forgotten = false
		a.txn.PutRegion(r)
	}
	return nil, nil
}

// regionForget keeps the names alone.
func (a *applier) regionForget(c *structs.NameDeleteCommand) (any, error) {
	const cmd = structs.CmdRegionForget
	for _, name := range c.Names {
		if old := a.txn.Region(name); old == nil || old.Forgotten {
			return nil, fault(cmd, structs.KindNotFound, quoted("region", name), "it is not one this region is joined with")
		}
		a.txn.PutRegion(&structs.Region{Name: name, Forgotten: true})
	}
	return nil, nil
}

func (a *applier) autopilotConfig(c *structs.AutopilotConfigCommand) (any, error) {
	const cmd = structs.CmdAutopilotConfig
	if c.Config == nil {
		return nil, fault(cmd, structs.KindInvalid, "", "the command has no configuration")
	}
	var now uint64
	if have := a.txn.AutopilotConfig(); have != nil {
		now = have.ModifyIndex
	}
	if c.Check && now != c.Index {
		return nil, fault(cmd, structs.KindConflict, "", "the configuration was changed at index %d, not %d", now, c.Index)
	}
	a.txn.PutAutopilotConfig(c.Config)
	return nil, nil
}
