package jobspec

import (
	"os"
	"testing"

	"berth/internal/testjob"
	"berth/structs"
)

func benchParse(b *testing.B, src []byte) {
	b.Helper()
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if res, diags := Parse(ParseOptions{Filename: "job.hcl", Source: src}); res == nil {
			b.Fatal(diags.Err())
		}
	}
}

func BenchmarkParseOrdinary(b *testing.B) { benchParse(b, testjob.Ordinary()) }

func BenchmarkParseMegabyte(b *testing.B) { benchParse(b, testjob.Generated(1<<20)) }

func BenchmarkParseWeb(b *testing.B) {
	src, err := os.ReadFile("../examples/web.hcl")
	if err != nil {
		b.Fatal(err)
	}
	benchParse(b, src)
}

func BenchmarkFormatOrdinary(b *testing.B) {
	src := testjob.Ordinary()
	for b.Loop() {
		if _, diags := Format(src); diags.HasErrors() {
			b.Fatal(diags.Err())
		}
	}
}

func BenchmarkCanonicalizeAndValidate(b *testing.B) {
	res, _ := Parse(ParseOptions{Source: testjob.Ordinary()})
	for b.Loop() {
		job := res.Job.Copy()
		job.Canonicalize()
		if len(job.Validate(structs.Limits{}).Errors()) > 0 {
			b.Fatal("not valid")
		}
	}
}
