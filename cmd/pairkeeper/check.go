package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
)

func newCheck() *cobra.Command {
	var src source
	var print bool
	var realServer []string
	c := &cobra.Command{
		Use:   "check [FILE]",
		Short: "check the configuration (also: pairkeeper -t); exit status 78 if it is wrong",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(realServer) > 0 {
				if len(args) > 0 || src.path != "" {
					return failure{exitUsage, errors.New("--real-server looks at this host: name no file")}
				}
				return checkRealServer(c, realServer)
			}
			if len(args) == 1 {
				src.path = args[0]
			}
			file, err := src.check()
			if err != nil {
				return err
			}
			for _, w := range slices.Concat(file.Warnings, nonlocal(file.Config), director(file)) {
				fmt.Fprintln(c.ErrOrStderr(), "warning:", w.Error())
			}
			if print {
				return file.Document.Print(c.OutOrStdout())
			}
			fmt.Fprintf(c.OutOrStdout(), "%s: good, this node is %s\n", file.Path, file.Config.Node)
			return nil
		},
	}
	src.flags(c)
	c.Flags().BoolVar(&print, "print", false, "print the configuration with every default in it")
	c.Flags().StringSliceVar(&realServer, "real-server", nil, "check this host instead, as a real server of LVS with these virtual addresses (direct routing, tunnel)")
	return c
}
