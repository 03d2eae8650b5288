package httpapi

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

//go:generate env BERTH_UPDATE=1 go test -run ^TestTheReferenceOfPermissionsIsFresh$ .

// TestTheReferenceOfPermissionsIsFresh compares the reference with what the routes declare; `make generate` writes it.
func TestTheReferenceOfPermissionsIsFresh(t *testing.T) {
	all := slices.Clone(newRig(t).api.permissions)
	slices.SortFunc(all, func(a, b Permission) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.Method, b.Method))
	})
	var b bytes.Buffer
	b.WriteString(`# Permissions

Made from the program by ` + "`make generate`" + `; do not edit. What they mean, and how to grant them: [control access](../how-to/control-access.md).

What each route needs while access control is on. PUT stands for POST as well. Of capabilities with a bar between them one is enough; they are those of the
namespace the request names, or of the object's own where it says so. A list of all namespaces (` + "`namespace=*`" + `) shows what is in those where the
capability is held.

| Method | Path | Needs |
|---|---|---|
`)
	for _, p := range all {
		fmt.Fprintf(&b, "| %s | `%s` | %s |\n", p.Method, p.Path, strings.ReplaceAll(p.Words, "|", " \\| "))
	}
	const path = "../../docs/reference/permissions.md"
	if os.Getenv("BERTH_UPDATE") != "" {
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(want, b.Bytes()) {
		t.Errorf("docs/reference/permissions.md is not what the routes declare (%v): run make generate", err)
	}
}
