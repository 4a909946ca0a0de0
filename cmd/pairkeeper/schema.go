package main

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/pairkeeper/pairkeeper/schema"
)

func newSchema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "print the JSON Schema of the configuration, for editors",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := io.WriteString(c.OutOrStdout(), schema.JSON)
			return err
		},
	}
}
