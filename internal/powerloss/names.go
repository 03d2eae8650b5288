package powerloss

import (
	"maps"
	"math/rand/v2"
	"slices"
	"syscall"
	"time"
)

// inode is a file or a directory.
type inode struct {
	number  uint64
	mode    uint32 // with its type
	changed time.Time
	parent  *inode // and name: where it got its newest name
	name    string
	links   int    // names in the live plane
	looked  uint64 // what the kernel knows of it
	content        // of a file
	// Of a directory.
	names, keptNames map[string]*inode
}

func (n *inode) isDir() bool { return n.mode&syscall.S_IFMT == syscall.S_IFDIR }

func (n *inode) path() string {
	if n.parent == nil {
		return ""
	}
	if above := n.parent.path(); above != "" {
		return above + "/" + n.name
	}
	return n.name
}

// named is one name of a directory that changed: to is what it means now, nil for nothing.
type named struct {
	dir  *inode
	name string
	to   *inode
}

// change are names that change together.
type change []named

func (c change) touches(dirs map[*inode]bool) bool {
	return slices.ContainsFunc(c, func(n named) bool { return dirs[n.dir] })
}

func (c change) keep() {
	for _, n := range c {
		if n.to == nil {
			delete(n.dir.keptNames, n.name)
		} else {
			n.dir.keptNames[n.name] = n.to
		}
	}
}

func (d *Disk) newInode(mode uint32) *inode {
	d.last++
	n := &inode{number: d.last, mode: mode, changed: time.Now()}
	if n.isDir() {
		n.names, n.keptNames = map[string]*inode{}, map[string]*inode{}
	}
	d.inodes[n.number] = n
	return n
}

// alter changes names in the live plane, and notes the change for the kept one.
func (d *Disk) alter(c ...named) {
	for _, n := range c {
		n.dir.changed = time.Now()
		if old := n.dir.names[n.name]; old != nil {
			old.links--
			delete(n.dir.names, n.name)
			d.drop(old)
		}
		if n.to != nil {
			n.dir.names[n.name] = n.to
			n.to.links++
			n.to.parent, n.to.name = n.dir, n.name
		}
	}
	d.pending = append(d.pending, c)
}

// drop forgets a file that has no name and that the kernel does not know: it may still be kept by a name on the disk.
func (d *Disk) drop(n *inode) {
	if n.links == 0 && n.looked == 0 {
		delete(d.inodes, n.number)
	}
}

// keepNames keeps the changes of one directory, and those before them that they build on: a move between two directories is kept whole.
func (d *Disk) keepNames(dir *inode) {
	dirs := map[*inode]bool{dir: true}
	var rest []change
	keep := make([]bool, len(d.pending))
	for i := len(d.pending) - 1; i >= 0; i-- {
		if keep[i] = d.pending[i].touches(dirs); keep[i] {
			for _, n := range d.pending[i] {
				dirs[n.dir] = true
			}
		}
	}
	for i, c := range d.pending {
		if keep[i] {
			c.keep()
		} else {
			rest = append(rest, c)
		}
	}
	d.pending = rest
}

// loseNames makes of both planes what a power loss leaves: changes up to some moment are there.
func (d *Disk) loseNames(r *rand.Rand) {
	there := 0
	switch r.IntN(4) {
	case 0:
		there = len(d.pending)
	case 1, 2:
		there = r.IntN(len(d.pending) + 1)
	}
	for _, c := range d.pending[:there] {
		c.keep()
	}
	d.pending = nil
	d.inodes = map[uint64]*inode{}
	d.revive(d.root, r)
}

// revive makes what is kept of a directory and below it the live plane.
func (d *Disk) revive(n *inode, r *rand.Rand) {
	d.inodes[n.number] = n
	n.looked, n.links = 0, 0
	if !n.isDir() {
		n.lose(r)
		return
	}
	n.names = maps.Clone(n.keptNames)
	for _, name := range slices.Sorted(maps.Keys(n.names)) {
		child := n.names[name]
		if d.inodes[child.number] == nil {
			d.revive(child, r)
		}
		child.links++
		child.parent, child.name = n, name
	}
}
