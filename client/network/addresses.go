package network

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"net/netip"
)

// addressPool hands out the addresses of one IPv4 subnet. It is a plain value with no lock: the Manager guards it.
//
// Invariant: a set bit is an address in use or reserved (network, gateway, broadcast); free counts the others.
type addressPool struct {
	base uint32
	size uint32
	used []uint64
	free uint32
	// next is where the search for a free address begins. Why: a freed address should rest as long as possible, so that
	// packets late for its former owner do not reach the new one.
	next uint32
}

// newAddressPool returns a pool in which only the reserved addresses of the subnet are taken.
func newAddressPool(subnet netip.Prefix) *addressPool {
	size := uint32(1) << (32 - subnet.Bits())
	p := &addressPool{base: addrToUint(subnet.Addr()), size: size, used: make([]uint64, (size+63)/64), free: size, next: 2}
	for i := size; i < uint32(len(p.used))*64; i++ {
		p.used[i/64] |= 1 << (i % 64)
	}
	for _, reserved := range []uint32{0, 1, size - 1} {
		p.set(reserved)
	}
	return p
}

// take reserves a free address.
func (p *addressPool) take() (netip.Addr, error) {
	if p.free == 0 {
		return netip.Addr{}, fmt.Errorf("all %d addresses are in use", p.size-3)
	}
	words := uint32(len(p.used))
	start := p.next % p.size
	// The word of the start is looked at twice: first above the start, at last below it.
	for i := uint32(0); i <= words; i++ {
		w := (start/64 + i) % words
		vacant := ^p.used[w]
		if i == 0 {
			vacant &= ^uint64(0) << (start % 64)
		}
		if vacant == 0 {
			continue
		}
		n := w*64 + uint32(bits.TrailingZeros64(vacant))
		p.set(n)
		p.next = n + 1
		return uintToAddr(p.base + n), nil
	}
	return netip.Addr{}, fmt.Errorf("address bitmap is inconsistent: %d free but none found", p.free)
}

// claim reserves the given address; false when it is outside the subnet, reserved, or taken.
func (p *addressPool) claim(addr netip.Addr) bool {
	n, ok := p.offset(addr)
	if !ok || p.has(n) {
		return false
	}
	p.set(n)
	if n >= p.next {
		p.next = n + 1
	}
	return true
}

// release makes the address free again; false when it was not taken or may never be free.
func (p *addressPool) release(addr netip.Addr) bool {
	n, ok := p.offset(addr)
	if !ok || n <= 1 || n == p.size-1 || !p.has(n) {
		return false
	}
	p.used[n/64] &^= 1 << (n % 64)
	p.free++
	return true
}

func (p *addressPool) has(n uint32) bool { return p.used[n/64]&(1<<(n%64)) != 0 }

func (p *addressPool) set(n uint32) {
	if !p.has(n) {
		p.used[n/64] |= 1 << (n % 64)
		p.free--
	}
}

// offset is the address's place in the subnet.
func (p *addressPool) offset(addr netip.Addr) (uint32, bool) {
	if !addr.Is4() {
		return 0, false
	}
	n := addrToUint(addr) - p.base
	return n, n < p.size
}

func addrToUint(a netip.Addr) uint32 { b := a.As4(); return binary.BigEndian.Uint32(b[:]) }

func uintToAddr(n uint32) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], n)
	return netip.AddrFrom4(b)
}
