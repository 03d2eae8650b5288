package fleet

import (
	"encoding/binary"
	"math"

	"berth/structs"
)

// Fleet is the table of nodes. The zero value is not usable; see New.
type Fleet struct {
	rows  map[structs.ID]int32
	spare []int32 // rows of removed nodes, to be used again

	nodes   []*structs.Node
	class   *Column  // see ClassOf
	tie     []uint64 // of the node's id, see Tie
	ports   [][]address
	uses    [][]*Use
	devices [][]DeviceGroup
	ladders [][]Rung // nil where not known

	// Columns. Free amounts may be negative when a node shrank below what it runs.
	capCPU, capMem, capDisk    []int64
	freeCPU, freeMem, freeDisk []int64
	freeCores, coreMHz         []int64
	count, countMax            []int32
	stopping, held             []int32
	leaves                     Bitmap // rows where something is stopping
	// expCPU and expMem are 10 to the power of the free share: the binpack score without a new allocation.
	expCPU, expMem []float64
	shape          []int32 // which pair of capacities, for tables by capacity

	shapes   []capacity
	shapeRow map[capacity]int32
	factors  map[capacity]*factorTable

	scores  map[Fit]*Scores
	lows    map[any]*Lows
	changes changes
	asked   uint64 // for scores, see Scores

	ready   Bitmap
	taints  map[structs.Taint]int // on how many nodes, by key, value and effect
	tainted []*structs.Taint      // sorted, nil where not known; see Taints
	filters map[FilterKey]*Filter
	amounts map[FilterKey]*Amounts
	columns map[string]*Column
	weights map[string]*Weights
	tallies map[string]*Tally
	leaving map[GroupKey]int
	// avoiders are the rules by which placed allocations keep others away.
	avoiders map[string]*Avoider
	allocs   map[structs.ID]*Use
	holds    map[structs.JobKey][]structs.ID
	queues   *queues // nil without any

	generation uint64
	words      int
}

type capacity struct{ cpu, mem int64 }

// New is an empty fleet.
func New() *Fleet {
	f := &Fleet{
		rows:     map[structs.ID]int32{},
		shapeRow: map[capacity]int32{},
		factors:  map[capacity]*factorTable{},
		scores:   map[Fit]*Scores{},
		lows:     map[any]*Lows{},
		filters:  map[FilterKey]*Filter{},
		amounts:  map[FilterKey]*Amounts{},
		taints:   map[structs.Taint]int{},
		columns:  map[string]*Column{},
		weights:  map[string]*Weights{},
		tallies:  map[string]*Tally{},
		leaving:  map[GroupKey]int{},
		avoiders: map[string]*Avoider{},
		allocs:   map[structs.ID]*Use{},
		holds:    map[structs.JobKey][]structs.ID{},
	}
	f.class = f.newColumn(func(n *structs.Node) (string, bool) { return ClassOf(n), true })
	return f
}

// Len is the number of rows, empty ones included: every column and bitmap covers it.
func (f *Fleet) Len() int { return len(f.nodes) }

// Nodes is the number of nodes.
func (f *Fleet) Nodes() int { return len(f.rows) }

// Generation changes whenever a node was added, changed or removed, never with allocations.
func (f *Fleet) Generation() uint64 { return f.generation }

// Row finds a node's row.
func (f *Fleet) Row(id structs.ID) (int32, bool) {
	row, ok := f.rows[id]
	return row, ok
}

// Node finds a node, nil if there is none.
func (f *Fleet) Node(id structs.ID) *structs.Node {
	if row, ok := f.rows[id]; ok {
		return f.nodes[row]
	}
	return nil
}

// NodeAt is the node of a row, nil for an empty row.
func (f *Fleet) NodeAt(row int32) *structs.Node { return f.nodes[row] }

// ClassAt is the class of the row's node, see ClassOf.
func (f *Fleet) ClassAt(row int32) string { return f.class.Names[f.class.Values[row]] }

// Classes are the classes of all nodes. They are valid until a node changes.
func (f *Fleet) Classes() *Column { return f.class }

// Tie is the hash of a seed and the row's node id, for even tie-breaking.
func (f *Fleet) Tie(seed uint64, row int32) uint64 { return mix(seed ^ f.tie[row]) }

// Ready is the set of nodes that may be given allocations. Do not change it.
func (f *Fleet) Ready() Bitmap { return f.ready }

// NewBitmap is an empty set of this fleet's length.
func (f *Fleet) NewBitmap() Bitmap { return make(Bitmap, f.words) }

// SetNode adds a node or replaces what is known of it.
func (f *Fleet) SetNode(n *structs.Node) {
	row, known := f.rows[n.ID]
	if known && f.nodes[row] == n {
		return
	}
	f.generation++
	if !known {
		row = f.newRow()
		f.rows[n.ID] = row
	}
	f.countTaints(f.nodes[row], -1)
	f.countTaints(n, 1)
	f.nodes[row] = n
	f.tie[row] = mix(HashID(n.ID))
	if f.class.set(row, n); f.class.worn() {
		f.class = f.newColumn(f.class.read)
	}
	f.ready.Put(row, n.Ready())
	f.leaveSums(row)
	f.setCapacity(row, n)
	f.joinSums(row, n)
	f.ports[row] = addressesOf(n)
	for _, u := range f.uses[row] {
		f.claimPorts(row, u.Ports, true)
	}
	for _, fl := range f.filters {
		fl.Rows.Put(row, fl.test(n))
	}
	for target, c := range f.columns {
		if c.set(row, n); c.worn() {
			delete(f.columns, target)
		}
	}
	for _, w := range f.weights {
		w.set(row, n)
	}
}

