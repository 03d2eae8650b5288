package jobspec

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
)

// Format gives a job file its canonical layout. A text that cannot be parsed is not touched: then there are diagnostics.
func Format(name string, src []byte) ([]byte, Diagnostics) {
	rep := newReport()
	rep.files[name] = src
	if !scan(rep, name, src, false) {
		return nil, rep.sorted()
	}
	if _, diags := hclsyntax.ParseConfig(src, name, hcl.InitialPos); diags.HasErrors() {
		rep.hcl(diags)
		return nil, rep.sorted()
	}
	return hclwrite.Format(src), nil
}
