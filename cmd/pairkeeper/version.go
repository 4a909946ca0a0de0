package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
)

// The Makefile sets release by the linker's -X flag.
var release = "unreleased"

func version() string { return release }

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "print the version",
		Args:  cobra.NoArgs,
		Run: func(c *cobra.Command, _ []string) {
			fmt.Fprintf(c.OutOrStdout(), "pairkeeper %s (%s %s/%s)\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
		},
	}
}
