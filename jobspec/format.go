package jobspec

import (
	"bytes"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
)

// Format gives a job file its canonical layout. A text that cannot be parsed is not touched: then there are diagnostics.
func Format(src []byte) ([]byte, Diagnostics) { return FormatFile("job.hcl", src) }

// FormatFile is Format with the name that diagnostics show.
func FormatFile(name string, src []byte) ([]byte, Diagnostics) {
	rep := newReport()
	rep.files[name] = src
	if !scan(rep, name, src, false) {
		return nil, rep.sorted()
	}
	if _, diags := hclsyntax.ParseConfig(src, name, hcl.InitialPos); diags.HasErrors() {
		rep.hcl(diags)
		return nil, rep.sorted()
	}
	out := ended(hclwrite.Format(ended(src)))
	for range 3 { // white space at the end of a line takes the library two rounds
		again := hclwrite.Format(out)
		if bytes.Equal(out, again) {
			break
		}
		out = again
	}
	return out, nil
}

// ended is a text whose last line has its end.
func ended(src []byte) []byte {
	if len(src) > 0 && !bytes.HasSuffix(src, []byte("\n")) {
		return append(bytes.Clone(src), '\n')
	}
	return src
}
