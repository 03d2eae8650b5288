package client

import (
	"context"

	"berth/structs"
)

// Servers is what the node asks of the control plane. Errors carry a structs.ErrorKind: KindNotFound means that the node
// must register again.
type Servers interface {
	// Register describes the node, and answers within which time it has to be heard of.
	Register(context.Context, *structs.NodeRegisterRequest) (*structs.NodeRegisterResponse, error)
	// Heartbeat says that the node lives.
	Heartbeat(context.Context, *structs.NodeHeartbeatRequest) (*structs.NodeRegisterResponse, error)
	// Allocs waits until the node's allocations differ from what it knows.
	Allocs(context.Context, *structs.NodeAllocsRequest) (*structs.NodeAllocsResponse, error)
	// UpdateAllocs reports. What was reported once may be reported again.
	UpdateAllocs(context.Context, *structs.NodeUpdateAllocsRequest) error
	// NodeShutdown wants the node drained because its agent ends, or says that the agent is back.
	NodeShutdown(context.Context, *structs.NodeShutdownRequest) error
}
