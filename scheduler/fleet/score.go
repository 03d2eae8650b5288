package fleet

import "math"

// factorsMax bounds how many asks have a table of factors.
const factorsMax = 256

// factorTable holds, by capacity shape, what placing an ask multiplies the exponentials with.
type factorTable struct{ cpu, mem []float64 }

// Scorer scores rows for one ask of CPU and memory: the contract's binpack and spread formulas, as two multiplications, and
// the balance of what would be left. It stays valid until a node is added.
type Scorer struct {
	expCPU, expMem []float64 // by row
	shape          []int32   // by row
	cpu, mem       []float64 // by shape
	sign, offset   float64
	balance        balance // none with the spread algorithm
}

// Scorer makes the scorer of an ask; spread chooses the algorithm that prefers empty nodes. Without Balance it is the
// contract's formula.
func (f *Fleet) Scorer(cpuMHz, memoryMB int64, spread bool) Scorer {
	key := capacity{cpuMHz, memoryMB}
	t, ok := f.factors[key]
	if !ok {
		if len(f.factors) >= factorsMax {
			clear(f.factors)
		}
		t = &factorTable{}
		f.factors[key] = t
	}
	for len(t.cpu) < len(f.shapes) {
		shape := f.shapes[len(t.cpu)]
		t.cpu = append(t.cpu, shrink(cpuMHz, shape.cpu))
		t.mem = append(t.mem, shrink(memoryMB, shape.mem))
	}
	s := Scorer{expCPU: f.expCPU, expMem: f.expMem, shape: f.shape, cpu: t.cpu, mem: t.mem, sign: -1, offset: 20}
	if spread {
		s.sign, s.offset = 1, -2
	}
	return s
}

// pow10 is 10 to the power of a share, which is at most 1 unless what a node or an allocation holds is nonsense: an infinite number
// would make scores that are none.
func pow10(share float64) float64 { return math.Pow(10, min(share, 1)) }

func shrink(ask, capacity int64) float64 {
	if capacity <= 0 {
		return 1
	}
	return pow10(-float64(ask) / float64(capacity))
}

// Score is the score of the row with the ask placed on it: Fit, less what it lacks of balance; between -1 and 1.
func (s *Scorer) Score(row int32) float64 { return s.Balanced(row, s.Fit(row)) }

// Fit is the contract's score of the row with the ask placed on it, 0 to 1. Score is never more.
func (s *Scorer) Fit(row int32) float64 {
	shape := s.shape[row]
	return share18(s.offset + s.sign*(s.expCPU[row]*s.cpu[shape]+s.expMem[row]*s.mem[shape]))
}

// share18 clamps to 0..18 and gives the share of 18.
func share18(x float64) float64 {
	if x <= 0 {
		return 0
	}
	if x >= 18 {
		return 1
	}
	return x * (1.0 / 18)
}

// Fits reports that the row has the amounts free and may take one more allocation.
func (f *Fleet) Fits(row int32, cpuMHz, memoryMB, diskMB int64) bool {
	return f.freeCPU[row] >= cpuMHz && f.freeMem[row] >= memoryMB && f.freeDisk[row] >= diskMB && !f.Full(row)
}
