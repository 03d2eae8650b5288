package placing

import (
	"testing"

	"go.uber.org/goleak"

	"berth/bench"
	"berth/structs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The loop over the nodes allocates nothing, whatever the group asks for.
func TestScoringAllocatesNothing(t *testing.T) {
	figures, err := scoring()
	if err != nil || figures[0].Measured != 0 {
		t.Errorf("%+v, %v", figures, err)
	}
}

// Jobs of all shapes are put together so that neither CPU nor memory is left over.
func TestPackingNeedsFewMachines(t *testing.T) {
	t.Parallel()
	if used, bound := pack(1500, smallTasks, 100); used*100 > bound*104 {
		t.Errorf("%d machines for what fills %d", used, bound)
	}
}

func TestTheCasesPlaceWhatTheyMeasure(t *testing.T) {
	if _, err := crowdRound(t.Context(), t.TempDir(), 5, 20, 2, func(int, *structs.Job) {}); err != nil {
		t.Error(err)
	}
	if _, _, _, err := largeRound(t.Context(), t.TempDir(), 20); err != nil {
		t.Error(err)
	}
	figures, err := fill(t.Context(), t.TempDir(), 10, 2, 1000)
	if err != nil || figures[1].Measured <= 0 {
		t.Errorf("%+v, %v", figures, err)
	}
	bench.Print(t.Output(), figures)
}
