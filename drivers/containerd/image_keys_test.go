package containerd_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"berth/drivers"
	"berth/internal/testimage"
)

// pushed is an image that says which it is.
func pushed(t *testing.T, reg *testimage.Registry, name, says string) string {
	t.Helper()
	img, err := testimage.New(testimage.Options{Files: map[string]testimage.File{"/says": {Content: []byte(says)}}})
	if err != nil {
		t.Fatal(err)
	}
	full, err := reg.Push(name, img)
	if err != nil {
		t.Fatal(err)
	}
	return full
}

func TestImageKeys(t *testing.T) {
	n := newNode(t)
	reg := testimage.NewRegistry("", "")
	defer reg.Close()
	guarded := testimage.NewRegistry("me", "secret")
	defer guarded.Close()
	says := func(id string, config values) string {
		t.Helper()
		r, out := n.run(with(n.config(id, "cat /says"), config))
		if !r.Successful() {
			t.Errorf("%s: %+v %s", id, r, out)
		}
		return out
	}

	moving := pushed(t, reg, "moving:1", "first")
	if got := says("missing", values{"image": moving}); got != "first" {
		t.Error(got)
	}
	pushed(t, reg, "moving:1", "second")
	before := reg.Requests()
	for _, config := range []values{{}, {"image_pull_policy": "missing"}, {"image_pull_policy": "never"}, {"force_pull": false}} {
		config["image"] = moving
		if got := says("still", config); got != "first" {
			t.Errorf("%v: %s", config, got)
		}
	}
	if now := reg.Requests(); now != before {
		t.Errorf("the registry was asked %d times for an image that is here", now-before)
	}
	if got := says("always", values{"image": moving, "image_pull_policy": "always"}); got != "second" {
		t.Error(got)
	}
	pushed(t, reg, "moving:1", "third")
	if got := says("forced", values{"image": moving, "force_pull": true}); got != "third" {
		t.Error(got)
	}
	n.refused(with(n.config("never", "true"), values{"image": reg.Addr + "/other:1", "image_pull_policy": "never"}), "is not on this node", "never")

	secret := pushed(t, guarded, "secret:1", "secret")
	n.refused(with(n.config("anonymous", "true"), values{"image": secret}), "needs other credentials")
	n.refused(with(n.config("wrong", "true"), values{"image": secret, "auth": values{"username": "me", "password": "guess"}}), "needs other credentials")
	auth := values{"username": "me", "password": "secret", "server_address": guarded.Addr, "email": "me@example.com"}
	if got := says("auth", values{"image": secret, "auth": auth}); got != "secret" {
		t.Error(got)
	}
}

// A registry refuses credentials that are wrong, and gives the image to those who show none.
func TestAuthSoftFail(t *testing.T) {
	n := newNode(t)
	reg := testimage.NewRegistry("", "")
	defer reg.Close()
	open := pushed(t, reg, "open:1", "open")
	var shown atomic.Int64
	challenge := func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Authorization") != "" {
			shown.Add(1)
		} else if shown.Load() > 0 {
			return false
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	}
	reg.Intercept(challenge)
	config := values{"image": open, "auth": values{"username": "me", "password": "old"}}
	n.refused(with(n.config("hard", "true"), config), "needs other credentials")
	if shown.Load() == 0 {
		t.Fatal("the credentials were never shown")
	}
	shown.Store(0)
	config["auth_soft_fail"] = true
	if r, out := n.run(with(n.config("soft", "cat /says"), config)); !r.Successful() || out != "open" {
		t.Errorf("%+v %q", r, out)
	}
}

func TestAPullThatHangsEnds(t *testing.T) {
	n := newNode(t)
	reg := testimage.NewRegistry("", "")
	defer reg.Close()
	slow := pushed(t, reg, "slow:1", "slow")
	reg.Intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		<-r.Context().Done()
		return true
	})
	_, err := n.driver.Start(context.Background(), with(n.config("slow", "true"), values{"image": slow, "image_pull_timeout": "300ms"}))
	if err == nil || !strings.Contains(err.Error(), "took too long") || !strings.Contains(err.Error(), "image_pull_timeout") {
		t.Error(err)
	}
}

func TestInteractive(t *testing.T) {
	n := newNode(t)
	if r, out := n.run(n.config("closed", "cat; echo ended")); !r.Successful() || out != "ended\n" {
		t.Errorf("%+v %q", r, out)
	}
	ctx := context.Background()
	n.start(with(n.config("open", "exec cat"), values{"interactive": true}))
	if r, err := n.driver.Exec(ctx, "open", &drivers.ExecRequest{Command: []string{"true"}}); err != nil || !r.Successful() {
		t.Errorf("%+v, %v", r, err)
	}
	if st, err := n.driver.Inspect(ctx, "open"); err != nil || !st.Running {
		t.Errorf("%+v, %v", st, err)
	}
	if err := n.driver.Stop(ctx, "open", "SIGKILL", time.Minute); err != nil {
		t.Error(err)
	}
}

func TestTheTagLatestIsAskedForAtEveryStart(t *testing.T) {
	n := newNode(t)
	reg := testimage.NewRegistry("", "")
	latest := pushed(t, reg, "app:latest", "first")
	untagged := strings.TrimSuffix(latest, ":latest")
	says := func(id string, config values) string {
		t.Helper()
		r, out := n.run(with(n.config(id, "cat /says"), config))
		if !r.Successful() {
			t.Errorf("%s: %+v %s", id, r, out)
		}
		return out
	}
	if got := says("first", values{"image": latest}); got != "first" {
		t.Error(got)
	}
	pushed(t, reg, "app:latest", "second")
	if got := says("kept", values{"image": latest, "image_pull_policy": "missing"}); got != "first" {
		t.Error(got)
	}
	if got := says("newest", values{"image": untagged}); got != "second" {
		t.Error(got)
	}
	reg.Close()
	if got := says("away", values{"image": latest}); got != "second" {
		t.Error(got)
	}
	n.start(with(n.config("nothing", "true"), values{"image": latest, "image_pull_policy": "never"}))
	if _, err := n.driver.Start(context.Background(), with(n.config("forced", "true"), values{"image": latest, "force_pull": true})); err == nil {
		t.Error("force_pull was content with an old image")
	}
}

// Layers that images share are on the node once, and are fetched once.
func TestLayersAreSharedAndTasksWriteToTheirOwn(t *testing.T) {
	n := newNode(t)
	reg := testimage.NewRegistry("", "")
	defer reg.Close()
	var blobs atomic.Int64
	reg.Intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/") {
			blobs.Add(1)
		}
		return false
	})
	one, two := pushed(t, reg, "one:1", "one"), pushed(t, reg, "two:1", "two")
	if r, out := n.run(with(n.config("one", "cat /says; echo changed > /says; echo mine > /bin/new"), values{"image": one})); !r.Successful() || out != "one" {
		t.Errorf("%+v %q", r, out)
	}
	before, held := blobs.Load(), n.held()
	if r, out := n.run(with(n.config("two", "cat /says; test ! -e /bin/new"), values{"image": two})); !r.Successful() || out != "two" {
		t.Errorf("%+v %q", r, out)
	}
	if fetched := blobs.Load() - before; fetched != 2 { // its configuration and the layer that is its own
		t.Errorf("%d blobs were fetched", fetched)
	}
	if more := n.held() - held; more > 64<<10 {
		t.Errorf("the second image takes %d bytes more", more)
	}
	if r, out := n.run(with(n.config("again", "cat /says; test ! -e /bin/new"), values{"image": one})); !r.Successful() || out != "one" {
		t.Errorf("%+v %q", r, out)
	}
}
