package jobspec

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"
)

// TestReferenceIsFresh compares the generated files with what the table says now.
func TestReferenceIsFresh(t *testing.T) {
	for name, write := range map[string]func(io.Writer) error{"jobspec.md": WriteReference, "jobspec.schema.json": WriteSchema} {
		have, err := os.ReadFile("../docs/reference/" + name)
		if err != nil {
			t.Fatal(err)
		}
		var want bytes.Buffer
		if err := write(&want); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(have, want.Bytes()) {
			t.Errorf("docs/reference/%s is not what the table says: run go generate ./jobspec", name)
		}
	}
}

// TestSchemaRefers checks that every reference of the schema leads somewhere.
func TestSchemaRefers(t *testing.T) {
	var b bytes.Buffer
	if err := WriteSchema(&b); err != nil {
		t.Fatal(err)
	}
	var top map[string]any
	if err := json.Unmarshal(b.Bytes(), &top); err != nil {
		t.Fatal(err)
	}
	defs := top["$defs"].(map[string]any)
	var walk func(v any)
	walk = func(v any) {
		switch x := v.(type) {
		case map[string]any:
			if ref, ok := x["$ref"].(string); ok {
				if _, there := defs[strings.TrimPrefix(ref, "#/$defs/")]; !there {
					t.Errorf("%s leads nowhere", ref)
				}
			}
			for _, e := range x {
				walk(e)
			}
		case []any:
			for _, e := range x {
				walk(e)
			}
		}
	}
	walk(top)
	if len(defs) < 40 {
		t.Errorf("only %d blocks", len(defs))
	}
}
