package containerd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/containerd/containerd/v2/core/remotes/docker"
	remoteerrors "github.com/containerd/containerd/v2/core/remotes/errors"
	"github.com/containerd/errdefs"
	"github.com/distribution/reference"

	"berth/drivers"
	"berth/drivers/containerd/daemon"
)

// normalize makes a full name of what people write: "redis" is docker.io/library/redis:latest.
func normalize(image string) (ref, registry string, err error) {
	named, err := reference.ParseDockerRef(image)
	if err != nil {
		return "", "", &drivers.StartError{Reason: fmt.Sprintf("image %q is not a valid image name", image), Err: err,
			Hint: `write it as "name:tag" or "registry/name:tag"`}
	}
	return named.String(), reference.Domain(named), nil
}

// pullError says in one sentence which image, which registry, what it answered, and what to do.
func pullError(image, registry string, err error) error {
	var (
		status remoteerrors.ErrUnexpectedStatus
		dnsErr *net.DNSError
		netErr *net.OpError
	)
	e := &drivers.StartError{Err: err, Recoverable: true}
	code := 0
	if errors.As(err, &status) {
		code = status.StatusCode
	}
	switch {
	case errors.Is(err, errImageLimit), errors.Is(err, daemon.ErrTooBig):
		e.Reason, e.Recoverable = fmt.Sprintf("image %s is not accepted", image), false
	case errors.Is(err, context.Canceled):
		e.Reason = fmt.Sprintf("pulling image %s was interrupted", image)
	case errors.Is(err, context.DeadlineExceeded):
		e.Reason = fmt.Sprintf("pulling image %s from %s took too long", image, registry)
		e.Hint = "raise image_pull_timeout in the task's config"
	case refused(err):
		e.Reason, e.Err, e.Recoverable = fmt.Sprintf("registry %s refuses image %s: it may not exist, or needs other credentials", registry, image), answer(code), false
		e.Hint = "check the name, and username and password in the task's auth block"
	case errdefs.IsNotFound(err) && strings.Contains(err.Error(), "no match for platform"):
		e.Reason, e.Recoverable = fmt.Sprintf("image %s from %s has no variant for this node's platform", image, registry), false
		e.Err = nil
	case errdefs.IsNotFound(err), code == 404:
		e.Reason, e.Err, e.Recoverable = fmt.Sprintf("image %s does not exist: registry %s answered 404 not found", image, registry), nil, false
		e.Hint = "check the name and the tag; an image from an archive is loaded with `berth image load`"
	case code == 429:
		e.Reason, e.Err = fmt.Sprintf("registry %s limits the rate of pulls and refused image %s", registry, image), answer(code)
		e.Hint = "wait, or set credentials in the task's auth block"
	case code != 0:
		e.Reason, e.Err = fmt.Sprintf("registry %s cannot give image %s now", registry, image), answer(code)
	case noSpace(err):
		return full("image "+image, err)
	case errors.As(err, &dnsErr):
		e.Reason, e.Err = fmt.Sprintf("image %s is not on this node, and its registry %s has no address", image, registry), errors.New(dnsErr.Error())
		e.Hint = "check the name and the node's DNS; an image from an archive is loaded with `berth image load`"
	case errors.As(err, &netErr):
		e.Reason, e.Err = fmt.Sprintf("image %s is not on this node, and its registry %s does not answer", image, registry), errors.New(netErr.Error())
		e.Hint = "check the name and the node's network; an image from an archive is loaded with `berth image load`"
	default:
		e.Reason = fmt.Sprintf("image %s cannot be pulled from %s", image, registry)
	}
	return e
}

// answer is what a registry said, as an error.
func answer(code int) error {
	if code == 0 {
		return nil
	}
	return fmt.Errorf("it answered %d", code)
}

// refused tells whether the registry wants other credentials. The resolver's error for a repository it may not look at has no
// type of its own.
func refused(err error) bool {
	var status remoteerrors.ErrUnexpectedStatus
	if errors.As(err, &status) && (status.StatusCode == http.StatusUnauthorized || status.StatusCode == http.StatusForbidden) {
		return true
	}
	return errors.Is(err, docker.ErrInvalidAuthorization) || strings.Contains(err.Error(), "pull access denied") || strings.Contains(err.Error(), "authorization failed")
}