// RemoveNode forgets a node and what was on it.
func (f *Fleet) RemoveNode(id structs.ID) {
	row, ok := f.rows[id]
	if !ok {
		return
	}
	f.generation++
	for len(f.uses[row]) > 0 {
		f.Remove(f.uses[row][0].AllocID)
	}
	delete(f.rows, id)
	f.leaveSums(row)
	f.countTaints(f.nodes[row], -1)
	f.nodes[row] = nil
	f.ports[row] = nil
	f.devices[row] = nil
	f.ready.Clear(row)
	for _, fl := range f.filters {
		fl.Rows.Clear(row)
	}
	f.class.put(row, 0)
	for _, c := range f.columns {
		c.put(row, 0)
	}
	for _, w := range f.weights {
		w.set(row, nil)
	}
	f.spare = append(f.spare, row)
}

func (f *Fleet) newRow() int32 {
	if n := len(f.spare); n > 0 {
		row := f.spare[n-1]
		f.spare = f.spare[:n-1]
		return row
	}
	row := int32(len(f.nodes))
	f.nodes = append(f.nodes, nil)
	f.tie = append(f.tie, 0)
	f.ports = append(f.ports, nil)
	f.uses = append(f.uses, nil)
	f.devices = append(f.devices, nil)
	f.ladders = append(f.ladders, nil)
	f.stopping = append(f.stopping, 0)
	f.held = append(f.held, 0)
	for _, col := range []*[]int64{&f.capCPU, &f.capMem, &f.capDisk, &f.freeCPU, &f.freeMem, &f.freeDisk, &f.freeCores, &f.coreMHz} {
		*col = append(*col, 0)
	}
	f.count = append(f.count, 0)
	f.countMax = append(f.countMax, 0)
	f.expCPU = append(f.expCPU, 0)
	f.expMem = append(f.expMem, 0)
	f.shape = append(f.shape, 0)
	if words := int(row)>>6 + 1; words > f.words {
		f.words = words
		f.ready = append(f.ready, 0)
		f.leaves = append(f.leaves, 0)
		for _, fl := range f.filters {
			fl.Rows = append(fl.Rows, 0)
		}
		for _, a := range f.amounts {
			a.rows = append(a.rows, 0)
		}
	}
	f.class.grow(f.words)
	for _, c := range f.columns {
		c.grow(f.words)
	}
	for _, w := range f.weights {
		w.Of = append(w.Of, 0)
	}
	for _, t := range f.tallies {
		t.grow(f.words)
	}
	for _, a := range f.avoiders {
		a.grow(f.words)
	}
	return row
}

func (f *Fleet) setCapacity(row int32, n *structs.Node) {
	usedCPU, usedMem, usedDisk := f.capCPU[row]-f.freeCPU[row], f.capMem[row]-f.freeMem[row], f.capDisk[row]-f.freeDisk[row]
	c := Capacity(n)
	f.capCPU[row], f.capMem[row], f.capDisk[row] = c.CPU, c.MemoryMB, c.DiskMB
	f.freeCPU[row], f.freeMem[row], f.freeDisk[row] = c.CPU-usedCPU, c.MemoryMB-usedMem, c.DiskMB-usedDisk
	f.countMax[row] = int32(min(max(n.NodeMaxAllocs, 0), math.MaxInt32))
	f.setCores(row, n)
	f.setDevices(row, n)
	key := capacity{c.CPU, c.MemoryMB}
	shape, ok := f.shapeRow[key]
	if !ok {
		shape = int32(len(f.shapes))
		f.shapes = append(f.shapes, key)
		f.shapeRow[key] = shape
	}
	f.shape[row] = shape
	f.refreshExp(row)
}

// Capacity is what a node can give to allocations: what it has less what it keeps for itself.
func Capacity(n *structs.Node) structs.ComparableResources {
	var c structs.ComparableResources
	if r := n.NodeResources; r != nil {
		c.CPU, c.MemoryMB, c.DiskMB = r.Cpu.CpuShares, r.Memory.MemoryMB, r.Disk.DiskMB
		c.Cores = int64(len(r.Cpu.ReservableCpuCores))
	}
	if r := n.ReservedResources; r != nil {
		c.CPU -= r.Cpu.CpuShares
		c.MemoryMB -= r.Memory.MemoryMB
		c.DiskMB -= r.Disk.DiskMB
	}
	return c
}

func (f *Fleet) refreshExp(row int32) {
	f.expCPU[row] = exp10(f.freeCPU[row], f.capCPU[row])
	f.expMem[row] = exp10(f.freeMem[row], f.capMem[row])
	f.touch(row)
}

// touch notes that amounts or uses of the row changed.
func (f *Fleet) touch(row int32) {
	f.ladders[row] = nil
	f.changes.add(row)
}

// exp10 is 10 to the power of the free share; a node that has none of it counts as full.
func exp10(free, capacity int64) float64 {
	if capacity <= 0 {
		return 1
	}
	return pow10(float64(free) / float64(capacity))
}

// HashID is a well-spread hash of an id.
func HashID(id structs.ID) uint64 {
	return mix(binary.LittleEndian.Uint64(id[:8]) ^ mix(binary.LittleEndian.Uint64(id[8:])))
}

// Mix spreads two hashes into one: the tie-break of an allocation and a node.
func Mix(a, b uint64) uint64 { return mix(a ^ mix(b)) }

func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	x ^= x >> 31
	return x
}
