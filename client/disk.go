package client

import (
	"berth/client/allocdir"
	"berth/client/allocrunner"
	"berth/client/network"
	"berth/client/taskenv"
	"berth/client/taskrunner"
	"berth/drivers"
	"berth/structs"
)

// disk is where allocations live: directories, environment and output of their tasks.
type disk struct {
	allocDir string
	region   string
	drivers  map[string]drivers.Driver
	volumes  map[string]*structs.HostVolumeConfig
}

// Dir is an allocation's directory.
func (d *disk) Dir(id structs.ID) *allocdir.Dir { return allocdir.New(d.allocDir, id.String()) }

// Files are the same, as the allocation runner needs them.
func (d *disk) Files(id structs.ID) allocrunner.Files { return d.Dir(id) }

// Place tells where a task lives.
func (d *disk) Place(node *structs.Node, alloc *structs.Allocation, task string, net *network.Result) taskrunner.Place {
	dir := d.Dir(alloc.ID)
	paths := dir.Task(task)
	t := alloc.Group().LookupTask(task)
	in := taskenv.Input{Node: node, Region: d.region, Alloc: alloc, Task: t,
		Paths: taskenv.Paths{Alloc: dir.Shared(), Local: paths.Local, Secrets: paths.Secrets}}
	if driver := d.drivers[t.Driver]; driver != nil && driver.Capabilities().FSIsolation == "image" {
		in.Paths = taskenv.PathsInImage()
	}
	p := taskrunner.Place{
		TaskDir: paths.Root, LocalDir: paths.Local, SecretsDir: paths.Secrets, AllocDir: dir.Shared(),
		StdoutPath: paths.SpoolOut, StderrPath: paths.SpoolErr, HostVolumes: d.volumes,
	}
	if net != nil {
		p.NetNS, p.ResolvConf, p.Hosts = net.NetNS, net.ResolvConf, net.Hosts
		in.AllocIP, in.AllocInterface = net.IP, net.Interface
	}
	env := taskenv.New(in)
	if g := alloc.Group(); len(g.Networks) > 0 && g.NetworkMode() != structs.NetworkModeHost {
		p.Hostname = env.Replace(g.Networks[0].Hostname)
	}
	p.Env = env
	return p
}
