package httpapi

import (
	"bytes"
	"encoding/json"
	"strconv"

	"berth/structs"
)

// allocLine is an allocation of the state as a list shows it: the line is made when it is written, for one of 10,000 would be 4 MB of them.
type allocLine structs.Allocation

func (l *allocLine) write(buf *bytes.Buffer, enc *json.Encoder) error {
	var s structs.AllocListStub
	(*structs.Allocation)(l).StubIn(&s)
	return writeAlloc(buf, enc, &s)
}

// MarshalJSON implements json.Marshaler.
func (l *allocLine) MarshalJSON() ([]byte, error) {
	buf, enc := encoded()
	err := l.write(buf, enc)
	return buf.Bytes(), err
}

// writeAlloc writes an allocation of a list as the encoder of JSON would, at a fraction of its cost: these lists are long and read often.
func writeAlloc(buf *bytes.Buffer, enc *json.Encoder, s *structs.AllocListStub) error {
	w := fields{buf: buf, enc: enc}
	w.id(`{"ID":`, s.ID)
	w.id(`,"EvalID":`, s.EvalID)
	w.text(`,"Name":`, s.Name)
	w.text(`,"Namespace":`, s.Namespace)
	w.id(`,"NodeID":`, s.NodeID)
	w.text(`,"NodeName":`, s.NodeName)
	w.text(`,"JobID":`, s.JobID)
	w.text(`,"JobType":`, s.JobType)
	w.unsigned(`,"JobVersion":`, s.JobVersion)
	w.text(`,"TaskGroup":`, s.TaskGroup)
	if s.AllocatedResources != nil {
		w.value(`,"AllocatedResources":`, s.AllocatedResources)
	}
	w.text(`,"DesiredStatus":`, s.DesiredStatus)
	w.text(`,"DesiredDescription":`, s.DesiredDescription)
	if s.DesiredTransition == (structs.DesiredTransition{}) {
		buf.WriteString(noTransition)
	} else {
		w.value(`,"DesiredTransition":`, s.DesiredTransition)
	}
	w.text(`,"ClientStatus":`, s.ClientStatus)
	w.text(`,"ClientDescription":`, s.ClientDescription)
	w.unless(`,"TaskStates":`, s.TaskStates == nil, s.TaskStates)
	w.unless(`,"DeploymentStatus":`, s.DeploymentStatus == nil, s.DeploymentStatus)
	w.id(`,"FollowupEvalID":`, s.FollowupEvalID)
	w.id(`,"NextAllocation":`, s.NextAllocation)
	w.unless(`,"RescheduleTracker":`, s.RescheduleTracker == nil, s.RescheduleTracker)
	w.unless(`,"PreemptedAllocations":`, s.PreemptedAllocations == nil, s.PreemptedAllocations)
	w.id(`,"PreemptedByAllocation":`, s.PreemptedByAllocation)
	w.unsigned(`,"CreateIndex":`, s.CreateIndex)
	w.unsigned(`,"ModifyIndex":`, s.ModifyIndex)
	w.signed(`,"CreateTime":`, s.CreateTime)
	w.signed(`,"ModifyTime":`, s.ModifyTime)
	buf.WriteByte('}')
	return w.err
}

// noTransition is that of most allocations.
const noTransition = `,"DesiredTransition":{"Migrate":null,"Reschedule":null,"ForceReschedule":null,"NoShutdownDelay":null,"MigrateDisablePlacement":null}`

// fields writes names with their values behind them. It keeps the first error.
type fields struct {
	buf *bytes.Buffer
	enc *json.Encoder
	err error
}

func (f *fields) id(name string, id structs.ID) {
	f.buf.WriteString(name)
	text := append(f.buf.AvailableBuffer(), '"')
	if !id.IsZero() {
		text = id.Append(text)
	}
	f.buf.Write(append(text, '"'))
}

func (f *fields) text(name, s string) {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			f.value(name, s)
			return
		}
	}
	f.buf.WriteString(name)
	f.buf.WriteByte('"')
	f.buf.WriteString(s)
	f.buf.WriteByte('"')
}

func (f *fields) unsigned(name string, n uint64) {
	f.buf.WriteString(name)
	f.buf.Write(strconv.AppendUint(f.buf.AvailableBuffer(), n, 10))
}

func (f *fields) signed(name string, n int64) {
	f.buf.WriteString(name)
	f.buf.Write(strconv.AppendInt(f.buf.AvailableBuffer(), n, 10))
}

// unless writes null for what is not there.
func (f *fields) unless(name string, missing bool, v any) {
	if missing {
		f.buf.WriteString(name)
		f.buf.WriteString("null")
		return
	}
	f.value(name, v)
}

func (f *fields) value(name string, v any) {
	f.buf.WriteString(name)
	if err := f.enc.Encode(v); err != nil {
		if f.err == nil {
			f.err = err
		}
		return
	}
	f.buf.Truncate(f.buf.Len() - 1) // the encoder's line end
}
