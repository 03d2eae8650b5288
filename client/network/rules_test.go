package network

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"

	"sigs.k8s.io/knftables"
)

var update = flag.Bool("update", false, "write the golden files anew")

func sampleElements() map[string][]element {
	ip := netip.MustParseAddr("172.26.64.2")
	return map[string][]element{"alloc-a": elementsOf(ip, vethName("berth0", "alloc-a"), []Port{
		{Label: "http", Host: 8080, To: 80},
		{Label: "again", Host: 8080, To: 80},
		{Label: "admin", HostIP: "127.0.0.1", Host: 9000, Protocols: []string{"tcp"}},
	})}
}

func TestTablesAreWhatTheGoldenFileSays(t *testing.T) {
	cfg := Config{AgentPorts: []uint16{4647, 4646, 4647}}.withDefaults()
	got := strings.Join(cfg.describeTables(sampleElements()), "\n") + "\n"
	const golden = "testdata/tables.nft"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal([]byte(got), want) {
		t.Errorf("tables are\n%s\nwant (run with -update if this is meant)\n%s", got, want)
	}
}

func TestRulesFollowTheSettings(t *testing.T) {
	text := strings.Join(Config{AllowMetadata: true}.withDefaults().describeTables(nil), "\n")
	for _, unwanted := range []string{"169.254.169.254", "tcp reset"} {
		if strings.Contains(text, unwanted) {
			t.Errorf("tables hold %q, which no setting asks for:\n%s", unwanted, text)
		}
	}
}

// fakeWriter is a rule writer on knftables' fake, which counts transactions and can be told to fail.
func fakeWriter() (w *ruleWriter, nft *fakeNft) {
	nft = &fakeNft{Fake: knftables.NewFake("", "")}
	w = newRuleWriter(Config{}.withDefaults())
	w.open = func() (ruleset, error) { return nft, nil }
	w.checkOwner = func(context.Context) error { return nft.foreign }
	return w, nft
}

type fakeNft struct {
	*knftables.Fake
	runs     int
	failNext int
	foreign  error
}

func (f *fakeNft) Run(ctx context.Context, tx *knftables.Transaction) error {
	f.runs++
	if f.failNext > 0 {
		f.failNext--
		return errors.New("nft failed")
	}
	return f.Fake.Run(ctx, tx)
}

func (f *fakeNft) elements(name string) int {
	if table := f.Tables[knftables.InetFamily]["berth"]; table != nil {
		return len(table.Maps[name].Elements)
	}
	return -1
}

func portElements(i int) []element {
	ip := uintToAddr(addrToUint(netip.MustParseAddr("172.26.64.0")) + uint32(i) + 2)
	return elementsOf(ip, fmt.Sprintf("bth%d", i), []Port{{Label: "http", Host: 20000 + i}})
}

func TestOneMoreAllocationCostsTheSameBesideMany(t *testing.T) {
	cfg := Config{}.withDefaults()
	have := map[string][]element{}
	for i := range 1000 {
		have[fmt.Sprintf("alloc-%d", i)] = portElements(i)
	}
	for name, beside := range map[string]map[string][]element{"none": {}, "1000": have} {
		want := map[string][]element{"new": portElements(5000)}
		for id, e := range beside {
			want[id] = e
		}
		tx := knftables.NewFake("", "").NewTransaction()
		cfg.change(tx, beside, want)
		if tx.NumOperations() != 4 {
			t.Errorf("beside %s: %d operations, want 4", name, tx.NumOperations())
		}
	}
}

func TestRuleWriterWritesDifferences(t *testing.T) {
	w, nft := fakeWriter()
	for i := range 3 {
		if err := w.set(fmt.Sprintf("alloc-%d", i), portElements(i)); err != nil {
			t.Fatal(err)
		}
	}
	if n := nft.elements(mapPortsAny); n != 6 {
		t.Fatalf("%d elements, want 6", n)
	}
	if err := w.set("alloc-1", portElements(1)); err != nil || nft.runs != 3 {
		t.Errorf("the same again: %v after %d runs, want no run", err, nft.runs)
	}
	if err := w.set("alloc-1", nil); err != nil || nft.elements(mapPortsAny) != 4 {
		t.Errorf("removal: %v, %d elements", err, nft.elements(mapPortsAny))
	}
	if text := nft.LastTransaction.String(); strings.Contains(text, "add ") {
		t.Errorf("removal wrote more than it had to:\n%s", text)
	}
	if err := w.remove(); err != nil || nft.elements(mapPortsAny) != -1 {
		t.Errorf("remove: %v, %d elements", err, nft.elements(mapPortsAny))
	}
}

func TestRuleWriterWritesEverythingAnewAfterAFailure(t *testing.T) {
	w, nft := fakeWriter()
	if err := errors.Join(w.set("a", portElements(0)), w.set("b", portElements(1))); err != nil {
		t.Fatal(err)
	}
	nft.failNext = 1
	if err := w.set("c", portElements(2)); err != nil {
		t.Errorf("error = %v, want it healed", err)
	}
	if n := nft.elements(mapPortsAny); n != 6 {
		t.Errorf("%d elements, want 6", n)
	}
	nft.failNext = 2
	if err := w.set("d", portElements(3)); err == nil {
		t.Error("no error although nft keeps failing")
	}
	if err := w.set("d", nil); err != nil {
		t.Error(err)
	}
	if err := w.set("e", portElements(4)); err != nil || nft.elements(mapPortsAny) != 8 {
		t.Errorf("after the failure: %v, %d elements, want 8", err, nft.elements(mapPortsAny))
	}
}

func TestRuleWriterBringsBackAnEarlierLife(t *testing.T) {
	w, nft := fakeWriter()
	w.seed(map[string][]element{"old": portElements(0), "older": portElements(1)})
	if err := w.set("unknown", nil); err != nil || nft.runs != 0 {
		t.Errorf("removing nothing: %v after %d runs, want none", err, nft.runs)
	}
	if err := w.set("old", nil); err != nil || nft.elements(mapPortsAny) != 2 {
		t.Errorf("removing what an earlier life made: %v, %d elements, want 2", err, nft.elements(mapPortsAny))
	}
}

func TestRuleWriterLeavesForeignTablesAlone(t *testing.T) {
	w, nft := fakeWriter()
	nft.foreign = errors.New("not ours")
	if err := w.set("a", portElements(0)); !errors.Is(err, nft.foreign) || nft.runs != 0 {
		t.Errorf("error = %v after %d runs", err, nft.runs)
	}
	if err := w.remove(); err != nil || nft.runs != 0 {
		t.Errorf("remove: %v after %d runs, want nothing done", err, nft.runs)
	}
}

func TestBatchJoinsCallsThatWait(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	var batches [][]int
	b := batch[int]{run: func(items []int) error {
		batches = append(batches, items)
		if len(batches) == 1 {
			close(started)
			<-release
			return nil
		}
		return errors.New("second")
	}}
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := b.do(0); err != nil {
			t.Error(err)
		}
	})
	<-started
	for i := 1; i <= 5; i++ {
		wg.Go(func() {
			if err := b.do(i); err == nil {
				t.Errorf("call %d: no error", i)
			}
		})
	}
	for waiting := 0; waiting < 5; {
		b.queue.Lock()
		waiting = len(b.waiting)
		b.queue.Unlock()
	}
	close(release)
	wg.Wait()
	if len(batches) != 2 || len(batches[1]) != 5 {
		t.Errorf("batches = %v, want the five that waited in one", batches)
	}
}
