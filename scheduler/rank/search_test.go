package rank

import (
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"

	"berth/scheduler/fleet"
	"berth/structs"
)

// lab is a random fleet and a random group to place on it.
type lab struct {
	f    *fleet.Fleet
	job  *structs.Job
	live []Live
	next uint64
}

func (l *lab) id() structs.ID {
	l.next++
	return structs.ID{0: 1, 7: byte(l.next >> 16), 8: byte(l.next >> 8), 9: byte(l.next)}
}

func pick[T any](t *rapid.T, what string, from ...T) T { return rapid.SampledFrom(from).Draw(t, what) }

func chance(t *rapid.T, what string, of int) bool { return rapid.IntRange(1, of).Draw(t, what) == 1 }

// node draws one of a few shapes.
func (l *lab) node(t *rapid.T, i int) {
	n := &structs.Node{
		ID: structs.ID{0: 2, 14: byte(i >> 8), 15: byte(i)}, Name: fmt.Sprint("n", i), Status: structs.NodeStatusReady, SchedulingEligibility: structs.NodeEligible,
		Meta: map[string]string{},
		NodeResources: &structs.NodeResources{
			Cpu:    structs.NodeCPUResources{CpuShares: pick[int64](t, "cpu", 500, 1000, 2000), TotalCpuCores: 4, ReservableCpuCores: []uint16{0, 1, 2, 3}},
			Memory: structs.NodeMemoryResources{MemoryMB: pick[int64](t, "memory", 500, 1000)}, Disk: structs.NodeDiskResources{DiskMB: pick[int64](t, "disk", 600, 5000)},
		},
	}
	if rack := pick(t, "rack", "", "r1", "r2", "r3", "r4"); rack != "" {
		n.Meta["rack"] = rack
	}
	if chance(t, "few slots", 5) {
		n.NodeMaxAllocs = 2
	}
	if chance(t, "shunned", 8) {
		n.Taints = []*structs.Taint{{Key: "old", Effect: structs.TaintPreferNoSchedule}}
	}
	l.f.SetNode(n)
}

// use draws an allocation on a random row.
func (l *lab) use(t *rapid.T) {
	row := rapid.Int32Range(0, int32(l.f.Len()-1)).Draw(t, "row")
	u := &fleet.Use{AllocID: l.id(), Job: structs.JobKey{Namespace: "default", ID: pick(t, "of", "web", "db-1", "db-2", "x")}, Group: "g",
		Res: structs.ComparableResources{CPU: pick[int64](t, "holds", 50, 100, 450), MemoryMB: pick[int64](t, "memory", 10, 100), DiskMB: 10}}
	switch {
	case u.Job.ID == "web":
		l.live = append(l.live, Live{Node: l.f.NodeAt(row).ID, Group: "g", Stopping: chance(t, "stopping", 4)})
	case u.Job.ID == "x" && chance(t, "keeps away", 6):
		u.Apart = []*structs.Peer{{Job: "web", Relation: structs.PeerApart, Topology: "${node.unique.id}"}}
	}
	if chance(t, "port", 4) {
		u.Ports = []fleet.Port{{Port: 8080}}
	}
	l.f.Add(u, row)
}

// words are what the group may want beside amounts.
var words = []string{"spread", "targets", "unique", "hard", "affinity", "aversion", "hosts", "property", "apart", "near", "wish", "dread", "port", "cores"}

func (l *lab) want(word string) {
	j, g := l.job, l.job.TaskGroups[0]
	rack := "${meta.rack}"
	peer := func(job, relation string, weight *int8) {
		g.Peers = append(g.Peers, &structs.Peer{Job: job, Relation: relation, Topology: rack, Weight: weight})
	}
	switch word {
	case "spread":
		g.Spreads = append(g.Spreads, &structs.Spread{Attribute: rack})
	case "targets":
		j.Spreads = append(j.Spreads, &structs.Spread{Attribute: rack, SpreadTarget: []*structs.SpreadTarget{{Value: "r1", Percent: 70}, {Value: "r2", Percent: 30}}})
	case "unique":
		g.Spreads = append(g.Spreads, &structs.Spread{Attribute: "${node.unique.name}"})
	case "hard":
		g.Spreads = append(g.Spreads, &structs.Spread{Attribute: rack, MaxSkew: new(1)})
	case "affinity":
		g.Affinities = append(g.Affinities, &structs.Affinity{LTarget: rack, Operand: "=", RTarget: "r2", Weight: new(int8(70))})
	case "aversion":
		j.Affinities = append(j.Affinities, &structs.Affinity{LTarget: rack, Operand: "=", RTarget: "r3", Weight: new(int8(-30))})
	case "hosts":
		g.Constraints = append(g.Constraints, &structs.Constraint{Operand: structs.OpDistinctHosts})
	case "property":
		j.Constraints = append(j.Constraints, &structs.Constraint{LTarget: rack, Operand: structs.OpDistinctProperty, RTarget: "2"})
	case "apart":
		peer("db-*", structs.PeerApart, nil)
	case "near":
		peer("w*", structs.PeerNear, nil)
	case "wish":
		peer("db-1", structs.PeerNear, new(int8(40)))
	case "dread":
		peer("w*", structs.PeerApart, new(int8(60)))
	case "port":
		g.Networks = []*structs.NetworkResource{{ReservedPorts: []structs.Port{{Label: "http", Value: 8080}}}}
	case "cores":
		g.Tasks[0].Resources.Cores = new(1)
	}
}

