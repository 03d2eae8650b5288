package idgen

import (
	crand "crypto/rand"
	"encoding/binary"
	"hash/fnv"
	"math/rand/v2"
	"sync"

	"berth/structs"
)

// Source makes ids that were not made before. It is safe for concurrent use.
type Source interface{ NewID() structs.ID }

// Random is the source of a production process: ids nobody can guess.
func Random() Source { return random{} }

type random struct{}

// NewID implements Source.
func (random) NewID() structs.ID {
	var id structs.ID
	// Why: since Go 1.24 the kernel's generator cannot fail, Read never returns an error.
	_, _ = crand.Read(id[:])
	return stamp(id)
}

// SeededSource is a source whose ids follow from its seed.
type SeededSource struct {
	seed uint64
	mu   sync.Mutex // guards rng
	rng  *rand.PCG
}

// Seeded is a source for tests and simulations: equal seeds give equal ids in equal order.
func Seeded(seed uint64) *SeededSource {
	return &SeededSource{seed: seed, rng: rand.NewPCG(seed, seed^0x9e3779b97f4a7c15)}
}

// NewID implements Source.
func (s *SeededSource) NewID() structs.ID {
	var id structs.ID
	s.mu.Lock()
	binary.BigEndian.PutUint64(id[:8], s.rng.Uint64())
	binary.BigEndian.PutUint64(id[8:], s.rng.Uint64())
	s.mu.Unlock()
	return stamp(id)
}

// Child is a source of its own for a part of the program: what one part draws does not shift what another gets.
func (s *SeededSource) Child(name string) *SeededSource {
	h := fnv.New64a()
	_ = binary.Write(h, binary.BigEndian, s.seed)
	_, _ = h.Write([]byte(name))
	return Seeded(h.Sum64())
}

// stamp sets the version and variant bits; they also keep an id from being zero.
func stamp(id structs.ID) structs.ID {
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id
}
