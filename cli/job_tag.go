package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"berth/api"
)

func (e *env) tagCommand() *cobra.Command {
	return e.group("tag", "names of versions, which also keep them", e.tagApply(), e.tagUnset())
}

func (e *env) tagApply() *cobra.Command {
	var name, description string
	var version uint64
	c := &cobra.Command{
		Use: "apply JOB", Short: "give a version of a job a name", Args: cobra.ExactArgs(1),
		Long: "Gives a version of a job a name: the newest, or that of -version. A version that has one is kept, however many come after it, and\n" +
			"`berth job revert` and `berth job history -diff-tag` take it.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if name == "" {
				return errors.New("-name is missing: what is the version to be called?")
			}
			client, err := e.client()
			if err != nil {
				return err
			}
			j, err := e.findJob(cmd.Context(), client, args[0])
			if err != nil {
				return err
			}
			w := &api.WriteOptions{Namespace: j.Namespace}
			if cmd.Flags().Changed("version") {
				_, err = client.Jobs().TagVersion(cmd.Context(), j.ID, version, name, description, w)
			} else {
				_, err = client.Jobs().TagLatest(cmd.Context(), j.ID, name, description, w)
			}
			if err != nil {
				return err
			}
			e.say("Job %q version is tagged %q", j.ID, name)
			return nil
		},
	}
	c.Flags().StringVar(&name, "name", "", "the tag")
	c.Flags().StringVar(&description, "description", "", "what it is for")
	c.Flags().Uint64Var(&version, "version", 0, "the version; the newest without")
	return c
}

func (e *env) tagUnset() *cobra.Command {
	var name string
	c := &cobra.Command{Use: "unset JOB", Short: "take a name from a version of a job", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		if name == "" {
			return errors.New("-name is missing: which tag is to go?")
		}
		client, err := e.client()
		if err != nil {
			return err
		}
		j, err := e.findJob(cmd.Context(), client, args[0])
		if err != nil {
			return err
		}
		if _, err := client.Jobs().UntagVersion(cmd.Context(), j.ID, name, &api.WriteOptions{Namespace: j.Namespace}); err != nil {
			return err
		}
		e.say("Tag %q is gone from job %q", name, j.ID)
		return nil
	}}
	c.Flags().StringVar(&name, "name", "", "the tag")
	return c
}

// versionOf reads a version of a job: its number, or a tag.
func versionOf(ctx context.Context, c *api.Client, namespace, id, text string) (uint64, error) {
	if n, err := strconv.ParseUint(text, 10, 64); err == nil {
		return n, nil
	}
	resp, _, err := c.Jobs().Versions(ctx, id, false, &api.QueryOptions{Namespace: namespace})
	if err != nil {
		return 0, err
	}
	for _, j := range resp.Versions {
		if j.VersionTag != nil && j.VersionTag.Name == text {
			return j.Version, nil
		}
	}
	return 0, fmt.Errorf("version %q is not a number, and no version has this tag; `berth job history %s` lists them", text, id)
}
