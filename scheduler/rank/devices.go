package rank

import (
	"slices"

	"berth/scheduler/feasible"
	"berth/scheduler/fleet"
)

// Devices tells whether what is asked for of a row's devices is there, once others have left. A nil one asks for nothing.
type Devices struct {
	groups []fleet.DeviceGroup
	asks   []feasible.DeviceAsk
	spent  [deviceGroupsMax]int // by group; below zero for what others leave
}

// DevicesAt looks at a row for an ask.
func DevicesAt(f *fleet.Fleet, row int32, ask *Ask) *Devices {
	groups := f.DevicesAt(row)
	return &Devices{groups: groups[:min(len(groups), deviceGroupsMax)], asks: ask.Devices}
}

// Free counts instances, by their keys, as left (1) or held after all (-1).
func (d *Devices) Free(keys []string, by int) {
	if d == nil {
		return
	}
	for _, key := range keys {
		for i := range d.groups {
			if d.groups[i].Has(key) {
				d.spent[i] -= by
			}
		}
	}
}

// Fit reports that there is enough of all.
func (d *Devices) Fit() bool {
	return d == nil || devicesFit(d.groups, d.asks, d.spent)
}

// Asked is how many instances are asked for.
func (d *Devices) Asked() int64 {
	var n int64
	for i := range d.asks {
		n += int64(d.asks[i].Count)
	}
	return n
}

// Serve is how many of the instances are of groups that are asked for.
func (d *Devices) Serve(keys []string) int64 {
	var n int64
	for _, key := range keys {
		for i := range d.groups {
			if d.groups[i].Has(key) && slices.ContainsFunc(d.asks, func(a feasible.DeviceAsk) bool { return feasible.DeviceMatches(d.groups[i].Of, a.Req) }) {
				n++
			}
		}
	}
	return n
}
