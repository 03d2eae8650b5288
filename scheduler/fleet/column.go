package fleet

import "berth/structs"

const (
	// columnsMax bounds how many attributes are kept as columns; beyond it all are forgotten and made again when asked for.
	columnsMax = 256
	// setsMax is up to how many values an attribute's rows are kept as a set for each value.
	setsMax = 128
)

// Column is one attribute of all nodes, each value by a small number. 0 means that the node has none.
type Column struct {
	Values []int32
	Names  []string // by number; Names[0] is ""

	read    func(*structs.Node) (string, bool)
	numbers map[string]int32
	sets    []Bitmap // the rows of each number, nil when there are too many
}

// Column finds or makes the column of a target such as `${meta.rack}`.
func (f *Fleet) Column(target string) *Column {
	if c, ok := f.columns[target]; ok {
		return c
	}
	if len(f.columns) >= columnsMax {
		clear(f.columns)
	}
	c := f.newColumn(func(n *structs.Node) (string, bool) { return Resolve(target, n) })
	f.columns[target] = c
	return c
}

func (f *Fleet) newColumn(read func(*structs.Node) (string, bool)) *Column {
	c := &Column{read: read, Values: make([]int32, len(f.nodes)), Names: []string{""}, numbers: map[string]int32{}, sets: []Bitmap{f.NewBitmap()}}
	for row := range f.nodes {
		c.sets[0].Set(int32(row))
	}
	for row, n := range f.nodes {
		if n != nil {
			c.set(int32(row), n)
		}
	}
	return c
}

// worn reports that most numbers are of values that no node has any more: it is time to number them anew.
func (c *Column) worn() bool { return len(c.Names) > 2*len(c.Values)+setsMax }

// Number is the number of a value, 0 if no node has it.
func (c *Column) Number(value string) int32 { return c.numbers[value] }

// Where makes into the set of the rows with the values that are in; 0 stands for those that have none.
func (c *Column) Where(in func(number int32) bool, into Bitmap) {
	clear(into)
	if c.sets != nil {
		for number, rows := range c.sets {
			if in(int32(number)) {
				into.Or(rows)
			}
		}
		return
	}
	for row, number := range c.Values {
		if in(number) {
			into.Set(int32(row))
		}
	}
}

// Among are the numbers of the values that some of the rows have.
func (c *Column) Among(rows Bitmap) []int32 {
	seen := make([]bool, len(c.Names))
	if c.sets != nil {
		for number, set := range c.sets {
			seen[number] = set.Meets(rows)
		}
	} else {
		for row := range rows.Rows {
			seen[c.Values[row]] = true
		}
	}
	var numbers []int32
	for number := range seen {
		if number > 0 && seen[number] {
			numbers = append(numbers, int32(number))
		}
	}
	return numbers
}

func (c *Column) set(row int32, n *structs.Node) {
	v, ok := c.read(n)
	if !ok {
		c.put(row, 0)
		return
	}
	number, known := c.numbers[v]
	if !known {
		number = int32(len(c.Names))
		c.Names = append(c.Names, v)
		c.numbers[v] = number
		if number >= setsMax {
			c.sets = nil
		} else if c.sets != nil {
			c.sets = append(c.sets, make(Bitmap, len(c.sets[0])))
		}
	}
	c.put(row, number)
}

func (c *Column) put(row, number int32) {
	if c.sets != nil {
		c.sets[c.Values[row]].Clear(row)
		c.sets[number].Set(row)
	}
	c.Values[row] = number
}

// grow adds a row, in bitmaps of that many words.
func (c *Column) grow(words int) {
	c.Values = append(c.Values, 0)
	for i := range c.sets {
		for len(c.sets[i]) < words {
			c.sets[i] = append(c.sets[i], 0)
		}
	}
}
