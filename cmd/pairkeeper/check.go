package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newCheck() *cobra.Command {
	var src source
	var print bool
	c := &cobra.Command{
		Use:   "check",
		Short: "check the configuration (also: pairkeeper -t); exit status 78 if it is wrong",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			file, err := src.load()
			if err != nil {
				return err
			}
			for _, w := range file.Warnings {
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
	return c
}
