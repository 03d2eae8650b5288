package fleet

import "math"

// balanceWeight is how much the direction of what is left counts beside how little is left. Measured on traces of mixed jobs
// (make bench-placing): 8 to 12 need the fewest machines, more keeps too many nodes open.
const balanceWeight = 10

// balance compares what an ask takes with what a node should still be given. Nodes that are filled without it run out of CPU
// or of memory while the other is left over: one machine in twenty and more. Vector bin packing takes the node whose rest
// points the way the ask does (Panigrahy and others, "Heuristics for vector bin packing", 2011; Grandl and others, "Multi-
// resource packing for cluster schedulers", SIGCOMM 2014).
//
// The rest is not what is free, but what is free less what nobody will ask for: when all that runs wants three parts of CPU
// for one of memory, two thirds of the memory stay free on every node, and a node that is that far is in balance. So jobs of
// one shape are packed as the contract's formula alone packs them.
type balance struct {
	freeCPU, freeMem []int64      // by row
	slack            [][2]float64 // by shape: the MHz and MB nobody will ask for; nil: the contract's formula alone
	perCPU, perMem   float64      // of all that the rows have
	askCPU, askMem   float64      // the direction of the ask, of length 1
	last             balanced
}

// Balance makes the score prefer rows whose rest has the shape of the ask: among are the sums of the nodes it competes on, count
// is how many are to be placed.
func (s *Scorer) Balance(f *Fleet, among *Amounts, cpuMHz, memoryMB int64, count int) {
	if s.sign > 0 || among.CapCPU <= 0 || among.CapMem <= 0 || cpuMHz <= 0 || memoryMB <= 0 {
		return
	}
	capCPU, capMem := among.CapCPU, among.CapMem
	b := balance{freeCPU: f.freeCPU, freeMem: f.freeMem, perCPU: 1 / float64(capCPU), perMem: 1 / float64(capMem), last: balanced{shape: -1}}
	b.askCPU, b.askMem = float64(cpuMHz)*b.perCPU, float64(memoryMB)*b.perMem
	cpu := float64(capCPU-among.FreeCPU)*b.perCPU + float64(count)*b.askCPU
	mem := float64(capMem-among.FreeMem)*b.perMem + float64(count)*b.askMem
	most := max(cpu, mem)
	b.slack = make([][2]float64, len(f.shapes))
	for i, shape := range f.shapes {
		b.slack[i] = [2]float64{float64(shape.cpu) * (1 - cpu/most), float64(shape.mem) * (1 - mem/most)}
	}
	length := math.Sqrt(b.askCPU*b.askCPU + b.askMem*b.askMem)
	b.askCPU, b.askMem = b.askCPU/length, b.askMem/length
	s.balance = b
}

// Balanced lowers the Fit of a row by what it lacks of balance: nothing where the rest has the shape of the ask. Below 0 it
// comes ever closer to -1, so that other scores keep their weight.
func (s *Scorer) Balanced(row int32, fit float64) float64 {
	score, _ := s.Reaching(row, fit, math.Inf(-1))
	return score
}

// Reaching is Balanced, or false where that is less than a bound: most rows of a search are, which two products tell.
func (s *Scorer) Reaching(row int32, fit, least float64) (score float64, ok bool) {
	b := &s.balance
	if b.slack == nil {
		return fit, fit >= least
	}
	freeCPU, freeMem, shape := b.freeCPU[row], b.freeMem[row], s.shape[row]
	if l := &b.last; l.freeCPU == freeCPU && l.freeMem == freeMem && l.shape == shape && l.fit == fit { // as the row before: empty ones are
		return l.score, l.score >= least
	}
	cpu := (float64(freeCPU) - b.slack[shape][0]) * b.perCPU
	mem := (float64(freeMem) - b.slack[shape][1]) * b.perMem
	along, square := cpu*b.askCPU+mem*b.askMem, cpu*cpu+mem*mem
	// The cosine that the bound needs; a little less, for what rounding takes.
	if needs := 1 - (fit-unsquashed(least))/balanceWeight - 1e-9; needs > 0 && (along <= 0 || along*along < needs*needs*square) {
		return 0, false
	}
	score = fit
	if square > 0 {
		score = squashed(fit + balanceWeight*(min(along/math.Sqrt(square), 1)-1))
	}
	b.last = balanced{freeCPU, freeMem, shape, fit, score}
	return score, score >= least
}

// balanced is a row and its score.
type balanced struct {
	freeCPU, freeMem int64
	shape            int32
	fit, score       float64
}

// squashed keeps what is above 0, and brings what is below between 0 and -1.
func squashed(x float64) float64 {
	if x < 0 {
		return x / (1 - x)
	}
	return x
}

func unsquashed(x float64) float64 {
	switch {
	case x <= -1:
		return math.Inf(-1)
	case x < 0:
		return x / (1 + x)
	}
	return x
}
