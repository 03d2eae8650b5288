package structs

import (
	"bytes"
	"slices"

	"github.com/tinylib/msgp/msgp"
)

// usual are values that most jobs have alike, the defaults of their policies, as they are encoded: who decodes one of these is given the
// value that is there, and reads and allocates nothing. Nobody changes them, as nobody changes what is in the state.
type usual[T any] []usualValue[T]

type usualValue[T any] struct {
	text  []byte
	value *T
}

// The usual values of the policies of jobs. They are constant.
var (
	usualUpdateStrategy   = usualOf(func(g *TaskGroup) *UpdateStrategy { return g.Update })
	usualMigrateStrategy  = usualOf(func(g *TaskGroup) *MigrateStrategy { return g.Migrate })
	usualRestartPolicy    = usualOf(func(g *TaskGroup) *RestartPolicy { return g.RestartPolicy })
	usualReschedulePolicy = usualOf(func(g *TaskGroup) *ReschedulePolicy { return g.ReschedulePolicy })
	usualEphemeralDisk    = usualOf(func(g *TaskGroup) *EphemeralDisk { return g.EphemeralDisk })
	usualLogConfig        = usualOf(func(g *TaskGroup) *LogConfig { return g.Tasks[0].LogConfig })
)

// codec is a pointer to a value with an encoding.
type codec[T any] interface {
	*T
	msgp.Marshaler
	msgp.Unmarshaler
}

// usualOf collects a value of jobs of each type about which nothing was said.
func usualOf[T any, P codec[T]](of func(*TaskGroup) P) (u usual[T]) {
	for _, kind := range []string{JobTypeService, JobTypeBatch, JobTypeSystem, JobTypeSysBatch} {
		j := &Job{Type: kind, TaskGroups: []*TaskGroup{{Tasks: []*Task{{}}}}}
		j.Canonicalize()
		value := of(j.TaskGroups[0])
		if value == nil {
			continue
		}
		text, err := value.MarshalMsg(nil)
		if err == nil && !slices.ContainsFunc(u, func(v usualValue[T]) bool { return bytes.Equal(v.text, text) }) {
			u = append(u, usualValue[T]{text, value})
		}
	}
	return u
}

// decodeUsual reads a value, and gives what follows it. Encoded values have no ends but their own: what begins like one is that.
func decodeUsual[T any, P codec[T]](u usual[T], b []byte, _ P) (P, []byte, error) {
	for _, v := range u {
		if bytes.HasPrefix(b, v.text) {
			return v.value, b[len(v.text):], nil
		}
	}
	value := P(new(T))
	rest, err := value.UnmarshalMsg(b)
	return value, rest, err
}
