package state

import (
	"iter"

	"berth/structs"
)

// Regions are the other regions that are known, forgotten ones included, by name.
func (rd reader) Regions() iter.Seq[*structs.Region] {
	return steady(rd, func(r *root) iter.Seq[*structs.Region] { return r.regions.All() })
}

// Region is the other region of a name, nil if there is none.
func (rd reader) Region(name string) *structs.Region { return get(&rd.r.regions, name) }

// AutopilotConfig is how servers that fail or come are treated, nil until it was set.
func (rd reader) AutopilotConfig() *structs.AutopilotConfiguration { return rd.r.autopilot }

// RegionsW is Regions and its watch.
func (s *Snapshot) RegionsW() (iter.Seq[*structs.Region], <-chan struct{}) {
	return s.Regions(), s.table(TableRegions)
}

// AutopilotConfigW is AutopilotConfig and its watch.
func (s *Snapshot) AutopilotConfigW() (*structs.AutopilotConfiguration, <-chan struct{}) {
	return s.AutopilotConfig(), s.table(TableAutopilotConfig)
}

// PutRegion stores a region.
func (t *WriteTxn) PutRegion(r *structs.Region) {
	var created uint64
	if old := t.Region(r.Name); old != nil {
		created = old.CreateIndex
	}
	t.stamp(&r.CreateIndex, &r.ModifyIndex, created)
	put(t, TableRegions, &t.work.regions, r)
}

// PutAutopilotConfig replaces the autopilot's configuration.
func (t *WriteTxn) PutAutopilotConfig(c *structs.AutopilotConfiguration) {
	var created uint64
	if t.work.autopilot != nil {
		created = t.work.autopilot.CreateIndex
	}
	t.stamp(&c.CreateIndex, &c.ModifyIndex, created)
	t.note(TableAutopilotConfig, t.work.autopilot, c)
	t.work.autopilot = c
}
