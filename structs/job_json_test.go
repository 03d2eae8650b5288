package structs

import (
	"bytes"
	"encoding/json"
	"testing"
)

// FuzzJobJSON goes the way of a job in the JSON of the API: it is decoded, completed, checked, compared, and kept. Nothing that is
// JSON may stop the server, and a job that is completed is complete.
func FuzzJobJSON(f *testing.F) {
	for _, s := range []string{
		`{"ID":"a","TaskGroups":[{"Name":"g","Tasks":[{"Name":"t","Driver":"docker","Config":{"image":"a","x":[1,2.5,null]}}]}]}`,
		`{"ID":"a","Type":"batch","Periodic":{"Specs":["0 3 * * *"],"TimeZone":"Europe/Paris"},"TaskGroups":[null,{"Tasks":[null],"Networks":[null],"Services":[{"Checks":[null]}]}]}`,
		`{"ID":"","Constraints":[null,{"Operand":"regexp","RTarget":"("}],"Spreads":[{"SpreadTarget":[null]}],"Update":{},"Multiregion":{"Regions":[null]}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		var j *Job
		if json.Unmarshal(src, &j) != nil || j == nil {
			return
		}
		j.Canonicalize()
		faults := j.Validate(Limits{}).Errors()
		again := j.Copy()
		again.Canonicalize()
		x, err := json.Marshal(j)
		if err != nil {
			t.Fatal(err)
		}
		if y, _ := json.Marshal(again); !bytes.Equal(x, y) {
			t.Fatalf("completed again it differs:\n%s\n%s", x, y)
		}
		if len(faults) > 0 {
			return
		}
		d, err := JobDiffOf(j, again, false)
		if err != nil || d.Type != DiffNone {
			t.Fatalf("a job differs from itself: %+v, %v", d, err)
		}
		raw, err := j.MarshalMsg(nil)
		if err != nil {
			t.Fatal(err)
		}
		var kept Job
		if _, err := kept.UnmarshalMsg(raw); err != nil {
			t.Fatal(err)
		}
	})
}
