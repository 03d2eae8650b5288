package jobspec

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"berth/internal/testjob"
)

// TestPiecesAreTheWhole: a file that is parsed in pieces, cut wherever it may be, has the same blocks, expressions and places.
func TestPiecesAreTheWhole(t *testing.T) {
	texts := map[string][]byte{"generated": testjob.Generated(16 << 10), "ordinary": testjob.Ordinary(), "no end": []byte("locals {\n a = 1\n}\njob \"j\" {\n b = 1\n c = [\n 1,\n ]\n g {\n  d = <<EOF\n x\n y\nEOF\n }\n}\nvariable \"v\" {\n}")}
	files, err := filepath.Glob("testdata/wild/*.hcl")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		if texts[f], err = os.ReadFile(f); err != nil {
			t.Fatal(err)
		}
	}
	cutAt := 0
	for name, src := range texts {
		f, diags := hclsyntax.ParseConfig(src, "job.hcl", hcl.InitialPos)
		if diags.HasErrors() {
			t.Fatal(name, diags)
		}
		for _, size := range []int{1, 7, 100, 1000} {
			p := plainScan{piece: size}
			if !p.whole(src) || len(p.cuts) == 0 {
				continue
			}
			body := parsePieces(src, "job.hcl", p.cuts)
			if body == nil {
				t.Errorf("%s in pieces of %d is not parsed", name, size)
				continue
			}
			cutAt += len(p.cuts)
			if !reflect.DeepEqual(f.Body, hcl.Body(body)) {
				t.Errorf("%s in pieces of %d is not the same", name, size)
			}
		}
	}
	if cutAt < 500 {
		t.Errorf("%d cuts", cutAt)
	}
}

// TestPiecesHideNoFault: names that are there twice, far from each other, and faults anywhere in a large file are told.
func TestPiecesHideNoFault(t *testing.T) {
	whole := testjob.Generated(64 << 10)
	for name, c := range map[string]struct{ old, new string }{
		"a name twice": {"    task \"work\" {\n", "    count = 2\n    task \"work\" {\n"},
		"far apart":    {"\n}\n", "\n  type = \"batch\"\n}\n"},
		"a sign":       {"driver = \"docker\"", "driver = \"docker\" ]"},
		"an end":       {"\n}\n", "\n"},
		"an object":    {"job \"generated\" {", "job = {"},
	} {
		i := bytes.LastIndex(whole, []byte(c.old))
		src := append(append(bytes.Clone(whole[:i]), c.new...), whole[i+len(c.old):]...)
		if bytes.Equal(src, whole) {
			t.Fatal(name)
		}
		_, want := hclsyntax.ParseConfig(src, "job.hcl", hcl.InitialPos)
		_, got := parseNative(src, "job.hcl")
		if len(want) == 0 || want.Error() != got.Error() {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}
