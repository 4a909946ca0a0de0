// Command manual writes a document as a manual page to standard output:
//
//	manual pairkeeper.yaml 5 "pairkeeper 1.0" "the configuration of a pair" < docs/configuration.md
package main

import (
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/pairkeeper/pairkeeper/internal/manpage"
)

func main() {
	if err := write(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "manual:", err)
		os.Exit(1)
	}
}

func write(args []string) error {
	if len(args) != 4 {
		return fmt.Errorf("%d arguments: name section source title are needed", len(args))
	}
	section, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	_, err = io.WriteString(os.Stdout, manpage.Page{Name: args[0], Section: section, Source: args[2], Title: args[3]}.Write(string(text)))
	return err
}
