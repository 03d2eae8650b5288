package powerloss

import (
	"maps"
	"slices"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// known is how long the kernel may take what it was told for true: only it changes anything.
const known = time.Hour

// blockSize is what programs are told to write at once, and bytes of the disk are counted in.
const blockSize = 4096

// front answers the kernel.
type front struct {
	fuse.RawFileSystem
	d *Disk
}

func (n *inode) attr(out *fuse.Attr) {
	out.Ino, out.Mode, out.Nlink, out.Blksize = n.number, n.mode, uint32(max(n.links, 0)), blockSize
	if n.isDir() {
		out.Nlink = 2
	}
	out.Size = uint64(len(n.live))
	out.Blocks = (out.Size + 511) / 512
	out.SetTimes(&n.changed, &n.changed, &n.changed)
}

// tell hands an inode to the kernel.
func (n *inode) tell(out *fuse.EntryOut) {
	n.looked++
	out.NodeId, out.Generation = n.number, 1
	n.attr(&out.Attr)
	out.SetEntryTimeout(known)
	out.SetAttrTimeout(known)
}

func below(dir *inode, name string) func() string {
	return func() string {
		if above := dir.path(); above != "" {
			return above + "/" + name
		}
		return name
	}
}

// at is an inode the kernel knows.
func (f *front) at(number uint64) *inode {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	return f.d.inodes[number]
}

func (f *front) Lookup(_ <-chan struct{}, h *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	dir := f.d.inodes[h.NodeId]
	if dir == nil || dir.names[name] == nil {
		return fuse.ENOENT
	}
	dir.names[name].tell(out)
	return fuse.OK
}

func (f *front) Forget(number, times uint64) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if n := f.d.inodes[number]; n != nil && n != f.d.root {
		n.looked -= min(times, n.looked)
		f.d.drop(n)
	}
}

func (f *front) GetAttr(_ <-chan struct{}, in *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	n := f.d.inodes[in.NodeId]
	if n == nil {
		return fuse.ENOENT
	}
	n.attr(&out.Attr)
	out.SetTimeout(known)
	return fuse.OK
}

func (f *front) SetAttr(cancel <-chan struct{}, in *fuse.SetAttrIn, out *fuse.AttrOut) fuse.Status {
	n := f.at(in.NodeId)
	if n == nil {
		return fuse.ENOENT
	}
	if size, ok := in.GetSize(); ok {
		if s := f.d.begin(cancel, "truncate", n.path); s != fuse.OK {
			return s
		}
		n.truncate(int64(size))
		n.changed = time.Now()
		f.d.mu.Unlock()
	}
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if mode, ok := in.GetMode(); ok {
		n.mode = n.mode&syscall.S_IFMT | mode&^syscall.S_IFMT
	}
	n.attr(&out.Attr)
	out.SetTimeout(known)
	return fuse.OK
}

// add makes a file or a directory.
func (f *front) add(cancel <-chan struct{}, op string, in uint64, name string, mode uint32, out *fuse.EntryOut) fuse.Status {
	dir := f.at(in)
	if dir == nil {
		return fuse.ENOENT
	}
	if s := f.d.begin(cancel, op, below(dir, name)); s != fuse.OK {
		return s
	}
	defer f.d.mu.Unlock()
	if dir.names[name] != nil {
		return fuse.Status(syscall.EEXIST)
	}
	n := f.d.newInode(mode)
	f.d.alter(named{dir, name, n})
	n.tell(out)
	return fuse.OK
}

func (f *front) Mkdir(cancel <-chan struct{}, in *fuse.MkdirIn, name string, out *fuse.EntryOut) fuse.Status {
	return f.add(cancel, "mkdir", in.NodeId, name, syscall.S_IFDIR|in.Mode&0o7777, out)
}

func (f *front) Create(cancel <-chan struct{}, in *fuse.CreateIn, name string, out *fuse.CreateOut) fuse.Status {
	out.OpenFlags = fuse.FOPEN_KEEP_CACHE
	return f.add(cancel, "create", in.NodeId, name, syscall.S_IFREG|in.Mode&0o7777, &out.EntryOut)
}

func (f *front) Link(cancel <-chan struct{}, in *fuse.LinkIn, name string, out *fuse.EntryOut) fuse.Status {
	n, dir := f.at(in.Oldnodeid), f.at(in.NodeId)
	if n == nil || dir == nil {
		return fuse.ENOENT
	}
	if s := f.d.begin(cancel, "link", below(dir, name)); s != fuse.OK {
		return s
	}
	defer f.d.mu.Unlock()
	if dir.names[name] != nil {
		return fuse.Status(syscall.EEXIST)
	}
	f.d.alter(named{dir, name, n})
	n.tell(out)
	return fuse.OK
}

func (f *front) remove(cancel <-chan struct{}, h *fuse.InHeader, name string) fuse.Status {
	dir := f.at(h.NodeId)
	if dir == nil {
		return fuse.ENOENT
	}
	if s := f.d.begin(cancel, "remove", below(dir, name)); s != fuse.OK {
		return s
	}
	defer f.d.mu.Unlock()
	n := dir.names[name]
	switch {
	case n == nil:
		return fuse.ENOENT
	case len(n.names) > 0:
		return fuse.Status(syscall.ENOTEMPTY)
	}
	f.d.alter(named{dir, name, nil})
	return fuse.OK
}

func (f *front) Unlink(cancel <-chan struct{}, h *fuse.InHeader, name string) fuse.Status {
	return f.remove(cancel, h, name)
}

func (f *front) Rmdir(cancel <-chan struct{}, h *fuse.InHeader, name string) fuse.Status {
	return f.remove(cancel, h, name)
}

