package httpapi

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"berth/agent/config"
	"berth/api"
	"berth/internal/idgen"
	"berth/server"
	"berth/structs"
)

// served is the API of a server of its own, without a node.
func served(t *testing.T) *api.Client {
	t.Helper()
	srv, err := server.New(server.Config{Name: "s1", Region: "global", Logger: hclog.NewNullLogger(), IDs: idgen.Random()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- srv.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	<-srv.Ready()
	cfg := &config.Config{Region: "global"}
	cfg.Limits.BodyBytes = 1 << 20
	web := httptest.NewServer(New(Deps{Config: cfg, Server: srv, Limits: structs.DefaultLimits(), Logger: hclog.NewNullLogger(), Name: "s1"}).Handler())
	t.Cleanup(web.Close)
	c, err := api.New(api.Config{Address: web.URL})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func batchJob(id string) *structs.Job {
	return &structs.Job{ID: id, Name: id, Type: structs.JobTypeBatch, TaskGroups: []*structs.TaskGroup{{Name: "g",
		Tasks: []*structs.Task{{Name: "t", Driver: "docker", Config: map[string]any{"image": "busybox"}}}}}}
}

func TestJOB5DispatchOverHTTP(t *testing.T) {
	c := served(t)
	j := batchJob("resize")
	j.ParameterizedJob = &structs.ParameterizedJobConfig{MetaRequired: []string{"file"}}
	reg, _, err := c.Jobs().Register(t.Context(), &structs.JobRegisterRequest{Job: j}, nil)
	if err != nil || !reg.EvalID.IsZero() {
		t.Fatalf("%+v, %v", reg, err)
	}
	req := &api.DispatchRequest{Payload: []byte("in"), Meta: map[string]string{"file": "a"}, IdPrefixTemplate: "blue"}
	first, _, err := c.Jobs().Dispatch(t.Context(), "resize", "token", req, nil)
	if err != nil || !strings.HasPrefix(first.DispatchedJobID, "resize/dispatch-blue-") || first.EvalID.IsZero() || first.JobCreateIndex == 0 {
		t.Fatalf("%+v, %v", first, err)
	}
	again, _, err := c.Jobs().Dispatch(t.Context(), "resize", "token", req, nil)
	if err != nil || again.DispatchedJobID != first.DispatchedJobID || !again.EvalID.IsZero() {
		t.Fatalf("%+v, %v", again, err)
	}
	child, _, err := c.Jobs().Get(t.Context(), first.DispatchedJobID, nil)
	if err != nil || child.ParentID != "resize" || string(child.Payload) != "in" || child.Meta["file"] != "a" {
		t.Fatalf("%+v, %v", child, err)
	}
	sum, _, err := c.Jobs().Summary(t.Context(), "resize", nil)
	if err != nil || sum.Children == nil || sum.Children.Pending+sum.Children.Running != 1 {
		t.Fatalf("%+v, %v", sum, err)
	}
	for name, bad := range map[string]*api.DispatchRequest{
		"unpermitted": {Meta: map[string]string{"file": "a", "x": ""}}, "required meta": {}, "id prefix": {Meta: req.Meta, IdPrefixTemplate: "a/b"},
		"Priority": {Meta: req.Meta, Priority: 101}, "maximum size": {Meta: req.Meta, Payload: bytes.Repeat([]byte{1}, 16<<10+1)},
	} {
		if _, _, err := c.Jobs().Dispatch(t.Context(), "resize", "", bad, nil); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	resp, err := c.Raw(t.Context(), http.MethodPut, "/v1/job/resize/dispatch/payload", nil, strings.NewReader("raw"))
	if err == nil { // its required key cannot be given there
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		err = &structs.Error{Op: string(text)}
	}
	if !strings.Contains(err.Error(), "required meta keys: [file]") {
		t.Errorf("raw payload: %v", err)
	}
}

func TestCRN2ForceOverHTTPAndThePlanTellsTheNextLaunch(t *testing.T) {
	c := served(t)
	j := batchJob("nightly")
	j.Periodic = &structs.PeriodicConfig{Specs: []string{"0 0 1 1 * 2098"}}
	plan, _, err := c.Jobs().Plan(t.Context(), &api.PlanRequest{Job: j}, nil)
	if err != nil || plan.NextPeriodicLaunch.UTC().Year() != 2098 {
		t.Fatalf("%+v, %v", plan, err)
	}
	if _, _, err := c.Jobs().Register(t.Context(), &structs.JobRegisterRequest{Job: j}, nil); err != nil {
		t.Fatal(err)
	}
	forced, _, err := c.Jobs().PeriodicForce(t.Context(), "nightly", nil)
	if err != nil || forced.EvalID.IsZero() {
		t.Fatalf("%+v, %v", forced, err)
	}
	list, _, err := c.Jobs().List(t.Context(), &api.QueryOptions{Prefix: "nightly/"})
	if err != nil || len(list) != 1 || list[0].ParentID != "nightly" {
		t.Fatalf("%v, %v", list, err)
	}
	if _, _, err := c.Jobs().PeriodicForce(t.Context(), list[0].ID, nil); err == nil || !strings.Contains(err.Error(), "non-periodic") {
		t.Fatalf("an instance was launched: %v", err)
	}
}
