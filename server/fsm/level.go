package fsm

import (
	"strconv"

	"berth/structs"
)

// linkedLevel is set by the linker and by nothing else, for tests with a program that knows fewer kinds than this tree.
var linkedLevel string

// Level is the newest kind of command this program applies.
func Level() structs.CommandKind {
	if n, err := strconv.ParseUint(linkedLevel, 10, 16); err == nil && n < uint64(structs.CmdLast) {
		return structs.CommandKind(n)
	}
	return structs.CmdLast
}
