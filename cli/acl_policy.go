package cli

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"berth/api"
	"berth/structs"
)

func (e *env) policyApply() *cobra.Command {
	p := &structs.ACLPolicy{}
	var namespace structs.JobACL
	c := &cobra.Command{Use: "apply NAME FILE", Short: "make a policy, or replace it", Args: cobra.ExactArgs(2),
		Long: "Makes a policy, or replaces it. FILE (- is standard input) has its rules:\n\n" +
			"  namespace \"default\" {\n    policy       = \"read\"\n    capabilities = [\"submit-job\"]\n  }\n  node {\n    policy = \"read\"\n  }\n\n" +
			"The policy \"anonymous\" is that of callers without a token. With -job a policy is kept for workloads; it is none of a token's, and\n" +
			"counts when workloads show who they are, which they do not in this version."}
	e.withClient(c, func(cmd *cobra.Command, client *api.Client, args []string) error {
		rules, err := e.aclFile(args[1])
		if err != nil {
			return err
		}
		p.Name, p.Rules = args[0], rules
		if namespace.JobID != "" {
			if namespace.Namespace = e.cfg.Namespace; namespace.Namespace == "" {
				namespace.Namespace = structs.DefaultNamespace
			}
			p.JobACL = &namespace
		} else if namespace.Group != "" || namespace.Task != "" {
			return errors.New("-group and -task name a part of a job: give -job")
		}
		if err := client.ACL().ApplyPolicy(cmd.Context(), p); err != nil {
			var answer *api.Error
			if args[1] != "-" && errors.As(err, &answer) { // the server knows no file
				answer.Message = strings.ReplaceAll(answer.Message, "\npolicy:", "\n"+args[1]+":")
			}
			return err
		}
		e.say("Successfully wrote %q ACL policy!", p.Name)
		return nil
	})
	f := c.Flags()
	f.StringVar(&p.Description, "description", "", "what it is for")
	f.StringVar(&namespace.JobID, "job", "", "tie it to a job of the namespace")
	f.StringVar(&namespace.Group, "group", "", "tie it to a group of the job")
	f.StringVar(&namespace.Task, "task", "", "tie it to a task of the group")
	return c
}

func (e *env) policyDelete() *cobra.Command {
	return e.withClient(&cobra.Command{Use: "delete NAME", Short: "forget a policy: its tokens lose what it granted", Args: cobra.ExactArgs(1)},
		func(cmd *cobra.Command, client *api.Client, args []string) error {
			if err := client.ACL().DeletePolicy(cmd.Context(), args[0]); err != nil {
				return err
			}
			e.say("Successfully deleted %s ACL policy!", args[0])
			return nil
		})
}

func (e *env) policyInfo() *cobra.Command {
	var s shown
	return lister(e.withClient(&cobra.Command{Use: "info NAME", Short: "show a policy with its rules", Args: cobra.ExactArgs(1)},
		func(cmd *cobra.Command, client *api.Client, args []string) error {
			p, err := client.ACL().Policy(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if done, err := e.print(s, p); done {
				return err
			}
			e.showPolicy(p)
			return nil
		}), &s, nil)
}

func (e *env) showPolicy(p *structs.ACLPolicy) {
	rows := [][2]string{{"Name", p.Name}, {"Description", dash(p.Description)}, {"CreateIndex", indexText(p.CreateIndex)}, {"ModifyIndex", indexText(p.ModifyIndex)}}
	if j := p.JobACL; j != nil {
		rows = append(rows, [2]string{"Namespace", j.Namespace}, [2]string{"JobID", dash(j.JobID)}, [2]string{"Group", dash(j.Group)}, [2]string{"Task", dash(j.Task)})
	}
	e.pairs(rows)
	e.head("Rules")
	e.say("%s", p.Rules)
}

func (e *env) policyList() *cobra.Command {
	var s shown
	return lister(e.withClient(&cobra.Command{Use: "list", Short: "list the policies you may see", Args: cobra.NoArgs},
		func(cmd *cobra.Command, client *api.Client, _ []string) error {
			all, _, err := client.ACL().Policies(cmd.Context(), nil)
			if err != nil {
				return err
			}
			if done, err := e.print(s, all); done {
				return err
			}
			if len(all) == 0 {
				e.say("No policies found")
				return nil
			}
			describedTable(e, all, func(p *api.ACLPolicyListStub) (string, string) { return p.Name, p.Description })
			return nil
		}), &s, nil)
}

func (e *env) policySelf() *cobra.Command {
	var s shown
	return lister(e.withClient(&cobra.Command{Use: "self", Short: "show the policies of your token, or of callers without one", Args: cobra.NoArgs},
		func(cmd *cobra.Command, client *api.Client, _ []string) error {
			all, err := client.ACL().SelfPolicies(cmd.Context())
			if err != nil {
				return err
			}
			if done, err := e.print(s, all); done {
				return err
			}
			if len(all) == 0 {
				e.say("No policies found: a management token needs none, and other callers may do nothing")
				return nil
			}
			for i, p := range all {
				if i > 0 {
					e.say("")
				}
				e.showPolicy(p)
			}
			return nil
		}), &s, nil)
}
