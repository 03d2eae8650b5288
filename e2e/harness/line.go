package harness

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"berth/client/network/netns"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Line is what a cable does to the frames it carries, in each direction. Frames whose delays differ overtake each other.
type Line struct {
	Lose, Twice   float64 // shares of frames
	Delay, Jitter time.Duration
	Seed          uint64
}

// BadLine is a cable between a machine and the switch that does so, until Mend.
type BadLine struct {
	lan   *LAN
	port  int
	line  Line
	files [2]*os.File
	wg    sync.WaitGroup
	// Frames so far.
	Carried, Lost, Doubled atomic.Int64
}

// maxFrame is more than a frame has, also one that the kernel would cut in pieces, with what it says of it.
const maxFrame = 10 + 1<<17

// Spoil makes a machine's cable a bad one. Its frames go through this process: the kernels this runs on cannot delay any.
func (l *LAN) Spoil(i int, line Line) (*BadLine, error) {
	b := &BadLine{lan: l, port: i, line: line}
	err := netns.In(l.path, func() error {
		bridge, err := netlink.LinkByName("switch")
		if err != nil {
			return err
		}
		far, near := fmt.Sprintf("far%d", i), fmt.Sprintf("near%d", i)
		veth := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: far, MasterIndex: bridge.Attrs().Index}, PeerName: near}
		if err := netlink.LinkAdd(veth); err != nil {
			return err
		}
		end, err := netlink.LinkByName(port(i))
		if err != nil {
			return err
		}
		if err := errors.Join(linkUp(far), linkUp(near), netlink.LinkSetNoMaster(end)); err != nil {
			return err
		}
		if err := carries(far); err != nil {
			return err
		}
		for k, name := range []string{port(i), near} {
			if b.files[k], err = packets(name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("spoil the cable of machine %d: %w", i, errors.Join(err, b.Mend()))
	}
	for k := range b.files {
		b.wg.Go(func() { b.carry(b.files[k], b.files[1-k], rand.New(rand.NewPCG(line.Seed, uint64(k)))) })
	}
	return b, nil
}

// carries waits until the kernel has seen that an interface is up: before, a switch passes nothing on to it.
func carries(name string) error {
	for range 1000 {
		link, err := netlink.LinkByName(name)
		if err != nil || link.Attrs().OperState == netlink.OperUp {
			return err
		}
		time.Sleep(5 * time.Millisecond) // the kernel tells at most once a second
	}
	return fmt.Errorf("%s does not come up", name)
}

// packets opens what arrives at an interface, with what the kernel says of each frame.
func packets(name string) (*os.File, error) {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return nil, err
	}
	const all = unix.ETH_P_ALL<<8&0xff00 | unix.ETH_P_ALL>>8 // in the order of the network
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_VNET_HDR, 1),
		unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1),
		unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: link.Attrs().Index}))
	if err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	return os.NewFile(uintptr(fd), name), nil
}

// carry passes frames on until the line is mended.
func (b *BadLine) carry(from, to *os.File, r *rand.Rand) {
	buf := make([]byte, maxFrame)
	for {
		n, err := from.Read(buf)
		switch {
		case errors.Is(err, os.ErrClosed):
			return
		case err != nil:
			continue // the interface was down
		}
		b.Carried.Add(1)
		if r.Float64() < b.line.Lose {
			b.Lost.Add(1)
			continue
		}
		times := 1
		if r.Float64() < b.line.Twice {
			b.Doubled.Add(1)
			times = 2
		}
		frame := append([]byte(nil), buf[:n]...)
		for range times {
			wait := b.line.Delay
			if b.line.Jitter > 0 {
				wait += time.Duration(r.Int64N(int64(b.line.Jitter)))
			}
			b.wg.Add(1)
			time.AfterFunc(wait, func() {
				defer b.wg.Done()
				_, _ = to.Write(frame) // one that cannot be passed on is lost
			})
		}
	}
}

// Mend puts the good cable back.
func (b *BadLine) Mend() error {
	var errs []error
	for _, f := range b.files {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	b.wg.Wait()
	errs = append(errs, netns.In(b.lan.path, func() error {
		bridge, err := netlink.LinkByName("switch")
		if err != nil {
			return err
		}
		end, err := netlink.LinkByName(port(b.port))
		if err != nil {
			return err
		}
		errs := []error{netlink.LinkSetMaster(end, bridge)}
		if far, err := netlink.LinkByName(fmt.Sprintf("far%d", b.port)); err == nil {
			errs = append(errs, netlink.LinkDel(far))
		}
		return errors.Join(errs...)
	}))
	return errors.Join(errs...)
}
