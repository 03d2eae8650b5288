package jobspec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"berth/structs"
)

// ParseJSON reads a job in the JSON of the API, by itself or as {"Job": {...}}. Names are matched without regard to case,
// durations are numbers of nanoseconds or texts like "30s"; a name that is not known is a warning (an error when Strict),
// since other versions write names of their own. Variables mean nothing here.
func ParseJSON(opts ParseOptions) (*Result, Diagnostics) {
	if opts.Filename == "" {
		opts.Filename = "job.json"
	}
	rep := newReport()
	rep.files[opts.Filename] = opts.Source
	job := parseJSON(rep, opts)
	diags := rep.sorted()
	if job == nil || diags.HasErrors() {
		return nil, diags
	}
	sub := &structs.JobSubmission{Source: string(opts.Source), Format: "json"}
	return &Result{Job: job, Submission: sub, Warnings: diags.Warnings()}, diags
}

func parseJSON(rep *report, opts ParseOptions) *structs.Job {
	if !scan(rep, opts.Filename, opts.Source, true) {
		return nil
	}
	if len(bytes.TrimSpace(opts.Source)) == 0 {
		rep.error(hcl.Range{Filename: opts.Filename}, "the file is empty", `it must be {"Job": {"ID": ...}}`)
		return nil
	}
	r := newJSONReader(rep, opts)
	job := &structs.Job{}
	if !r.whole(job) {
		return nil
	}
	if job.Namespace == "" {
		job.Namespace = opts.Namespace
	}
	job.Canonicalize()
	d := &decoder{evaluator: &evaluator{rep: rep}, places: r.places, bad: r.bad, json: true}
	d.faults(job.Validate(structs.Limits{Drivers: opts.Drivers, Later: opts.Later}))
	return job
}

// syntax reports what the JSON library could not read; what it said is about the text at this point.
func (r *jsonReader) syntax(err error) {
	text := err.Error()
	at := int(r.dec.InputOffset())
	switch e := err.(type) {
	case *json.SyntaxError:
		at = int(e.Offset)
	default:
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			text, at = "the text ends before the job does", len(r.src)
		}
	}
	rng := r.rangeOf(max(0, at-1), at)
	hint := ""
	if !bytes.HasPrefix(bytes.TrimSpace(r.src), []byte("{")) {
		text, hint = "this is no JSON", "a job file in HCL is read without -json"
	}
	r.rep.error(rng, strings.TrimPrefix(text, "json: "), hint)
	r.broken = true
}

// rangeOf makes a range of byte offsets. Calls go forward through the text mostly, so the last position is kept.
func (r *jsonReader) rangeOf(from, to int) hcl.Range {
	return hcl.Range{Filename: r.file, Start: r.pos(from), End: r.pos(to)}
}

func (r *jsonReader) pos(at int) hcl.Pos {
	at = min(at, len(r.src))
	if at < r.last.Byte {
		r.last = hcl.InitialPos
	}
	for i := r.last.Byte; i < at; i++ {
		if r.src[i] == '\n' {
			r.last.Line, r.last.Column = r.last.Line+1, 1
		} else {
			r.last.Column++
		}
	}
	r.last.Byte = at
	return r.last
}

// wrong reports a value of another kind than the field has.
func (r *jsonReader) wrong(path, want string, rng hcl.Range, found string) {
	r.bad[path] = true
	r.rep.error(rng, fmt.Sprintf("%s must be %s, not %s", lastField(path), want, found), "")
}
