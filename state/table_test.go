package state

import (
	"slices"
	"testing"
)

// The numbers of tables are written into snapshots: this list may only grow at its end.
func TestTablesKeepTheirNumbers(t *testing.T) {
	want := []string{
		"jobs", "job versions", "job submissions", "job summaries", "nodes", "allocations", "evaluations", "deployments",
		"scheduler configuration", "namespaces", "node pools", "authority roots", "join tokens",
	}
	var got []string
	for i := range TableCount {
		got = append(got, Table(i).String())
	}
	if len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
		t.Fatalf("the tables are %q\nand were %q:\nsnapshots of earlier versions would be read wrongly; put new tables at the end", got, want)
	}
}
