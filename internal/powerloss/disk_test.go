package powerloss

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
	"pgregory.net/rapid"
)

// plain drives a disk without a kernel.
type plain struct {
	t interface {
		Helper()
		Fatalf(string, ...any)
	}
	d *Disk
	f *front
}

func (p plain) must(s fuse.Status) {
	p.t.Helper()
	if s != fuse.OK {
		p.t.Fatalf("%v", s)
	}
}

func (p plain) mkdir(dir uint64, name string) uint64 {
	var out fuse.EntryOut
	p.must(p.f.Mkdir(nil, &fuse.MkdirIn{InHeader: fuse.InHeader{NodeId: dir}, Mode: 0o700}, name, &out))
	return out.NodeId
}

func (p plain) create(dir uint64, name string) uint64 {
	var out fuse.CreateOut
	p.must(p.f.Create(nil, &fuse.CreateIn{InHeader: fuse.InHeader{NodeId: dir}, Mode: 0o600}, name, &out))
	return out.NodeId
}

func (p plain) write(n uint64, off int, data []byte) {
	_, s := p.f.Write(nil, &fuse.WriteIn{InHeader: fuse.InHeader{NodeId: n}, Offset: uint64(off)}, data)
	p.must(s)
}

func (p plain) truncate(n uint64, size int) {
	in := &fuse.SetAttrIn{SetAttrInCommon: fuse.SetAttrInCommon{InHeader: fuse.InHeader{NodeId: n}, Valid: fuse.FATTR_SIZE, Size: uint64(size)}}
	p.must(p.f.SetAttr(nil, in, &fuse.AttrOut{}))
}

func (p plain) sync(n uint64) {
	p.must(p.f.Fsync(nil, &fuse.FsyncIn{InHeader: fuse.InHeader{NodeId: n}}))
}

func (p plain) syncDir(n uint64) {
	p.must(p.f.FsyncDir(nil, &fuse.FsyncIn{InHeader: fuse.InHeader{NodeId: n}}))
}

func (p plain) rename(from uint64, old string, to uint64, name string) {
	p.must(p.f.Rename(nil, &fuse.RenameIn{InHeader: fuse.InHeader{NodeId: from}, Newdir: to}, old, name))
}

func (p plain) remove(dir uint64, name string) {
	p.must(p.f.Unlink(nil, &fuse.InHeader{NodeId: dir}, name))
}

// find gives the file of a name, 0 without one.
func (p plain) find(dir uint64, name string) uint64 {
	var out fuse.EntryOut
	if p.f.Lookup(nil, &fuse.InHeader{NodeId: dir}, name, &out) != fuse.OK {
		return 0
	}
	return out.NodeId
}

func (p plain) bytes(n uint64) []byte {
	buf := make([]byte, 1<<16)
	res, s := p.f.Read(nil, &fuse.ReadIn{InHeader: fuse.InHeader{NodeId: n}}, buf)
	p.must(s)
	b, _ := res.Bytes(buf)
	return bytes.Clone(b)
}

func (p plain) lose(seed uint64) { p.d.loseNames(rand.New(rand.NewPCG(seed, 0))) }

func newPlain(t interface {
	Helper()
	Fatalf(string, ...any)
}) plain {
	d := newDisk()
	return plain{t, d, &front{fuse.NewDefaultRawFileSystem(), d}}
}

const top = 1 // the number of the mount's own directory

// Whatever was synced is there; whatever was not is there, or not, or by half, and nothing else is.
func TestWhatIsSyncedIsThereAndNothingIsInvented(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := newPlain(t)
		type file struct{ live, kept []byte }
		type place struct {
			dir  uint64
			name string
		}
		files := map[uint64]*file{}
		now := map[place]uint64{}
		may := map[place][]uint64{} // what a name may mean after a loss
		dirs := []uint64{top, p.mkdir(top, "d"), p.mkdir(top, "e")}
		p.syncDir(top)
		names := []string{"a", "b", "c"}
		bind := func(at place, n uint64) {
			if len(may[at]) == 0 {
				may[at] = []uint64{now[at]}
			}
			may[at] = append(may[at], n)
			now[at] = n
		}
		kept := func(dir uint64) {
			for at := range may {
				if at.dir == dir {
					may[at] = []uint64{now[at]}
				}
			}
		}
		value := byte(0)
		draw := func(label string) place {
			return place{rapid.SampledFrom(dirs).Draw(t, label+" in"), rapid.SampledFrom(names).Draw(t, label)}
		}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			at := draw("file")
			n := now[at]
			switch op := rapid.SampledFrom([]string{"write", "write", "truncate", "sync", "syncdir", "rename", "remove"}).Draw(t, "step"); {
			case op == "syncdir":
				p.syncDir(at.dir)
				kept(at.dir)
			case n == 0:
				n = p.create(at.dir, at.name)
				files[n] = &file{}
				bind(at, n)
			case op == "write":
				off, size := rapid.IntRange(0, 3000).Draw(t, "offset"), rapid.IntRange(1, 2000).Draw(t, "size")
				value++
				data := bytes.Repeat([]byte{value}, size)
				p.write(n, off, data)
				f := files[n]
				f.live = append(f.live, make([]byte, max(0, off+size-len(f.live)))...)
				copy(f.live[off:], data)
			case op == "truncate":
				size := rapid.IntRange(0, 4000).Draw(t, "size")
				p.truncate(n, size)
				f := files[n]
				f.live = append(slices.Clone(f.live), make([]byte, max(0, size-len(f.live)))...)[:size]
			case op == "sync":
				p.sync(n)
				files[n].kept = slices.Clone(files[n].live)
			case op == "remove":
				p.remove(at.dir, at.name)
				bind(at, 0)
			case op == "rename":
				to := draw("new name")
				if to == at || now[to] == n {
					continue
				}
				p.rename(at.dir, at.name, to.dir, to.name)
				bind(at, 0)
				bind(to, n)
			}
		}
		for at, n := range now {
			if n != 0 && !bytes.Equal(p.bytes(n), files[n].live) {
				t.Fatalf("%v is not what was written before the loss", at)
			}
		}
		p.lose(rapid.Uint64().Draw(t, "seed"))
		for at, ok := range may {
			n := p.find(at.dir, at.name)
			if !slices.Contains(ok, n) {
				t.Fatalf("%v is %d after the loss and may be one of %v", at, n, ok)
			}
			if n == 0 {
				continue
			}
			f, got := files[n], p.bytes(n)
			if len(got) != len(f.live) && len(got) != len(f.kept) {
				t.Fatalf("%v has %d bytes; it was written with %d and synced with %d", at, len(got), len(f.live), len(f.kept))
			}
			for from := 0; from < len(got); from += sector {
				to := min(from+sector, len(got))
				part := func(b []byte) []byte { // zeros where it ends
					return append(slices.Clone(b[min(from, len(b)):min(to, len(b))]), make([]byte, to-max(from, min(to, len(b))))...)
				}
				if !bytes.Equal(got[from:to], part(f.live)) && !bytes.Equal(got[from:to], part(f.kept)) {
					t.Fatalf("bytes %d to %d of %v are neither what was written nor what was synced", from, to, at)
				}
			}
		}
	})
}

