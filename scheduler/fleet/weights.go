package fleet

import "berth/structs"

// weightsMax bounds how many columns of weights are kept; beyond it all are forgotten and made again when asked for.
const weightsMax = 64

// Weights are a number for each node that depends on the node alone. They are kept up to date as nodes change.
type Weights struct {
	Of []float64 // by row, 0 without a node

	weigh func(*structs.Node) float64
}

// Weights finds or makes the column of numbers that weigh gives. The key must say all that they depend on. They are valid until
// a node changes. Do not change them.
func (f *Fleet) Weights(key string, weigh func(*structs.Node) float64) *Weights {
	if w, ok := f.weights[key]; ok {
		return w
	}
	if len(f.weights) >= weightsMax {
		clear(f.weights)
	}
	w := &Weights{Of: make([]float64, len(f.nodes)), weigh: weigh}
	for row, n := range f.nodes {
		w.set(int32(row), n)
	}
	f.weights[key] = w
	return w
}

// set weighs the row's node, nil for none.
func (w *Weights) set(row int32, n *structs.Node) {
	w.Of[row] = 0
	if n != nil {
		w.Of[row] = w.weigh(n)
	}
}
