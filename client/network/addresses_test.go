package network

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

func TestAddressPoolGivesEveryAddressOnceAndThenSaysSo(t *testing.T) {
	for bits := subnetBitsMax; bits >= 22; bits-- {
		subnet := netip.PrefixFrom(netip.MustParseAddr("10.1.0.0"), bits)
		pool := newAddressPool(subnet)
		seen := map[netip.Addr]bool{}
		for range 1<<(32-bits) - 3 {
			addr, err := pool.take()
			if err != nil || seen[addr] || !subnet.Contains(addr) {
				t.Fatalf("/%d: take = %s, %v after %d", bits, addr, err, len(seen))
			}
			seen[addr] = true
		}
		if addr, err := pool.take(); err == nil {
			t.Fatalf("/%d: take from an empty pool = %s", bits, addr)
		}
		for _, reserved := range []netip.Addr{subnet.Addr(), subnet.Addr().Next()} {
			if seen[reserved] || pool.release(reserved) {
				t.Fatalf("/%d: reserved address %s was given out or freed", bits, reserved)
			}
		}
	}
}

func TestAddressPoolLetsAFreedAddressRest(t *testing.T) {
	pool := newAddressPool(netip.MustParsePrefix("10.1.0.0/24"))
	first, _ := pool.take()
	pool.release(first)
	for range 252 {
		if addr, err := pool.take(); err != nil || addr == first {
			t.Fatalf("take = %s, %v before all others were used", addr, err)
		}
	}
	if addr, err := pool.take(); err != nil || addr != first {
		t.Fatalf("take = %s, %v, want %s at last", addr, err, first)
	}
}

// poolLaws drives a pool beside a set of addresses.
func poolLaws(t *rapid.T) {
	bits := rapid.IntRange(22, subnetBitsMax).Draw(t, "bits")
	subnet := netip.PrefixFrom(netip.MustParseAddr("172.26.64.0"), bits)
	pool := newAddressPool(subnet)
	capacity := 1<<(32-bits) - 3
	held := map[netip.Addr]bool{}
	anyAddr := rapid.Custom(func(t *rapid.T) netip.Addr {
		return uintToAddr(addrToUint(subnet.Addr()) - 4 + rapid.Uint32Range(0, uint32(capacity)+16).Draw(t, "offset"))
	})
	t.Repeat(map[string]func(*rapid.T){
		"take": func(t *rapid.T) {
			addr, err := pool.take()
			if (err != nil) != (len(held) == capacity) {
				t.Fatalf("take = %s, %v with %d of %d in use", addr, err, len(held), capacity)
			}
			if err != nil {
				return
			}
			if held[addr] || !subnet.Contains(addr) || addr == subnet.Addr() || addr == subnet.Addr().Next() {
				t.Fatalf("take gave %s", addr)
			}
			held[addr] = true
		},
		"claim": func(t *rapid.T) {
			addr := anyAddr.Draw(t, "addr")
			n := addrToUint(addr) - addrToUint(subnet.Addr())
			want := !held[addr] && n >= 2 && n < uint32(capacity)+2
			if got := pool.claim(addr); got != want {
				t.Fatalf("claim(%s) = %v, want %v", addr, got, want)
			}
			if want {
				held[addr] = true
			}
		},
		"release": func(t *rapid.T) {
			addr := anyAddr.Draw(t, "addr")
			if got := pool.release(addr); got != held[addr] {
				t.Fatalf("release(%s) = %v, want %v", addr, got, held[addr])
			}
			delete(held, addr)
		},
		"": func(t *rapid.T) {
			if int(pool.free) != capacity-len(held) {
				t.Fatalf("free = %d, want %d", pool.free, capacity-len(held))
			}
		},
	})
}

func TestAddressPoolKeepsItsLaws(t *testing.T) { rapid.Check(t, poolLaws) }

func FuzzAddressPool(f *testing.F) { f.Fuzz(rapid.MakeFuzz(poolLaws)) }
