package containerd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/containers"
	"github.com/containerd/containerd/v2/core/mount"
	"github.com/containerd/containerd/v2/pkg/oci"
	"github.com/moby/sys/user"

	"berth/drivers"
	"berth/internal/beneath"
)

// userFileMax bounds /etc/passwd and /etc/group of an image, bytes.
const userFileMax = 8 << 20

// groupsMax bounds the supplementary groups of a task.
const groupsMax = 1024

// userFiles are what an image says about names; they may come from anybody.
type userFiles struct{ passwd, group []byte }

// withUser resolves a user by name or number in the image, with its supplementary groups. Why not containerd's: it opens what
// stands there without asking what it is, and a fifo would hold the start for ever.
func withUser(c *client.Client, name string, groups []string) oci.SpecOpts {
	return func(ctx context.Context, _ oci.Client, cont *containers.Container, s *oci.Spec) error {
		mounts, err := c.SnapshotService(cont.Snapshotter).Mounts(ctx, cont.SnapshotKey)
		if err != nil {
			return fmt.Errorf("find the image's files: %w", err)
		}
		var files userFiles
		err = mount.WithReadonlyTempMount(ctx, mounts, func(root string) error {
			files, err = readUserFiles(root)
			return err
		})
		if err != nil {
			return err
		}
		u, err := files.resolve(firstSet(name, "0"), groups)
		if err != nil {
			return err
		}
		s.Process.User.UID, s.Process.User.GID = uint32(u.Uid), uint32(u.Gid)
		gids := []uint32{uint32(u.Gid)}
		for _, g := range u.Sgids {
			gids = append(gids, uint32(g))
		}
		slices.Sort(gids)
		s.Process.User.AdditionalGids = slices.Compact(gids)
		return nil
	}
}

func readUserFiles(root string) (f userFiles, err error) {
	tree, err := beneath.OpenTree(root)
	if err != nil {
		return f, err
	}
	defer tree.Close()
	for name, to := range map[string]*[]byte{"etc/passwd": &f.passwd, "etc/group": &f.group} {
		file, err := tree.LookAsRoot(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // numbers need no names
		}
		if err == nil {
			*to, err = beneath.Read(file, userFileMax)
			file.Close()
		}
		if err != nil {
			return f, &drivers.StartError{Reason: fmt.Sprintf("/%s of the image cannot be read", name), Err: err,
				Hint: "it must be a regular file, or not be there at all"}
		}
	}
	return f, nil
}

func (f userFiles) resolve(name string, groups []string) (*user.ExecUser, error) {
	u, err := user.GetExecUser(name, nil, bytes.NewReader(f.passwd), bytes.NewReader(f.group))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUser, err)
	}
	more, err := user.GetAdditionalGroups(groups, bytes.NewReader(f.group))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUser, err)
	}
	u.Sgids = append(u.Sgids, more...)
	if len(u.Sgids) > groupsMax {
		return nil, fmt.Errorf("%w: it is in %d groups, allowed: %d", errUser, len(u.Sgids), groupsMax)
	}
	return u, nil
}

// errUser is a user or group the image does not know.
var errUser = errors.New("resolve the task's user")
