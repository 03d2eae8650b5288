package httpapi

import (
	"net/http"
	"strings"
	"unicode"

	"berth/acl"
	"berth/api"
	"berth/structs"
)

// Bounds of a tag, in bytes.
const (
	maxTagName        = 128
	maxTagDescription = 1000
)

func (a *API) tagRoutes() {
	a.route("/v1/job/{id}/versions/{tag}/tag", methods{http.MethodPut: in(acl.SubmitJob | acl.TagJobVersion).then(a.tagApply), http.MethodDelete: in(acl.SubmitJob | acl.TagJobVersion).then(a.tagUnset)})
}

// tagApply gives a version of a job a name, which also keeps it.
func (a *API) tagApply(r *request) (any, error) {
	var req struct {
		Version     uint64
		Latest      bool
		Description string
	}
	if err := r.body(&req); err != nil {
		return nil, err
	}
	name := r.PathValue("tag")
	switch {
	case name == "" || len(name) > maxTagName || strings.ContainsFunc(name, unicode.IsControl):
		return nil, invalid("the name of a tag has 1 to %d bytes, and nothing that cannot be seen", maxTagName)
	case len(req.Description) > maxTagDescription:
		return nil, invalid("the description of a tag has at most %d bytes", maxTagDescription)
	}
	j, err := r.job(r.snapshot())
	if err != nil {
		return nil, err
	}
	if req.Latest {
		req.Version = j.Version
	}
	err = a.write(r, structs.CmdJobVersionTag, &structs.JobVersionTagCommand{Namespace: j.Namespace, JobID: j.ID, Name: name, Version: req.Version,
		Tag: &structs.JobVersionTag{Name: name, Description: req.Description}})
	if err != nil {
		return nil, err
	}
	return &api.JobTagResponse{Name: name, Description: req.Description, Version: req.Version, WriteMeta: structs.WriteMeta{Index: r.index}}, nil
}

// tagUnset takes a name from the version that has it.
func (a *API) tagUnset(r *request) (any, error) {
	j, err := r.job(r.snapshot())
	if err != nil {
		return nil, err
	}
	name := r.PathValue("tag")
	if err := a.write(r, structs.CmdJobVersionTag, &structs.JobVersionTagCommand{Namespace: j.Namespace, JobID: j.ID, Name: name}); err != nil {
		return nil, err
	}
	return &api.JobTagResponse{Name: name, WriteMeta: structs.WriteMeta{Index: r.index}}, nil
}
