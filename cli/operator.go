package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"berth/api"
	"berth/structs"
)

func (e *env) operatorCommand() *cobra.Command {
	return e.group("operator", "for whoever runs the cluster",
		e.group("scheduler", "how placements are chosen", e.schedulerGet(), e.schedulerSet()),
		e.group("raft", "the log's members", e.raftPeers(), e.raftRemovePeer(), e.raftTransfer()),
		e.group("autopilot", "how servers that fail or come are treated", e.autopilotConfig(), e.autopilotSet(), e.autopilotHealth()),
		e.group("gossip", "the servers' gossip", e.group("keyring", "the keys it is encrypted with", e.keyringGenerate(), e.keyringList(),
			e.keyringChange("install", "give all servers a key to decrypt with"), e.keyringChange("use", "make all servers encrypt with an installed key"),
			e.keyringChange("remove", "take a key from all servers"))),
		e.snapshotCommand(), e.backupCommand(), e.joinTokenCommand(), e.authorityCommand(), e.regionCommand(), e.operatorRecover(), e.operatorRejoin(), e.operatorRebalance(), e.operatorMetrics(), e.operatorDebug(), e.operatorAPI())
}

func (e *env) schedulerGet() *cobra.Command {
	var s shown
	c := &cobra.Command{Use: "get-config", Short: "show the scheduler's configuration", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		client, err := e.client()
		if err != nil {
			return err
		}
		resp, _, err := client.Operator().SchedulerConfiguration(cmd.Context(), nil)
		if err != nil {
			return err
		}
		if done, err := e.print(s, resp); done {
			return err
		}
		c := resp.SchedulerConfig
		p := c.PreemptionConfig
		e.pairs([][2]string{{"Scheduler Algorithm", c.SchedulerAlgorithm}, {"Memory Oversubscription", fmt.Sprint(c.MemoryOversubscriptionEnabled)},
			{"Reject Job Registration", fmt.Sprint(c.RejectJobRegistration)}, {"Pause Eval Broker", fmt.Sprint(c.PauseEvalBroker)},
			{"Node Limit For Feasibility", fmt.Sprint(c.NodeLimitForFeasibilityChecks)},
			{"Preemption System Scheduler", fmt.Sprint(p.SystemSchedulerEnabled)}, {"Preemption Service Scheduler", fmt.Sprint(p.ServiceSchedulerEnabled)},
			{"Preemption Batch Scheduler", fmt.Sprint(p.BatchSchedulerEnabled)}, {"Preemption SysBatch Scheduler", fmt.Sprint(p.SysBatchSchedulerEnabled)},
			{"Modify Index", fmt.Sprint(c.ModifyIndex)}})
		return nil
	}}
	c.Flags().BoolVar(&s.json, "json", false, "print JSON")
	c.Flags().StringVarP(&s.template, "template", "t", "", "Go template")
	return c
}

