package client

import (
	"context"
	"os"

	"berth/client/allocdir"
	"berth/client/hoststats"
	"berth/client/logs"
	"berth/structs"
)

// dir finds the directory of an allocation of this node.
func (c *Client) dir(id structs.ID) (*allocdir.Dir, error) {
	if _, err := c.entry(id); err != nil {
		return nil, err
	}
	return c.host.Dir(id), nil
}

// FSList lists a directory of an allocation.
func (c *Client) FSList(allocID structs.ID, path string) ([]*allocdir.FileInfo, error) {
	d, err := c.dir(allocID)
	if err != nil {
		return nil, err
	}
	return d.List(path)
}

// FSStat describes a file or directory of an allocation.
func (c *Client) FSStat(allocID structs.ID, path string) (*allocdir.FileInfo, error) {
	d, err := c.dir(allocID)
	if err != nil {
		return nil, err
	}
	return d.Stat(path)
}

// FSOpen opens a regular file of an allocation for reading. The caller closes it.
func (c *Client) FSOpen(allocID structs.ID, path string) (*os.File, error) {
	d, err := c.dir(allocID)
	if err != nil {
		return nil, err
	}
	return d.Open(path)
}

// HostStats samples how busy the machine is.
func (c *Client) HostStats() (*hoststats.Stats, error) {
	total := int64(0)
	if n := c.Node(); n != nil && n.NodeResources != nil {
		total = n.NodeResources.Cpu.CpuShares
	}
	return c.sampler.Sample(c.cfg.AllocDir, total)
}

// LogsRequest says which output of a task to read.
type LogsRequest struct {
	AllocID structs.ID
	// Task may be empty when the allocation has only one.
	Task string
	// Type is "stdout" or "stderr".
	Type string
	// Offset counts bytes from the Origin: "start" forward from the oldest that is kept, "end" back from the newest.
	Offset int64
	Origin string
	// Follow goes on with what is added, until the task is dead.
	Follow bool
}

// Logs emits a task's output in order, until there is no more, ctx is done or emit returns an error.
func (c *Client) Logs(ctx context.Context, req LogsRequest, emit func(logs.Frame) error) error {
	r, err := c.runner(req.AllocID)
	if err != nil {
		return err
	}
	t, err := r.Task(req.Task)
	if err != nil {
		return kinded(err)
	}
	return c.host.ReadLogs(ctx, logs.Request{
		Dir: c.host.Dir(req.AllocID).LogDir(), Task: t.Name(), Kind: req.Type, Offset: req.Offset, Origin: req.Origin,
		Follow: req.Follow, Done: t.Dead(),
	}, emit)
}
