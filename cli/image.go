package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"berth/structs"
)

func (e *env) imageCommand() *cobra.Command {
	load := &cobra.Command{Use: "load FILE", Short: "load the images of an OCI or docker archive into the node", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			in := e.in
			if args[0] != "-" {
				st, err := os.Stat(args[0])
				if err != nil {
					return fmt.Errorf("the archive cannot be read: %w", err)
				}
				if st.IsDir() {
					return fmt.Errorf("%s is a directory; name an archive, such as `docker save` writes", args[0])
				}
				f, err := os.Open(args[0])
				if err != nil {
					return fmt.Errorf("the archive cannot be read: %w", err)
				}
				defer f.Close()
				in = f
			}
			resp, err := client.LoadImage(cmd.Context(), in, structs.ID{})
			if err != nil {
				return err
			}
			for _, name := range resp.Images {
				e.say("%s", name)
			}
			return nil
		}}
	return e.group("image", "images of this machine's node", load)
}
