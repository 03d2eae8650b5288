package jobspec

import (
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclwrite"

	"berth/structs"
)

// submission keeps the text and the variables as they were given: flags by name, and files as one text that can be given
// again as a file.
func (e *evaluator) submission(opts ParseOptions) *structs.JobSubmission {
	s := &structs.JobSubmission{Source: string(opts.Source), Format: "hcl2", VariableFlags: map[string]string{}}
	if isJSON(opts) {
		s.Format = "json"
	}
	switch {
	case len(opts.VarFiles) == 1 && !strings.HasSuffix(opts.VarFiles[0].Name, ".json"):
		s.Variables = string(opts.VarFiles[0].Source)
	case len(opts.VarFiles) > 0:
		f := hclwrite.NewEmptyFile()
		for _, name := range slices.Sorted(maps.Keys(e.given)) {
			f.Body().SetAttributeValue(name, e.given[name])
		}
		s.Variables = string(f.Bytes())
	}
	for _, f := range opts.Vars {
		if name, text, ok := strings.Cut(f, "="); ok {
			s.VariableFlags[strings.TrimSpace(name)] = text
		}
	}
	return s
}
