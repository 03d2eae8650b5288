package fleet

import "math"

// lowsMax bounds how many columns of numbers are kept; beyond it all are forgotten and made again when asked for.
const lowsMax = 32

// None is the number of a row that has none: more than any.
const None = math.MaxUint64

// Lows are a number for each row, which depends on its amounts and uses, and the least of each 64 rows. They follow the rows as
// Scores do.
type Lows struct {
	Of    []uint64
	Least []uint64 // by word of a bitmap

	number func(*Fleet, int32) uint64
	seen   uint64
}

// Lows finds or makes the column of numbers. The key must say all that they depend on beside the row. They are valid until the
// fleet changes. Do not change them.
func (f *Fleet) Lows(key any, number func(*Fleet, int32) uint64) *Lows {
	l, ok := f.lows[key]
	if !ok {
		if len(f.lows) >= lowsMax {
			clear(f.lows)
		}
		l = &Lows{number: number}
		f.lows[key] = l
	}
	for len(l.Of) < len(f.nodes) {
		l.Of = append(l.Of, None)
	}
	for len(l.Least) < f.words {
		l.Least = append(l.Least, None)
	}
	if !ok || f.changes.total-l.seen > changesMax {
		for row := range l.Of {
			l.Of[row] = l.number(f, int32(row))
		}
		for word := range l.Least {
			l.Least[word] = l.leastOf(word)
		}
	} else {
		for n := l.seen; n < f.changes.total; n++ {
			row := f.changes.rows[n%changesMax]
			l.Of[row] = l.number(f, row)
			l.Least[row>>6] = l.leastOf(int(row >> 6))
		}
	}
	l.seen = f.changes.total
	return l
}

func (l *Lows) leastOf(word int) uint64 {
	least := uint64(None)
	for _, n := range l.Of[word<<6 : min(word<<6+64, len(l.Of))] {
		least = min(least, n)
	}
	return least
}