func drawLab(t *rapid.T, from []string) *lab {
	l := &lab{f: fleet.New()}
	for i := range pick(t, "nodes", 1, 5, 30, 70, 150) {
		l.node(t, i)
	}
	for range pick(t, "uses", 0, 10, 60) {
		l.use(t)
	}
	l.job = &structs.Job{ID: "web", Namespace: "default", TaskGroups: []*structs.TaskGroup{{
		Name: "g", Count: new(20), EphemeralDisk: &structs.EphemeralDisk{SizeMB: new(100)},
		Tasks: []*structs.Task{{Name: "t", Resources: &structs.Resources{CPU: new(pick(t, "cpu", 50, 300)), MemoryMB: new(pick(t, "memory", 50, 400))}}},
	}}}
	for _, word := range rapid.SliceOfNDistinct(rapid.SampledFrom(from), 0, 3, rapid.ID[string]).Draw(t, "words") {
		l.want(word)
	}
	return l
}

func (l *lab) rows(t *rapid.T, what string, of int) fleet.Bitmap {
	rows := l.f.NewBitmap()
	for row := range int32(l.f.Len()) {
		if !chance(t, what, of) {
			rows.Set(row)
		}
	}
	return rows
}

func (l *lab) group(rows, bad fleet.Bitmap, spread bool) *Group {
	g := l.job.TaskGroups[0]
	return NewGroup(l.f, Request{Job: l.job, Group: g, Rows: rows, Ask: AskOf(g, false), Live: l.live, SpreadAlgorithm: spread, Bad: bad})
}

// place puts one allocation of the group on the row.
func (l *lab) place(t *rapid.T, g *Group, row int32) bool {
	gr, lacks := g.Grant(row, uint64(row))
	if lacks != Fits {
		g.Refuse(row, lacks)
		return false
	}
	u := &fleet.Use{AllocID: l.id(), Job: l.job.Key(), Group: "g", Cores: gr.Cores,
		Res: structs.ComparableResources{CPU: gr.CPU, MemoryMB: g.ask.MemoryMB, DiskMB: g.ask.DiskMB}, Labels: fleet.LabelsOf(l.job, l.job.TaskGroups[0])}
	for _, p := range gr.Ports {
		u.Ports = append(u.Ports, fleet.Port{IP: p.HostIP, Port: p.Value})
	}
	l.f.Add(u, row)
	return true
}

// slowly is what Search finds, one row after the other by the rules for single rows, with the rule about peers that was met last.
func slowly(g *Group, seed uint64, penalty fleet.Bitmap) (ch Choice, broken *structs.Peer) {
	g.countFresh()
	if g.peers != nil {
		g.peers.broken = nil
	}
	for row := range g.rows.Rows {
		if d := g.room(row); d != Fits {
			ch.Exhausted[d]++
			continue
		}
		sum, n := g.scorer.Score(row), 1
		add := func(score float64) { sum, n = sum+score, n+1 }
		if c := g.collisionsAt(row); c > 0 {
			add(-float64(c+1) / g.desired)
		}
		if penalty != nil && penalty.Has(row) {
			add(-1)
		}
		if g.affinity != nil && g.affinity.Of[row] != 0 {
			add(g.affinity.Of[row])
		}
		if g.spread != nil && g.spread.boost[g.spread.combo[row]] != 0 {
			add(g.spread.boost[g.spread.combo[row]])
		}
		more, m := g.rare(row)
		ch.offer(candidate{(sum + more) / float64(n+m), fleet.Mix(seed, fleet.HashID(g.f.NodeAt(row).ID)), row}, g.f)
	}
	if g.peers != nil {
		broken = g.peers.broken
	}
	return ch, broken
}