// Over many seeds everything that may happen to what was not synced does.
func TestEveryOutcomeOfALossHappens(t *testing.T) {
	seen := map[string]int{}
	const old, fresh = 1, 2
	for seed := range uint64(300) {
		p := newPlain(t)
		d := p.mkdir(top, "d")
		p.syncDir(top)
		a := p.create(d, "a")
		p.write(a, 0, bytes.Repeat([]byte{old}, 4*sector))
		p.sync(a)
		p.syncDir(d)
		p.write(a, 0, bytes.Repeat([]byte{fresh}, 4*sector))
		p.create(top, "1")
		p.create(top, "2")
		p.rename(d, "a", top, "moved")
		p.lose(seed)
		one, two, here, there := p.find(top, "1") != 0, p.find(top, "2") != 0, p.find(d, "a") != 0, p.find(top, "moved") != 0
		if two && !one || there && !two {
			t.Fatalf("seed %d: a later change is there without an earlier one", seed)
		}
		if here == there {
			t.Fatalf("seed %d: a file that was moved is at both places or at none: %v", seed, here)
		}
		seen[fmt.Sprintf("names %v %v %v", one, two, there)]++
		n := p.find(d, "a") + p.find(top, "moved")
		switch count := bytes.Count(p.bytes(n), []byte{fresh}); count {
		case 0:
			seen["nothing of it"]++
		case 4 * sector:
			seen["all of it"]++
		default:
			seen["torn"]++
		}
	}
	for _, want := range []string{"names false false false", "names true false false", "names true true false", "names true true true", "nothing of it", "all of it", "torn"} {
		if seen[want] < 10 {
			t.Errorf("%q was seen %d times: %v", want, seen[want], seen)
		}
	}
}

// A move that one of its two directories kept is kept whole, with what came before it there, and no more.
func TestAMoveIsKeptWhole(t *testing.T) {
	for seed := range uint64(50) {
		p := newPlain(t)
		d, e := p.mkdir(top, "d"), p.mkdir(top, "e")
		p.syncDir(top)
		f := p.create(d, "f")
		p.rename(d, "f", e, "g")
		p.create(d, "later")
		p.syncDir(e)
		p.lose(seed)
		if p.find(d, "f") != 0 || p.find(e, "g") != f {
			t.Fatalf("seed %d: the file is not where it was moved", seed)
		}
	}
}

// While the power is off nothing changes, and who waits is let go.
func TestNothingChangesWithoutPower(t *testing.T) {
	p := newPlain(t)
	f := p.create(top, "f")
	p.d.Watch(func(s Step) Verdict {
		if s == (Step{"sync", "f"}) {
			return Cut
		}
		return Done
	})
	p.write(f, 0, []byte("there"))
	stopped := make(chan struct{})
	close(stopped)
	if s := p.f.Fsync(stopped, &fuse.FsyncIn{InHeader: fuse.InHeader{NodeId: f}}); s != fuse.EINTR || !p.d.Off() {
		t.Fatalf("%v, off: %v", s, p.d.Off())
	}
	p.d.Release()
	if _, s := p.f.Write(nil, &fuse.WriteIn{InHeader: fuse.InHeader{NodeId: f}}, []byte("THERE")); s != fuse.EIO || string(p.bytes(f)) != "there" {
		t.Errorf("%v, and it is %q", s, p.bytes(f))
	}
	if got := len(p.d.inodes[f].kept); got != 0 {
		t.Errorf("%d bytes are kept", got)
	}
}

// A sync that fails keeps nothing, and the next one does not either.
func TestAFailedSyncIsNotMadeGood(t *testing.T) {
	p := newPlain(t)
	f := p.create(top, "f")
	p.syncDir(top)
	p.write(f, 0, []byte("lost"))
	fail := true
	p.d.Watch(func(s Step) Verdict {
		if s.Op == "sync" && fail {
			fail = false
			return Fail
		}
		return Done
	})
	if s := p.f.Fsync(nil, &fuse.FsyncIn{InHeader: fuse.InHeader{NodeId: f}}); s != fuse.Status(syscall.EIO) {
		t.Fatal(s)
	}
	p.sync(f)
	p.lose(1)
	if got := p.bytes(f); bytes.Contains(got, []byte("lost")) {
		t.Errorf("%q is there", got)
	}
}
