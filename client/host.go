package client

import (
	"context"
	"time"

	"berth/client/allocdir"
	"berth/client/allocrunner"
	"berth/client/logs"
	"berth/client/network"
	"berth/client/taskrunner"
	"berth/structs"
)

// host is everything of the machine but drivers and networks: the disk and what is found by looking.
type host interface {
	taskrunner.Store
	// Identity gives the node's id and secret, made at the first call of its life.
	Identity() (id, secret structs.ID, err error)
	// PutAlloc returns when the allocation and its job are on disk; DeleteAlloc forgets it and its tasks.
	PutAlloc(*structs.Allocation) error
	DeleteAlloc(structs.ID) error
	// Restore gives everything that was put.
	Restore() ([]restored, error)
	// PutHeard notes when the servers answered; Heard gives what was noted last, zero when nothing was.
	PutHeard(time.Time) error
	Heard() (time.Time, error)
	// Files are an allocation's directories; Dir is the same for those who look into them.
	Files(structs.ID) allocrunner.Files
	Dir(structs.ID) *allocdir.Dir
	// Place tells where a task of the allocation lives.
	Place(node *structs.Node, alloc *structs.Allocation, task string, net *network.Result) taskrunner.Place
	// Logs makes the collector of a task's output.
	Logs(alloc *structs.Allocation, task *structs.Task, p taskrunner.Place) taskrunner.Logs
	// ReadLogs reads what was collected; it knows when something is added.
	ReadLogs(ctx context.Context, req logs.Request, emit func(logs.Frame) error) error
	// Describe looks at the machine and its drivers.
	Describe(ctx context.Context) (description, error)
	// Sweep removes what belongs to no allocation. It asks about each thing after it has found it: what comes meanwhile
	// is not in danger.
	Sweep(ctx context.Context, holds func(structs.ID) bool) error
	// DiskUsedPercent is how full the allocations' file system is.
	DiskUsedPercent() (float64, error)
	Close() error
}

// restored is an allocation of an earlier life of the agent.
type restored struct {
	alloc *structs.Allocation
	tasks map[string]*taskrunner.Record
}

// description is what was found on the machine.
type description struct {
	attributes map[string]string
	links      map[string]string
	resources  *structs.NodeResources
	drivers    map[string]*structs.DriverInfo
}
