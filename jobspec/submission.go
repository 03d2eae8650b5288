package jobspec

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"berth/structs"
)

// submission keeps the text and the variables as they were given, so that they can be given again: texts, numbers and truth
// values of flags and of the environment by name, line breaks in them escaped as in a URL; files, and other values of flags
// and of the environment, as one file.
func (e *evaluator) submission(opts ParseOptions) *structs.JobSubmission {
	s := &structs.JobSubmission{Source: string(opts.Source), Format: "hcl2", VariableFlags: map[string]string{}}
	if isJSON(opts) {
		s.Format = "json"
	}
	var lines strings.Builder
	inFiles := maps.Clone(e.given)
	for _, v := range e.vars {
		switch {
		case v.text == nil:
		case v.typ.IsPrimitiveType() || v.asText():
			s.VariableFlags[v.name] = strings.ReplaceAll(*v.text, "\n", "%0A")
		default:
			fmt.Fprintf(&lines, "%s = %s\n", v.name, *v.text)
			delete(inFiles, v.name)
		}
	}
	switch {
	case len(opts.VarFiles) == 1 && !strings.HasSuffix(opts.VarFiles[0].Name, ".json") && len(inFiles) == len(e.given):
		s.Variables = string(opts.VarFiles[0].Source)
		if lines.Len() > 0 && s.Variables != "" && !strings.HasSuffix(s.Variables, "\n") {
			s.Variables += "\n"
		}
	case len(inFiles) > 0:
		f := hclwrite.NewEmptyFile()
		for _, name := range slices.Sorted(maps.Keys(inFiles)) {
			f.Body().SetAttributeValue(name, inFiles[name])
		}
		s.Variables = string(f.Bytes())
	}
	s.Variables += lines.String()
	return s
}

// asText reports that values from flags and the environment are taken as they are, not as expressions.
func (v *variable) asText() bool {
	return v.typ == cty.String || v.typ == cty.DynamicPseudoType && (v.deflt == cty.NilVal || v.deflt.Type() == cty.String)
}
