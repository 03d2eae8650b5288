package jobspec

import (
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/gohcl"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	hcljson "github.com/hashicorp/hcl/v2/json"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"berth/structs"
)

// Namespace reads the description of a namespace, in HCL or HCL's JSON form.
func Namespace(name string, src []byte) (*structs.Namespace, Diagnostics) {
	var f struct {
		Name         string   `hcl:"name"`
		Description  string   `hcl:"description,optional"`
		Capabilities *nsRules `hcl:"capabilities,block"`
		Rest         hcl.Body `hcl:",remain"`
	}
	meta, diags := readObject(name, src, &f, func() hcl.Body { return f.Rest })
	if diags.HasErrors() {
		return nil, diags
	}
	ns := &structs.Namespace{Name: f.Name, Description: f.Description, Meta: meta}
	if c := f.Capabilities; c != nil {
		ns.Capabilities = &structs.NamespaceCapabilities{EnabledTaskDrivers: c.Enabled, DisabledTaskDrivers: c.Disabled,
			EnabledNetworkModes: c.EnabledNetwork, DisabledNetworkModes: c.DisabledNetwork}
	}
	return ns, diags
}

type nsRules struct {
	Enabled         []string `hcl:"enabled_task_drivers,optional"`
	Disabled        []string `hcl:"disabled_task_drivers,optional"`
	EnabledNetwork  []string `hcl:"enabled_network_modes,optional"`
	DisabledNetwork []string `hcl:"disabled_network_modes,optional"`
}

// NodePool reads the description of a node pool, in HCL or HCL's JSON form. In HCL it stands in a block node_pool "name".
func NodePool(name string, src []byte) (*structs.NodePool, Diagnostics) {
	type scheduler struct {
		Algorithm        string `hcl:"scheduler_algorithm,optional"`
		Oversubscription *bool  `hcl:"memory_oversubscription_enabled,optional"`
	}
	type pool struct {
		Name        string     `hcl:"name,label"`
		Description string     `hcl:"description,optional"`
		Scheduler   *scheduler `hcl:"scheduler_config,block"`
		Rest        hcl.Body   `hcl:",remain"`
	}
	var f struct {
		Pool pool `hcl:"node_pool,block"`
	}
	meta, diags := readObject(name, src, &f, func() hcl.Body { return f.Pool.Rest })
	if diags.HasErrors() {
		return nil, diags
	}
	p := &structs.NodePool{Name: f.Pool.Name, Description: f.Pool.Description, Meta: meta}
	if s := f.Pool.Scheduler; s != nil {
		p.SchedulerConfiguration = &structs.NodePoolSchedulerConfiguration{SchedulerAlgorithm: s.Algorithm, MemoryOversubscriptionEnabled: s.Oversubscription}
	}
	return p, diags
}

// readObject decodes a file of which rest leaves nothing but meta, a block or a map.
func readObject(name string, src []byte, into any, rest func() hcl.Body) (map[string]string, Diagnostics) {
	if diags := Scan(name, src); diags.HasErrors() {
		return nil, diags
	}
	files := map[string][]byte{name: src}
	parse := func(src []byte, name string) (*hcl.File, hcl.Diagnostics) {
		return hclsyntax.ParseConfig(src, name, hcl.InitialPos)
	}
	if isJSON(ParseOptions{Filename: name, Source: src}) {
		parse = hcljson.Parse
	}
	file, diags := parse(src, name)
	if diags.HasErrors() {
		return nil, FromHCL(diags, files)
	}
	diags = gohcl.DecodeBody(file.Body, nil, into)
	if diags.HasErrors() {
		return nil, FromHCL(diags, files)
	}
	meta, more := readMeta(rest())
	return meta, FromHCL(append(diags, more...), files)
}

// readMeta reads meta { key = "value" } or meta = { key = "value" }; anything else in the body is a fault.
func readMeta(body hcl.Body) (map[string]string, hcl.Diagnostics) {
	asBlock, diags := body.Content(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "meta"}}})
	if asAttr, attrDiags := body.Content(&hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: "meta"}}}); diags.HasErrors() && !attrDiags.HasErrors() {
		return metaMap(asAttr.Attributes["meta"])
	}
	if diags.HasErrors() {
		return nil, diags
	}
	var out map[string]string
	for _, b := range asBlock.Blocks {
		attrs, more := b.Body.JustAttributes()
		diags = append(diags, more...)
		for _, key := range slices.Sorted(maps.Keys(attrs)) {
			v, more := attrs[key].Expr.Value(nil)
			text, err := convert.Convert(v, cty.String)
			if diags = append(diags, more...); err != nil || text.IsNull() || !text.IsKnown() {
				diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "meta holds texts", Subject: attrs[key].Range.Ptr()})
				continue
			}
			if out == nil {
				out = map[string]string{}
			}
			out[key] = text.AsString()
		}
	}
	return out, diags
}

func metaMap(a *hcl.Attribute) (map[string]string, hcl.Diagnostics) {
	if a == nil {
		return nil, nil
	}
	out := map[string]string{}
	diags := gohcl.DecodeExpression(a.Expr, nil, &out)
	return out, diags
}
