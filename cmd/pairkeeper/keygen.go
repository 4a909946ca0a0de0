package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"
)

// keyBytes is the length of a key: that of SHA-256's own.
const keyBytes = 32

func newKeygen() *cobra.Command {
	return &cobra.Command{
		Use:   "keygen [FILE]",
		Short: "make a key for heartbeat: or auth:, in a new file or on standard output",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			key := make([]byte, keyBytes)
			_, _ = rand.Read(key) // never errs
			text := "hex:" + hex.EncodeToString(key) + "\n"
			if len(args) == 0 {
				_, err := fmt.Fprint(c.OutOrStdout(), text)
				return err
			}
			return writeKey(args[0], text)
		},
	}
}

// writeKey never writes over a file: the other node may have its key.
func writeKey(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return failure{exitConfig, fmt.Errorf("%s is there already: copy it to the other node, or name another file", path)}
	case err != nil:
		return failure{exitPermission, err}
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}
