package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"berth/agent/offline"
	"berth/api"
)

func (e *env) snapshotCommand() *cobra.Command {
	return e.group("snapshot", "copies of the whole state", e.snapshotSave(), e.snapshotInspect(), e.snapshotRestore(), e.snapshotState())
}

func (e *env) snapshotSave() *cobra.Command {
	var stale bool
	var keys []string
	c := &cobra.Command{
		Use: "save [FILE]", Short: "save the state of the cluster to a file", Args: cobra.MaximumNArgs(1),
		Long: "Saves an archive of the whole state, berth-state-TIME.snap when no file is named. The file is not encrypted with a server's\n" +
			"own key, for it is to be used elsewhere: whoever reads it knows everything the cluster knows. -encrypt-to encrypts it.",
		RunE: func(cmd *cobra.Command, args []string) error {
			name := "berth-state-" + time.Now().UTC().Format("20060102T150405Z") + ".snap"
			if len(args) == 1 {
				name = args[0]
			}
			to, err := offline.ParseRecipients(keys)
			if err != nil {
				return err
			}
			client, err := e.client()
			if err != nil {
				return err
			}
			index, size, err := saveSnapshot(cmd.Context(), client, name, to, stale)
			if err != nil {
				return err
			}
			e.say("State file written to %s: index %d, %d bytes", name, index, size)
			return nil
		},
	}
	c.Flags().BoolVar(&stale, "stale", false, "of any server: while there is no leader, or of one that may be behind")
	c.Flags().StringArrayVar(&keys, "encrypt-to", nil, "the public key of an age key, age1...; may be repeated")
	return c
}

// saveSnapshot writes a file that is whole or not there. One that is there already is left alone.
func saveSnapshot(ctx context.Context, c *api.Client, name string, to offline.Recipients, stale bool) (index uint64, size int64, err error) {
	if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
		return 0, 0, newFileFault(name, fs.ErrExist)
	}
	body, meta, err := c.Operator().Snapshot(ctx, &api.QueryOptions{Stale: stale})
	if err != nil {
		return 0, 0, err
	}
	defer body.Close()
	file, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".tmp-*")
	if err != nil {
		return 0, 0, newFileFault(name, err)
	}
	defer os.Remove(file.Name()) // gone already when the rename succeeded
	sealed, err := to.Encrypt(file)
	if err == nil {
		if _, err = io.Copy(sealed, body); err == nil {
			err = sealed.Close()
		}
	}
	if err == nil {
		err = file.Sync()
	}
	if st, serr := file.Stat(); serr == nil {
		size = st.Size()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return 0, 0, fmt.Errorf("save the snapshot: %w", err)
	}
	return meta.LastIndex, size, os.Rename(file.Name(), name)
}

// newFileFault says why a file that is to be written cannot be made.
func newFileFault(name string, err error) error {
	switch {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%s exists already: name another file", name)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no directory %s: make it, or name a file elsewhere", filepath.Dir(name))
	}
	return err
}

func identityFlag(c *cobra.Command) *string {
	return c.Flags().String("identity", "", "file with the age key of a snapshot that is encrypted")
}

func (e *env) snapshotInspect() *cobra.Command {
	var s shown
	c := &cobra.Command{Use: "inspect FILE", Short: "check a snapshot's file and show what is in it, without the cluster", Args: cobra.ExactArgs(1)}
	identity := identityFlag(c)
	c.Flags().BoolVar(&s.json, "json", false, "print JSON")
	c.Flags().StringVarP(&s.template, "template", "t", "", "Go template")
	c.RunE = func(_ *cobra.Command, args []string) error {
		got, err := offline.Inspect(args[0], *identity)
		if err != nil {
			return err
		}
		if done, err := e.print(s, got); done {
			return err
		}
		e.showSnapshot(got)
		return nil
	}
	return c
}

func (e *env) showSnapshot(got *offline.Inspected) {
	if m := got.Meta; m != nil {
		e.pairs([][2]string{{"ID", m.ID}, {"Size", fmt.Sprint(m.Size)}, {"Index", fmt.Sprint(m.Index)}, {"Term", fmt.Sprint(m.Term)}, {"Version", fmt.Sprint(m.Version)},
			{"Region", m.Berth.Region}, {"Server", m.Berth.Server}, {"Created", m.Berth.CreatedAt.UTC().Format("2006-01-02 15:04:05 UTC")},
			{"Berth", m.Berth.Version}, {"Servers", fmt.Sprint(len(m.Configuration.Servers))}})
	} else {
		e.pairs([][2]string{{"Index", fmt.Sprint(got.Counts.Index)}})
	}
	rows := [][]string{{"Type", "Count", "Size"}}
	total := int64(0)
	for _, k := range got.Counts.Kinds {
		rows = append(rows, []string{k.Kind, fmt.Sprint(k.Count), fmt.Sprint(k.Size)})
		total += k.Size
	}
	e.say("")
	e.table(append(rows, []string{"Total", "", fmt.Sprint(total)}))
}

func (e *env) snapshotState() *cobra.Command {
	c := &cobra.Command{Use: "state FILE", Short: "print the state in a snapshot's file as JSON, without the cluster", Args: cobra.ExactArgs(1)}
	identity := identityFlag(c)
	c.RunE = func(_ *cobra.Command, args []string) error {
		snap, err := offline.Read(args[0], *identity)
		if err != nil {
			return err
		}
		out := bufio.NewWriter(e.out)
		enc := json.NewEncoder(out)
		enc.SetIndent("", "    ")
		return errors.Join(enc.Encode(offline.Tables(snap)), out.Flush())
	}
	return c
}

func (e *env) snapshotRestore() *cobra.Command {
	var force, anyRegion bool
	c := &cobra.Command{
		Use: "restore FILE", Short: "replace the state of the whole cluster by that of a snapshot's file", Args: cobra.ExactArgs(1),
		Long: "Replaces the state of the whole cluster. The file is checked to its end first: a bad one changes nothing. What was changed since the\n" +
			"snapshot is lost: allocations the snapshot does not know are stopped. Certificates, roots and join tokens stay as they are now.\n" +
			"Asks first, unless -force is given or nobody is there to answer.",
	}
	identity := identityFlag(c)
	c.Flags().BoolVar(&force, "force", false, "do not ask")
	c.Flags().BoolVar(&anyRegion, "any-region", false, "also a snapshot of another region")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		got, err := offline.Inspect(args[0], *identity) // what is wrong with it is told before the cluster is asked
		if err != nil {
			return err
		}
		if got.Meta == nil {
			return fmt.Errorf("%s is a bare state, not what `berth operator snapshot save` writes: it does not say of which cluster it is", args[0])
		}
		client, err := e.client()
		if err != nil {
			return err
		}
		if !force && e.asks() {
			e.say("This replaces the state of the cluster at %s by that of %s, index %d.", client.Address(), got.Meta.Berth.CreatedAt.UTC().Format("2006-01-02 15:04:05 UTC"), got.Meta.Index)
			if err := e.agreed(cmd.Context(), "Go on? [y/N] "); err != nil {
				return err
			}
		}
		file, err := os.Open(args[0])
		if err != nil {
			return err
		}
		defer file.Close()
		plain, err := offline.Decrypt(file, *identity)
		if err != nil {
			return err
		}
		meta, err := client.Operator().RestoreSnapshot(cmd.Context(), plain, anyRegion)
		if err != nil {
			return err
		}
		e.say("The state was restored, as of index %d", meta.LastIndex)
		return nil
	}
	return c
}
