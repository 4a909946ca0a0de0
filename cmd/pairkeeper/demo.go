package main

import (
	"errors"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pairkeeper/pairkeeper/internal/demo"
)

func newDemo() *cobra.Command {
	var o demo.Options
	c := &cobra.Command{
		Use:   "demo",
		Short: "show a throw-away pair and what becomes of it when things break; needs no configuration",
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { return end(demo.Run(o)) },
	}
	c.PersistentFlags().StringSliceVar(&o.Only, "only", nil, "only these acts: "+strings.Join(demo.Acts(), ", "))
	c.PersistentFlags().BoolVar(&o.BuiltIn, "built-in", false, "a built-in web server as the proxy, even where nginx is installed")

	// The parts in which the demo runs this program again.
	part := func(name string, run func(args []string) error) *cobra.Command {
		return &cobra.Command{Use: name, Hidden: true, RunE: func(_ *cobra.Command, args []string) error { return run(args) }}
	}
	var test bool
	web := part("web", func(args []string) error { return demo.Web(args[0], test) })
	web.Args = cobra.ExactArgs(1)
	web.Flags().BoolVar(&test, "test", false, "test the configuration file")
	c.AddCommand(
		part("init", func([]string) error { return end(demo.Init(o)) }),
		part("play", func([]string) error { return promised(demo.Play(o)) }),
		part("client", func([]string) error { return promised(demo.Ask()) }),
		web,
	)
	return c
}

// promised is the exit status of a demo that did not go as promised.
func promised(err error) error {
	if err != nil {
		return failure{1, err}
	}
	return nil
}

// end passes on the exit status of a part that has said itself what it means.
func end(code int, err error) error {
	if e, ok := errors.AsType[*demo.Refused](err); ok {
		return failure{exitPermission, e}
	}
	if err == nil && code != 0 {
		os.Exit(code)
	}
	return err
}
