package heap

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

type thing struct{ value, at int }

func before(a, b *thing) bool { return a.value < b.value }

// Whatever is done to it, the heap holds what was put in and not taken out, and gives the least first.
func TestIsAQueueByOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := New(before, func(x *thing, at int) { x.at = at })
		var model []*thing
		drop := func(x *thing) { model = slices.DeleteFunc(model, func(y *thing) bool { return x == y }) }
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			value := rapid.IntRange(0, 20).Draw(t, "value")
			act := rapid.IntRange(0, 4).Draw(t, "act")
			if act == 0 || len(model) == 0 {
				x := &thing{value: value}
				h.Push(x)
				model = append(model, x)
				continue
			}
			one := model[rapid.IntRange(0, len(model)-1).Draw(t, "one")]
			switch act {
			case 1:
				drop(h.Pop())
			case 2:
				if h.Remove(one.at) != one || one.at != -1 {
					t.Fatalf("took another one out than asked for")
				}
				drop(one)
			case 3:
				one.value = value
				h.Fix(one.at)
			case 4:
				drop(h.Top())
				x := &thing{value: value}
				h.Replace(x)
				model = append(model, x)
			}
			if h.Len() != len(model) {
				t.Fatalf("%d in the heap, want %d", h.Len(), len(model))
			}
			for _, x := range model {
				if h.items[x.at] != x || h.Top().value > x.value {
					t.Fatalf("%+v is not where it was told to be, or before the top %+v", x, h.Top())
				}
			}
		}
	})
}

func TestOfOrdersWhatItIsGiven(t *testing.T) {
	h := Of([]int{5, 3, 9, 1, 7, 1}, func(a, b int) bool { return a < b })
	var got []int
	for h.Len() > 0 {
		got = append(got, h.Pop())
	}
	if !slices.Equal(got, []int{1, 1, 3, 5, 7, 9}) {
		t.Errorf("came out as %v", got)
	}
}
