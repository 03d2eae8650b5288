package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"berth/api"
)

func (e *env) allocFS() *cobra.Command {
	var job, stat, tail, follow bool
	var bytes int64
	c := &cobra.Command{Use: "fs ALLOC [PATH]", Short: "look at an allocation's files", Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			client, err := e.client()
			if err != nil {
				return err
			}
			a, err := e.target(ctx, client, job, args[0])
			if err != nil {
				return err
			}
			path, id := "/", a.ID.String()
			if len(args) == 2 {
				path = args[1]
			}
			st, err := client.Files().Stat(ctx, id, path, nil)
			if err != nil {
				return err
			}
			switch {
			case stat:
				e.fileTable([]*api.FileInfo{st})
			case st.IsDir:
				list, err := client.Files().List(ctx, id, path, nil)
				if err != nil {
					return err
				}
				e.fileTable(list)
			case follow || tail:
				return client.Files().Stream(ctx, id, path, "end", max(bytes, 1024), follow, nil, func(f api.StreamFrame) error {
					_, err := e.out.Write(f.Data)
					return err
				})
			default:
				body, err := client.Files().Cat(ctx, id, path, nil)
				if err != nil {
					return err
				}
				defer body.Close()
				_, err = io.Copy(e.out, body)
				return err
			}
			return nil
		}}
	f := c.Flags()
	f.BoolVar(&job, "job", false, "the argument is a job: one of its allocations")
	f.BoolVar(&stat, "stat", false, "describe the file")
	f.BoolVar(&tail, "tail", false, "only the end")
	f.BoolVarP(&follow, "follow", "f", false, "go on with what is written")
	f.Int64VarP(&bytes, "c", "c", 0, "with -tail: how many bytes")
	return c
}

func (e *env) fileTable(list []*api.FileInfo) {
	rows := [][]string{{"Mode", "Size", "Modified Time", "Name"}}
	for _, f := range list {
		name := f.Name
		if f.IsDir {
			name += "/"
		}
		rows = append(rows, []string{f.FileMode, fmt.Sprint(f.Size), when(f.ModTime), name})
	}
	e.table(rows)
}
