package membership

import (
	"strings"
	"testing"
)

// Members of another region are heard once both sides know each other's keys, and no longer when one of them forgets.
func TestRegionsGossipWithEachOthersKeys(t *testing.T) {
	t.Parallel() // mostly it waits until a member is taken for failed
	of := func(region string, k byte, at int) func(*Config) {
		return func(c *Config) {
			c.Region, c.Key, c.BindAddr, c.AdvertiseAddr = region, key(k), addrOf(at), addrOf(at)
		}
	}
	east, second, west := run(t, 1, of("east", 1, 101)), run(t, 2, of("east", 1, 102)), run(t, 3, of("west", 2, 103))
	if n, err := second.Join([]string{east.addr}); n != 1 {
		t.Fatal(err)
	}
	if n, err := west.Join([]string{east.addr}); n != 0 || !strings.Contains(err.Error(), "join-token create -role region") {
		t.Errorf("strangers: %d, %v", n, err)
	}
	toWest := []Region{{Name: "west", Keys: west.OwnKeys(), Addrs: []string{west.addr}}}
	toEast := []Region{{Name: "east", Keys: east.OwnKeys(), Addrs: []string{east.addr}}}
	east.SetRegions(toWest)
	second.SetRegions(toWest)
	west.SetRegions(toEast)
	const all = "s1.east=alive s2.east=alive s3.west=alive"
	waitFor(t, "all know all", func() bool { return statuses(east) == all && statuses(second) == all && statuses(west) == all })
	if keys := west.OwnKeys(); len(keys) != 1 || string(keys[0]) != string(key(2)) {
		t.Errorf("west's own keys are %x", keys)
	}
	west.stop()
	waitFor(t, "it failed", func() bool {
		return strings.Contains(statuses(east), "s3.west=failed") && strings.Contains(statuses(second), "s3.west=failed")
	})
	if err := east.ForceLeave("s3.west", false); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "it is made to leave", func() bool { return strings.Contains(statuses(second), "s3.west=left") })
	// It is back at the same place: who looks for a region of which nobody is alive finds it.
	west = run(t, 3, of("west", 2, 103))
	west.SetRegions(toEast)
	waitFor(t, "it is back", func() bool { return statuses(east) == all && statuses(west) == all })

	west.SetRegions(nil)
	if got := statuses(west); got != "s3.west=alive" {
		t.Errorf("after it forgot the other region it tells of %s", got)
	}
	waitFor(t, "the other side hears nothing more", func() bool { return strings.Contains(statuses(east), "s3.west=failed") })
}

// With one key for all, members of a region that is not known are refused in plain words, unless any region is taken in.
func TestStrangersAreRefused(t *testing.T) {
	of := func(region string, any bool) func(*Config) {
		return func(c *Config) { c.Region, c.Key, c.AnyRegion = region, key(1), any }
	}
	east, west, open := run(t, 1, of("east", false)), run(t, 2, of("west", false)), run(t, 3, of("north", true))
	if n, err := west.Join([]string{east.addr}); n != 0 || !strings.Contains(err.Error(), `region "west" is not joined with that`) {
		t.Errorf("%d, %v", n, err)
	}
	more := run(t, 4, of("south", true))
	if n, err := open.Join([]string{more.addr}); n != 1 {
		t.Error(err)
	}
	waitFor(t, "they know each other", func() bool { return len(open.Members()) == 2 && len(more.Members()) == 2 })
}
