package fleet

import "math"

// factorsMax bounds how many asks have a table of factors.
const factorsMax = 256

// factorTable holds, by capacity shape, what placing an ask multiplies the exponentials with.
type factorTable struct{ cpu, mem []float64 }

// Scorer scores rows for one ask of CPU and memory: the contract's binpack and spread formulas, as two multiplications.
// It stays valid while only allocations change.
type Scorer struct {
	f        *Fleet
	cpu, mem []float64
	spread   bool
}

// Scorer makes the scorer of an ask; spread chooses the algorithm that prefers empty nodes.
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
	return Scorer{f: f, cpu: t.cpu, mem: t.mem, spread: spread}
}

func shrink(ask, capacity int64) float64 {
	if capacity <= 0 {
		return 1
	}
	return math.Pow(10, -float64(ask)/float64(capacity))
}

// Score is the fit score of the row with the ask placed on it, 0 to 1.
func (s *Scorer) Score(row int32) float64 {
	f := s.f
	shape := f.shape[row]
	total := f.expCPU[row]*s.cpu[shape] + f.expMem[row]*s.mem[shape]
	if s.spread {
		return clamp18(total-2) / 18
	}
	return clamp18(20-total) / 18
}

func clamp18(x float64) float64 { return min(max(x, 0), 18) }

// Fits reports that the row has the amounts free and may take one more allocation.
func (f *Fleet) Fits(row int32, cpuMHz, memoryMB, diskMB int64) bool {
	return f.freeCPU[row] >= cpuMHz && f.freeMem[row] >= memoryMB && f.freeDisk[row] >= diskMB && !f.Full(row)
}