func (f *front) Rename(cancel <-chan struct{}, in *fuse.RenameIn, old, name string) fuse.Status {
	from, to := f.at(in.NodeId), f.at(in.Newdir)
	if from == nil || to == nil {
		return fuse.ENOENT
	}
	if s := f.d.begin(cancel, "rename", below(to, name)); s != fuse.OK {
		return s
	}
	defer f.d.mu.Unlock()
	n, there := from.names[old], to.names[name]
	switch {
	case n == nil:
		return fuse.ENOENT
	case in.Flags&^unix.RENAME_NOREPLACE != 0:
		return fuse.EINVAL
	case there == n:
		return fuse.OK
	case there != nil && in.Flags != 0:
		return fuse.Status(syscall.EEXIST)
	case there != nil && len(there.names) > 0:
		return fuse.Status(syscall.ENOTEMPTY)
	}
	n.links++ // it is never without a name
	f.d.alter(named{from, old, nil}, named{to, name, n})
	n.links--
	return fuse.OK
}

func (f *front) Open(cancel <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	n := f.at(in.NodeId)
	if n == nil {
		return fuse.ENOENT
	}
	out.OpenFlags = fuse.FOPEN_KEEP_CACHE
	if in.Flags&syscall.O_TRUNC == 0 {
		return fuse.OK
	}
	if s := f.d.begin(cancel, "truncate", n.path); s != fuse.OK {
		return s
	}
	n.truncate(0)
	f.d.mu.Unlock()
	return fuse.OK
}

func (f *front) Read(_ <-chan struct{}, in *fuse.ReadIn, buf []byte) (fuse.ReadResult, fuse.Status) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	n := f.d.inodes[in.NodeId]
	if n == nil {
		return nil, fuse.ENOENT
	}
	from := min(in.Offset, uint64(len(n.live)))
	return fuse.ReadResultData(buf[:copy(buf, n.live[from:])]), fuse.OK
}

func (f *front) Write(cancel <-chan struct{}, in *fuse.WriteIn, data []byte) (uint32, fuse.Status) {
	n := f.at(in.NodeId)
	if n == nil {
		return 0, fuse.ENOENT
	}
	if s := f.d.begin(cancel, "write", n.path); s != fuse.OK {
		return 0, s
	}
	defer f.d.mu.Unlock()
	n.write(data, int64(in.Offset))
	n.changed = time.Now()
	return uint32(len(data)), fuse.OK
}

func (f *front) Fallocate(cancel <-chan struct{}, in *fuse.FallocateIn) fuse.Status {
	n := f.at(in.NodeId)
	switch {
	case n == nil:
		return fuse.ENOENT
	case in.Mode != 0:
		return fuse.Status(syscall.EOPNOTSUPP)
	}
	if s := f.d.begin(cancel, "truncate", n.path); s != fuse.OK {
		return s
	}
	defer f.d.mu.Unlock()
	if end := int64(in.Offset + in.Length); end > int64(len(n.live)) {
		n.truncate(end)
	}
	return fuse.OK
}

func (f *front) Fsync(cancel <-chan struct{}, in *fuse.FsyncIn) fuse.Status {
	n := f.at(in.NodeId)
	if n == nil {
		return fuse.ENOENT
	}
	if s := f.d.begin(cancel, "sync", n.path); s != fuse.OK {
		if s == fuse.EIO {
			f.d.mu.Lock()
			if f.d.off == nil { // with the power it is lost one by one
				n.forget()
			}
			f.d.mu.Unlock()
		}
		return s
	}
	defer f.d.mu.Unlock()
	n.sync()
	return fuse.OK
}

func (f *front) FsyncDir(cancel <-chan struct{}, in *fuse.FsyncIn) fuse.Status {
	n := f.at(in.NodeId)
	if n == nil {
		return fuse.ENOENT
	}
	if s := f.d.begin(cancel, "syncdir", n.path); s != fuse.OK {
		return s
	}
	defer f.d.mu.Unlock()
	f.d.keepNames(n)
	return fuse.OK
}

func (f *front) Flush(<-chan struct{}, *fuse.FlushIn) fuse.Status { return fuse.OK }

func (f *front) OpenDir(_ <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	dir := f.d.inodes[in.NodeId]
	if dir == nil {
		return fuse.ENOENT
	}
	list := []fuse.DirEntry{}
	for _, name := range slices.Sorted(maps.Keys(dir.names)) {
		n := dir.names[name]
		list = append(list, fuse.DirEntry{Name: name, Ino: n.number, Mode: n.mode})
	}
	f.d.handle++
	out.Fh = f.d.handle
	f.d.handles[out.Fh] = list
	return fuse.OK
}

func (f *front) ReadDir(_ <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	list := f.d.handles[in.Fh]
	for _, e := range list[min(in.Offset, uint64(len(list))):] {
		if !out.AddDirEntry(e) {
			break
		}
	}
	return fuse.OK
}

func (f *front) ReleaseDir(in *fuse.ReleaseIn) {
	f.d.mu.Lock()
	delete(f.d.handles, in.Fh)
	f.d.mu.Unlock()
}

func (f *front) Access(<-chan struct{}, *fuse.AccessIn) fuse.Status { return fuse.OK }

func (f *front) StatFs(_ <-chan struct{}, _ *fuse.InHeader, out *fuse.StatfsOut) fuse.Status {
	const size = 1 << 30 // bytes
	out.Bsize, out.NameLen = blockSize, 255
	out.Blocks, out.Bfree, out.Bavail = size/blockSize, size/blockSize, size/blockSize
	return fuse.OK
}
