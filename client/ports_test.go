package client

import (
	"testing"
	"testing/synctest"
	"time"

	"berth/drivers/fake"
	"berth/structs"
)

// TestAStartWaitsForThePortOfWhatIsEnding: the replacement on a static port starts when its predecessor is gone, on
// whatever address the predecessor had it; one on another port does not wait.
func TestAStartWaitsForThePortOfWhatIsEnding(t *testing.T) {
	for _, hostIP := range []string{"", "127.0.0.1", "::1"} {
		t.Run(hostIP, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, s := newMachine(t), newCluster()
				port := func(value int, ip string) *structs.AllocatedResources {
					return &structs.AllocatedResources{Shared: structs.AllocatedSharedResources{
						Ports: []structs.AllocatedPortMapping{{Label: "http", Value: value, HostIP: ip}}}}
				}
				old := s.place(1, "service", map[string]any{fake.KeyIgnoreTerm: true})
				s.change(old, func(a *structs.Allocation) { a.AllocatedResources = port(8080, hostIP) })
				l := begin(t, m, s)
				synctest.Wait()
				next, other := structs.ID{0xa0, 15: 2}, structs.ID{0xa0, 15: 3}
				s.set(func() {
					for id, value := range map[structs.ID]int{next: 8080, other: 8081} {
						a := *s.allocs[old]
						a.ID, a.AllocatedResources, a.AllocModifyIndex = id, port(value, ""), s.index
						s.allocs[id] = &a
					}
					a := *s.allocs[old]
					a.DesiredStatus, a.AllocModifyIndex = structs.AllocDesiredStop, s.index
					s.allocs[old] = &a
				})
				time.Sleep(time.Second)
				synctest.Wait()
				if n, o := m.world.Starts(next.String(), "web"), m.world.Starts(other.String(), "web"); n != 0 || o != 1 {
					t.Errorf("while the port is held: %d starts on it, %d on another; want 0 and 1", n, o)
				}
				time.Sleep(time.Minute)
				synctest.Wait()
				if was, is := s.status(old), s.status(next); was != structs.AllocClientComplete && was != structs.AllocClientFailed || is != structs.AllocClientRunning {
					t.Errorf("then: the old one is %s, the next %s", was, is)
				}
				l.end()
			})
		})
	}
}
