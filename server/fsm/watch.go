package fsm

import "berth/structs"

// Watch is told how an entry is applied, by the applying goroutine. It measures: the state machine itself reads no clock.
type Watch interface {
	// Begin is the beginning of an entry. What was applied since the last End was taken back.
	Begin()
	// Applied is the end of a command, whether it was refused or not.
	Applied(kind structs.CommandKind)
	// End is the end of the entry.
	End()
}

// Watched sets who is told; before the first entry.
func (f *FSM) Watched(w Watch) { f.watch = w }

// unwatched is nobody.
type unwatched struct{}

func (unwatched) Begin()                      {}
func (unwatched) Applied(structs.CommandKind) {}
func (unwatched) End()                        {}
