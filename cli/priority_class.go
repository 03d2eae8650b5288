package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"berth/structs"
)

func (e *env) priorityClassCommand() *cobra.Command {
	return e.group("priority-class", "names for priorities of jobs", e.classList(), e.classApply(), e.classDelete())
}

func (e *env) classList() *cobra.Command {
	var s shown
	c := &cobra.Command{Use: "list", Short: "list priority classes", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		client, err := e.client()
		if err != nil {
			return err
		}
		all, _, err := client.PriorityClasses().List(cmd.Context(), nil)
		if err != nil {
			return err
		}
		if done, err := e.print(s, all); done {
			return err
		}
		if len(all) == 0 {
			e.say("No priority classes")
			return nil
		}
		rows := [][]string{{"Name", "Value", "Preemption", "Default", "Description"}}
		for _, p := range all {
			rows = append(rows, []string{p.Name, fmt.Sprint(p.Value), p.PreemptionPolicy, fmt.Sprint(p.Default), dash(p.Description)})
		}
		e.table(rows)
		return nil
	}}
	c.Flags().BoolVar(&s.json, "json", false, "print JSON")
	c.Flags().StringVarP(&s.template, "template", "t", "", "Go template")
	return c
}

func (e *env) classApply() *cobra.Command {
	p := &structs.PriorityClass{}
	c := &cobra.Command{
		Use: "apply -value N NAME", Short: "create or change a priority class", Args: cobra.ExactArgs(1),
		Long: "A job takes the class by priority_class = \"NAME\": its value is the job's priority from then on. Jobs that are there keep\n" +
			"the priority they were registered with until they are registered again.",
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			p.Name = args[0]
			if _, err := client.PriorityClasses().Apply(cmd.Context(), p, nil, nil); err != nil {
				return err
			}
			e.say("Priority class %q applied", p.Name)
			return nil
		},
	}
	f := c.Flags()
	f.IntVar(&p.Value, "value", 0, "the priority, 1 to 100 (required)")
	f.StringVar(&p.PreemptionPolicy, "preemption", structs.PreemptLower, "lower: evicts allocations of lower priority where there is no room, never: waits")
	f.StringVar(&p.Description, "description", "", "what it is for")
	f.BoolVar(&p.Default, "default", false, "the class of jobs that name neither a class nor a priority")
	if err := c.MarkFlagRequired("value"); err != nil {
		panic(err) // the flag is two lines above
	}
	return c
}

func (e *env) classDelete() *cobra.Command {
	return &cobra.Command{Use: "delete NAME", Short: "remove a priority class that no job uses", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		client, err := e.client()
		if err != nil {
			return err
		}
		if _, err := client.PriorityClasses().Delete(cmd.Context(), args[0], nil); err != nil {
			return err
		}
		e.say("Priority class %q deleted", args[0])
		return nil
	}}
}
