package taskconfig

import (
	"os"
	"strings"
	"testing"
)

// The reference names every key that is accepted.
func TestTheReferenceNamesEveryKey(t *testing.T) {
	b, err := os.ReadFile("../../../docs/reference/driver.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range Schema() {
		if k.Refused == "" && !strings.Contains(string(b), "`"+k.Name+"`") {
			t.Errorf("docs/reference/driver.md does not name `%s`", k.Name)
		}
	}
}