func (e *env) schedulerSet() *cobra.Command {
	var want structs.SchedulerConfiguration
	var check uint64
	c := &cobra.Command{Use: "set-config", Short: "change the scheduler's configuration; what is not named stays", Args: cobra.NoArgs}
	f := c.Flags()
	// apply copies what was named into the present configuration.
	apply := map[string]func(*structs.SchedulerConfiguration){}
	flag := func(name string, to func(*structs.SchedulerConfiguration)) { apply[name] = to }
	f.StringVar(&want.SchedulerAlgorithm, "scheduler-algorithm", "", "binpack or spread")
	flag("scheduler-algorithm", func(c *structs.SchedulerConfiguration) { c.SchedulerAlgorithm = want.SchedulerAlgorithm })
	f.BoolVar(&want.MemoryOversubscriptionEnabled, "memory-oversubscription", false, "let tasks use memory_max")
	flag("memory-oversubscription", func(c *structs.SchedulerConfiguration) {
		c.MemoryOversubscriptionEnabled = want.MemoryOversubscriptionEnabled
	})
	f.BoolVar(&want.RejectJobRegistration, "reject-job-registration", false, "take no jobs")
	flag("reject-job-registration", func(c *structs.SchedulerConfiguration) { c.RejectJobRegistration = want.RejectJobRegistration })
	f.BoolVar(&want.PauseEvalBroker, "pause-eval-broker", false, "look at no evaluations")
	flag("pause-eval-broker", func(c *structs.SchedulerConfiguration) { c.PauseEvalBroker = want.PauseEvalBroker })
	f.IntVar(&want.NodeLimitForFeasibilityChecks, "node-limit-for-feasibility-checks", 0, "accepted; every node is looked at")
	flag("node-limit-for-feasibility-checks", func(c *structs.SchedulerConfiguration) {
		c.NodeLimitForFeasibilityChecks = want.NodeLimitForFeasibilityChecks
	})
	p := &want.PreemptionConfig
	for name, at := range map[string]func(*structs.PreemptionConfig) *bool{
		"system":   func(p *structs.PreemptionConfig) *bool { return &p.SystemSchedulerEnabled },
		"service":  func(p *structs.PreemptionConfig) *bool { return &p.ServiceSchedulerEnabled },
		"batch":    func(p *structs.PreemptionConfig) *bool { return &p.BatchSchedulerEnabled },
		"sysbatch": func(p *structs.PreemptionConfig) *bool { return &p.SysBatchSchedulerEnabled },
	} {
		full := "preempt-" + name + "-scheduler"
		f.BoolVar(at(p), full, false, "let "+name+" jobs take the place of lower ones")
		flag(full, func(c *structs.SchedulerConfiguration) { *at(&c.PreemptionConfig) = *at(p) })
	}
	f.Uint64Var(&check, "check-index", 0, "only if the configuration is at this modify index")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		client, err := e.client()
		if err != nil {
			return err
		}
		return e.setScheduler(cmd.Context(), client, func(cfg *structs.SchedulerConfiguration) *uint64 {
			for name, to := range apply {
				if f.Changed(name) {
					to(cfg)
				}
			}
			if f.Changed("check-index") {
				return &check
			}
			return &cfg.ModifyIndex
		})
	}
	return c
}

// setScheduler changes the configuration unless somebody else changed it meanwhile.
func (e *env) setScheduler(ctx context.Context, c *api.Client, change func(*structs.SchedulerConfiguration) *uint64) error {
	resp, _, err := c.Operator().SchedulerConfiguration(ctx, nil)
	if err != nil {
		return err
	}
	index := change(resp.SchedulerConfig)
	done, _, err := c.Operator().SetSchedulerConfiguration(ctx, resp.SchedulerConfig, index, nil)
	if err != nil {
		return err
	}
	if !done.Updated {
		return errors.New("somebody changed the configuration meanwhile: look at it with `berth operator scheduler get-config` and try again")
	}
	e.say("Scheduler configuration updated!")
	return nil
}

// operatorAPI is for what no command shows.
func (e *env) operatorAPI() *cobra.Command {
	var method, filter string
	c := &cobra.Command{Use: "api PATH [BODY|@FILE|-]", Short: "do one request of the API and print the answer", Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			u, err := url.Parse(args[0])
			if err != nil {
				return fmt.Errorf("path %q: %w", args[0], err)
			}
			query := u.Query()
			if filter != "" {
				query.Set("filter", filter)
			}
			var body io.Reader
			if len(args) == 2 {
				if body, err = e.requestBody(args[1]); err != nil {
					return err
				}
				if method == "" {
					method = http.MethodPut
				}
			}
			if method == "" {
				method = http.MethodGet
			}
			resp, err := client.Raw(cmd.Context(), strings.ToUpper(method), "/"+strings.TrimLeft(u.Path, "/"), query, body)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			_, err = io.Copy(e.out, resp.Body)
			return err
		}}
	c.Flags().StringVarP(&method, "method", "X", "", "method (default GET, with a body PUT)")
	c.Flags().StringVar(&filter, "filter", "", "expression that what is listed must match")
	return c
}

func (e *env) requestBody(arg string) (io.Reader, error) {
	switch {
	case arg == "-":
		return e.in, nil
	case strings.HasPrefix(arg, "@"):
		text, err := os.ReadFile(arg[1:])
		return strings.NewReader(string(text)), err
	}
	return strings.NewReader(arg), nil
}
