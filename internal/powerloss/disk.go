package powerloss

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// ErrNoFUSE: this kernel, or this user, cannot mount file systems of a process.
var ErrNoFUSE = errors.New("no FUSE here")

// A Step changes something, or keeps it.
type Step struct {
	Op   string // write, truncate, create, mkdir, link, rename, remove, sync, syncdir
	Path string // of what it is done to, below the mount
}

// Verdict is what becomes of a step.
type Verdict int

const (
	// Done: it happens.
	Done Verdict = iota
	// Fail: it is answered with EIO. What a sync should have kept is taken for kept and is not.
	Fail
	// Cut: the power is cut before it.
	Cut
)

// Disk is a mounted file system. Its methods may be called from any goroutine.
type Disk struct {
	dir    string
	server *fuse.Server

	mu      sync.Mutex
	root    *inode
	inodes  map[uint64]*inode
	last    uint64
	pending []change
	watch   func(Step) Verdict
	off     chan struct{} // not nil while the power is off; closed when whoever waits must go
	gone    bool          // they must go
	handles map[uint64][]fuse.DirEntry
	handle  uint64
}

// newDisk makes an empty one that is not mounted.
func newDisk() *Disk {
	d := &Disk{inodes: map[uint64]*inode{}, handles: map[uint64][]fuse.DirEntry{}}
	d.root = d.newInode(syscall.S_IFDIR | 0o755) // number 1, as the kernel has it
	return d
}

// Mount makes an empty file system in a directory that is there. ErrNoFUSE where there can be none.
func Mount(dir string) (*Disk, error) {
	f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoFUSE, err)
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	d := newDisk()
	d.dir = dir
	return d, d.mount()
}

func (d *Disk) mount() error {
	server, err := fuse.NewServer(&front{RawFileSystem: fuse.NewDefaultRawFileSystem(), d: d}, d.dir, &fuse.MountOptions{
		DirectMountStrict: true, FsName: "powerloss", Name: "powerloss", DisableXAttrs: true, DisableReadDirPlus: true, AllowOther: true, MaxWrite: 1 << 20,
	})
	switch {
	case errors.Is(err, syscall.ENODEV), errors.Is(err, syscall.EPERM):
		return fmt.Errorf("%w: %w", ErrNoFUSE, err)
	case err != nil:
		return fmt.Errorf("mount %s: %w", d.dir, err)
	}
	d.server = server
	go server.Serve()
	return server.WaitMount()
}

// Watch has a function called before every step, from many goroutines; a step waits as long as it takes. nil ends it.
func (d *Disk) Watch(f func(Step) Verdict) {
	d.mu.Lock()
	d.watch = f
	d.mu.Unlock()
}

// Cut cuts the power: nothing changes any more, and whoever tries to change or keep something waits.
func (d *Disk) Cut() {
	d.mu.Lock()
	if d.off == nil {
		d.off = make(chan struct{})
	}
	d.mu.Unlock()
}

// Off reports that the power is cut.
func (d *Disk) Off() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.off != nil
}

// Release answers with EIO whoever waits since the power was cut: killed processes that the kernel still waits for.
func (d *Disk) Release() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.off == nil {
		d.off = make(chan struct{})
	}
	if !d.gone {
		d.gone = true
		close(d.off)
	}
}

// Restart loses what was not kept, by a seed, and mounts the rest. The processes that used it must have ended. Nobody watches afterwards.
func (d *Disk) Restart(seed uint64) error {
	d.Cut()
	d.Release()
	if err := d.server.Unmount(); err != nil {
		return fmt.Errorf("unmount %s: %w", d.dir, err)
	}
	d.mu.Lock()
	d.loseNames(rand.New(rand.NewPCG(seed, 0)))
	d.off, d.gone, d.watch = nil, false, nil
	d.handles = map[uint64][]fuse.DirEntry{}
	d.mu.Unlock()
	return d.mount()
}

// Close unmounts it, and everything on it is gone.
func (d *Disk) Close() error {
	d.Cut()
	d.Release()
	return d.server.Unmount()
}

// begin waits for its turn to change something: nil, and the lock is held, or how it failed.
func (d *Disk) begin(cancel <-chan struct{}, op string, path func() string) fuse.Status {
	d.mu.Lock()
	if d.off == nil && d.watch != nil {
		watch, step := d.watch, Step{op, path()}
		d.mu.Unlock()
		verdict := watch(step)
		d.mu.Lock()
		if verdict == Fail {
			d.mu.Unlock()
			return fuse.EIO
		}
		if verdict == Cut && d.off == nil {
			d.off = make(chan struct{})
		}
	}
	off := d.off
	if off == nil {
		return fuse.OK
	}
	d.mu.Unlock()
	select {
	case <-off:
		return fuse.EIO
	case <-cancel:
		return fuse.EINTR
	}
}
