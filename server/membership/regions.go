package membership

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/serf/serf"

	"berth/structs"
)

// Region is another region this one is joined with.
type Region struct {
	Name string
	// Keys are those its gossip is encrypted with; Addrs are where some of its members are, host:port.
	Keys  [][]byte
	Addrs []string
}

// regionsInterval is how often a region of which nobody is alive is looked for.
const regionsInterval = 5 * time.Second

// SetRegions says which other regions there are: their keys are read, their members taken in, and those of all others are not.
func (m *Membership) SetRegions(regions []Region) {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.regions)
	keep := map[string]bool{}
	for _, r := range regions {
		m.regions[r.Name] = r
		for _, key := range r.Keys {
			keep[string(key)] = true
		}
	}
	select {
	case m.others <- struct{}{}:
	default:
	}
	if m.ring == nil {
		return
	}
	have := m.ring.GetKeys()
	for key := range keep {
		if slices.ContainsFunc(have, func(k []byte) bool { return string(k) == key }) {
			continue
		}
		if err := m.ring.AddKey([]byte(key)); err != nil {
			m.log.Warn("a key of another region's gossip is not used", "error", err)
			continue
		}
		m.foreign[key] = true
	}
	for key := range m.foreign {
		if keep[key] {
			continue
		}
		if err := m.ring.RemoveKey([]byte(key)); err != nil {
			m.log.Warn("a key of another region's gossip stays in use", "key", base64.StdEncoding.EncodeToString([]byte(key))[:6]+"…", "error", err)
			continue
		}
		delete(m.foreign, key)
	}
}

// OwnKeys are the keys of this region's gossip, the one in use first; none without encryption.
func (m *Membership) OwnKeys() [][]byte {
	if m.ring == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	primary := m.ring.GetPrimaryKey()
	out := [][]byte{primary}
	for _, key := range m.ring.GetKeys() {
		if !m.foreign[string(key)] && !bytes.Equal(key, primary) {
			out = append(out, key)
		}
	}
	return out
}

// knows reports whether members of a region are taken in.
func (m *Membership) knows(region string) bool {
	if m.cfg.AnyRegion || region == m.cfg.Region {
		return true
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	_, ok := m.regions[region]
	return ok
}

// NotifyMerge implements serf.MergeDelegate: it refuses members of regions this one is not joined with. Among others they do not
// count: each is judged by itself later, and a server that joins its own region is not kept out by those it will know.
func (m *Membership) NotifyMerge(members []*serf.Member) error {
	var stranger *serf.Member
	for _, x := range members {
		if m.knows(x.Tags[tagRegion]) {
			return nil
		}
		stranger = x
	}
	if stranger == nil {
		return nil
	}
	return &structs.Error{Kind: structs.KindUnauthorised, Err: fmt.Errorf("%s is of region %q, and region %q is not joined with that", stranger.Name, stranger.Tags[tagRegion], m.cfg.Region),
		Hint: "a token joins them: `berth operator join-token create -role region` on a server of one, `berth server join TOKEN` on one of the other"}
}

// keepRegions joins the gossip of regions of which nobody is alive here, until ctx is done.
func (m *Membership) keepRegions(ctx context.Context) {
	tick := time.NewTicker(regionsInterval)
	defer tick.Stop()
	for {
		for _, r := range m.lost() {
			if n, err := m.Join(r.Addrs); n > 0 {
				m.log.Info("joined the gossip of a region", "region", r.Name, "servers", n)
			} else {
				m.log.Debug("no server of a region answers", "region", r.Name, "error", err)
			}
		}
		select {
		case <-m.others:
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// lost are the regions of which nobody is alive, by name.
func (m *Membership) lost() []Region {
	alive := map[string]bool{}
	for _, x := range m.Members() {
		if x.Status == StatusAlive {
			alive[x.Region] = true
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []Region
	for name, r := range m.regions {
		if !alive[name] && len(r.Addrs) > 0 {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b Region) int { return bytes.Compare([]byte(a.Name), []byte(b.Name)) })
	return out
}
