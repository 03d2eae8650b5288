package cli

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
)

// Who is asked may answer, leave, or tell the command to end, which then does not wait for an answer.
func TestAQuestion(t *testing.T) {
	in, answers, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	var out strings.Builder
	e := &env{in: in, out: &out}

	ended, end := context.WithCancel(t.Context())
	end()
	if yes, err := e.confirm(ended, "Go on? "); yes || !errors.Is(err, context.Canceled) {
		t.Errorf("told to end: %v, %v", yes, err)
	}
	if _, err := answers.WriteString("y\nno\n"); err != nil {
		t.Fatal(err)
	}
	if yes, err := e.confirm(t.Context(), "Go on? "); !yes || err != nil {
		t.Errorf("answered y: %v, %v", yes, err)
	}
	if err := e.agreed(t.Context(), "Go on? "); err == nil || err.Error() != "nothing was changed" {
		t.Errorf("answered no: %v", err)
	}
	answers.Close()
	if yes, err := e.confirm(t.Context(), "Go on? "); yes || !errors.Is(err, errNobody) {
		t.Errorf("left: %v, %v", yes, err)
	}
	if err := e.agreed(t.Context(), "Go on? "); err == nil || err.Error() != "nothing was changed" {
		t.Errorf("left where nothing else is to be said: %v", err)
	}
	if want := "Go on? \nGo on? Go on? Go on? \nGo on? \n"; out.String() != want {
		t.Errorf("said %q", out.String())
	}
}
