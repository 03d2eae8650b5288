package jobspec

import "github.com/zclconf/go-cty/cty"

// unifyWork are the units of finding one type for the elements of a value: the library compares each that is different from
// the one before with all others.
func unifyWork(v cty.Value) int {
	v, _ = v.Unmark()
	if t := v.Type(); !t.IsTupleType() && !t.IsObjectType() || v.IsNull() || !v.IsKnown() {
		return 0
	}
	n, differ := 0, 0
	last := cty.NilType
	for it := v.ElementIterator(); it.Next(); {
		_, e := it.Element()
		n = min(n+unifyWork(e), maxWork+1)
		if last != cty.NilType && !last.Equals(e.Type()) {
			differ++
		}
		last = e.Type()
	}
	return min(n+min(differ, maxWork)*differ*elementWork, maxWork+1)
}

// sortWork are the units of sorting the types of the elements of a list that a value is made into: the library compares each
// with all others, also when they are equal.
func sortWork(v cty.Value) int {
	v, _ = v.Unmark()
	if t := v.Type(); !t.IsTupleType() && !t.IsObjectType() || v.IsNull() || !v.IsKnown() {
		return 0
	}
	n := min(v.LengthInt(), maxWork)
	return min(n*min(parts(v, maxWork), maxWork)*3/2, maxWork+1) + unifyWork(v)
}

// parts counts the elements of a value, and theirs, and stops at a limit.
func parts(v cty.Value, limit int) int {
	v, _ = v.Unmark()
	if v.IsNull() || !v.IsKnown() || v.Type().IsPrimitiveType() || !v.CanIterateElements() {
		return 0
	}
	n := 0
	for it := v.ElementIterator(); it.Next() && n < limit; {
		_, e := it.Element()
		n += 1 + parts(e, limit-n)
	}
	return n
}

// matchWork are the units of finding one type for a value and another: of lists, each element is compared with all.
func matchWork(v cty.Value) int {
	v, _ = v.Unmark()
	if t := v.Type(); !t.IsTupleType() && !t.IsObjectType() || v.IsNull() || !v.IsKnown() {
		return 0
	}
	return min(v.LengthInt()*(workOf(v, maxWork, 0)/elementWork), maxWork+1)
}

// convertWork are the units of making a value one of a type: attributes that a type has and the value has not are made too.
func convertWork(v cty.Value, want cty.Type) int {
	v, _ = v.Unmark()
	if want == cty.Number && longDigits(v) {
		return maxWork + 1
	}
	if v.IsNull() || !v.IsKnown() || want.IsPrimitiveType() || !v.CanIterateElements() {
		return 1
	}
	n := 0
	if want == cty.DynamicPseudoType || want.IsCollectionType() && want.ElementType().HasDynamicTypes() {
		n = sortWork(v)
	}
	if want.IsObjectType() {
		n += elementWork * len(want.AttributeTypes())
	}
	i := 0
	for it := v.ElementIterator(); it.Next() && n <= maxWork; i++ {
		k, e := it.Element()
		n += elementWork
		if want.IsSetType() {
			n += 3 * elementWork // each is hashed and compared
		}
		switch {
		case want.IsCollectionType():
			n += convertWork(e, want.ElementType())
		case want.IsObjectType() && k.Type() == cty.String && want.HasAttribute(k.AsString()):
			n += convertWork(e, want.AttributeType(k.AsString()))
		case want.IsTupleType() && i < want.Length():
			n += convertWork(e, want.TupleElementType(i))
		}
	}
	return min(n, maxWork+1)
}
