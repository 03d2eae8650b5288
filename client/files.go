package client

import (
	"os"

	"berth/client/allocdir"
	"berth/client/hoststats"
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
