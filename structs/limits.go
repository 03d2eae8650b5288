package structs

// Bounds of amounts, of jobs and of nodes alike: sums over the tasks of a group, its allocations and the nodes of a cluster stay whole
// numbers, and so does an amount of MB in bytes.
const (
	// MaxAmount bounds each amount of CPU in MHz, and of memory and disk in MB: 2^40, a million terabytes.
	MaxAmount = 1 << 40
	// MaxInstances bounds whole cores, devices of a kind, and log files.
	MaxInstances = 1 << 16
)

// Limits bound what a job may ask for. The zero value of a field means its default.
type Limits struct {
	// MaxPriority is the highest priority a job may have; default 100, never above 32766.
	MaxPriority int
	// MaxCount bounds the sum of the group counts of one job; default 50000.
	MaxCount int
	// MaxGroups bounds the groups of one job; default 10000.
	MaxGroups int
	// MaxTasks bounds the tasks of one group; default 64.
	MaxTasks int
	// MaxConstraints bounds constraints, affinities and spreads of one job, group or task together; default 128.
	MaxConstraints int
	// MaxTemplates bounds the templates of one task; default 64.
	MaxTemplates int
	// MaxEnvBytes bounds the environment written for one task; default 1 MiB.
	MaxEnvBytes int
	// MaxMetaBytes bounds each meta block; default 256 KiB.
	MaxMetaBytes int
	// Drivers checks `config` blocks by driver name; a nil map checks none and warns of no unknown driver.
	Drivers map[string]ConfigChecker
	// Later warns of what the language has and this version does not do.
	Later bool
}

// ConfigChecker knows what a driver's `config` block may hold. The paths of the faults it returns are relative to the
// block: `image`, `mounts[0].type`. It must not change the configuration. Strings may hold references that are resolved
// on the node (`${NOMAD_PORT_http}`).
type ConfigChecker interface {
	CheckConfig(config map[string]any) Faults
}

// DefaultLimits are the limits of a server without configuration.
func DefaultLimits() Limits {
	return Limits{
		MaxPriority: MaxPriority, MaxCount: MaxGroupCount, MaxGroups: 10000, MaxTasks: 64, MaxConstraints: 128,
		MaxTemplates: 64, MaxEnvBytes: 1 << 20, MaxMetaBytes: 256 << 10,
	}
}

// withDefaults fills the fields that are zero.
func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	for _, f := range []struct{ have, def *int }{
		{&l.MaxPriority, &d.MaxPriority},
		{&l.MaxCount, &d.MaxCount},
		{&l.MaxGroups, &d.MaxGroups},
		{&l.MaxTasks, &d.MaxTasks},
		{&l.MaxConstraints, &d.MaxConstraints},
		{&l.MaxTemplates, &d.MaxTemplates},
		{&l.MaxEnvBytes, &d.MaxEnvBytes},
		{&l.MaxMetaBytes, &d.MaxMetaBytes},
	} {
		if *f.have <= 0 {
			*f.have = *f.def
		}
	}
	l.MaxPriority = min(l.MaxPriority, 32766)
	return l
}