// Whatever the group wants, a search of columns and sets finds what a look at each row finds, and counts the same.
func TestSearchIsALookAtEveryRow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := drawLab(t, words)
		var bad, penalty fleet.Bitmap
		if rapid.Bool().Draw(t, "some bad") {
			bad = l.rows(t, "good", 2)
		}
		g := l.group(l.rows(t, "infeasible", 10), bad, rapid.Bool().Draw(t, "algorithm"))
		for range rapid.IntRange(1, 8).Draw(t, "placements") {
			if penalty = nil; rapid.Bool().Draw(t, "some avoided") {
				penalty = l.rows(t, "avoided", 2)
			}
			seed := rapid.Uint64().Draw(t, "seed")
			want, broken := slowly(g, seed, penalty)
			if g.peers != nil {
				g.peers.broken = nil
			}
			var got Choice
			g.Search(seed, penalty, &got)
			if got.Exhausted != want.Exhausted || got.n != want.n || got.top != want.top {
				t.Fatalf("found %+v\nwant  %+v", got, want)
			}
			if g.peers != nil && g.peers.broken != broken {
				t.Fatalf("tells of the rule %v, want %v", g.peers.broken, broken)
			}
			if rapid.Bool().Draw(t, "another") {
				l.use(t)
			}
			if row, ok := got.Best(); ok && g.room(row) == Fits && l.place(t, g, row) {
				g.Placed(row)
			}
		}
	})
}

// Many at once are placed as well as one after the other, each on a row with the best score there is, and no fewer of them. What the
// rest lacks is counted alike.
func TestBulkIsSearchAfterSearch(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := drawLab(t, []string{"spread", "targets", "unique", "hard", "affinity", "aversion", "hosts", "property", "apart", "port", "cores"})
		g := l.group(l.rows(t, "infeasible", 10), nil, rapid.Bool().Draw(t, "algorithm"))
		count, seed := rapid.IntRange(1, 60).Draw(t, "count"), rapid.Uint64().Draw(t, "seed")
		var ch Choice
		placed := g.Bulk(count, seed, &ch, func(row int32) bool {
			best, _ := slowly(g, seed, nil)
			if best.n == 0 {
				t.Fatalf("placed on row %d, where none has room", row)
			}
			score := math.Inf(-1)
			for _, c := range best.top[:best.n] {
				if c.row == row {
					score = c.score
				}
			}
			if best.top[0].score-score > 1e-12 {
				t.Fatalf("placed on row %d with score %v; the best are %+v", row, score, best)
			}
			return l.place(t, g, row)
		})
		rest, _ := slowly(g, seed, nil)
		if placed < count && rest.n > 0 {
			t.Fatalf("%d of %d are placed, and there is room still: %+v", placed, count, rest)
		}
		if g.Recount(&ch); ch.Exhausted != rest.Exhausted {
			t.Fatalf("%v lack something, want %v", ch.Exhausted, rest.Exhausted)
		}
	})
}

// Before anything is placed, a spread says one thing only: rows that lack its value come last, however well they fit.
func TestSearchPutsRowsWithoutASpreadValueLast(t *testing.T) {
	t.Parallel()
	l := &lab{f: fleet.New(), job: &structs.Job{ID: "web", Namespace: "default", TaskGroups: []*structs.TaskGroup{{
		Name: "g", Count: new(2), EphemeralDisk: &structs.EphemeralDisk{SizeMB: new(1)},
		Tasks: []*structs.Task{{Name: "t", Resources: &structs.Resources{CPU: new(100), MemoryMB: new(100)}}},
	}}}}
	for i := range 12 {
		n := &structs.Node{ID: structs.ID{15: byte(i)}, Status: structs.NodeStatusReady, SchedulingEligibility: structs.NodeEligible, Meta: map[string]string{},
			NodeResources: &structs.NodeResources{Cpu: structs.NodeCPUResources{CpuShares: 1000}, Memory: structs.NodeMemoryResources{MemoryMB: 1000},
				Disk: structs.NodeDiskResources{DiskMB: 1000}}}
		if i%2 == 0 {
			n.Meta["rack"] = fmt.Sprint("r", i%3)
		}
		l.f.SetNode(n)
		row, _ := l.f.Row(n.ID)
		l.f.Add(&fleet.Use{AllocID: l.id(), Res: structs.ComparableResources{CPU: int64(300 * (i % 2)), MemoryMB: int64(300 * (i % 2))}}, row)
	}
	l.want("spread")
	rows := l.f.NewBitmap()
	for row := range int32(l.f.Len()) {
		rows.Set(row)
	}
	g := l.group(rows, nil, false)
	want, _ := slowly(g, 1, nil)
	var got Choice
	g.Search(1, nil, &got)
	if row, _ := got.Best(); got.top != want.top || l.f.NodeAt(row).Meta["rack"] == "" {
		t.Fatalf("found %+v\nwant  %+v", got, want)
	}
}
