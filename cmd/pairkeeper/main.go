// Command pairkeeper keeps one healthy proxy of a pair on the virtual address.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

// Exit codes, from sysexits(3).
const (
	exitUsage       = 64
	exitUnavailable = 69
	exitSoftware    = 70
	exitPermission  = 77
	exitConfig      = 78
)

// failure is an error with the exit code it ends in. One without a text has been told.
type failure struct {
	code int
	err  error
}

func (f failure) Error() string { return f.err.Error() }
func (f failure) Unwrap() error { return f.err }

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	root := newRoot()
	if len(args) > 0 && args[0] == "-t" { // as nginx has it
		args = append([]string{"check"}, args[1:]...)
	}
	root.SetArgs(args)
	err := root.Execute()
	if err == nil {
		return 0
	}
	if err.Error() != "" {
		fmt.Fprintln(os.Stderr, err)
	}
	var f failure
	if errors.As(err, &f) {
		return f.code
	}
	return exitUsage
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "pairkeeper",
		Short:         "keeps one healthy proxy of a pair on the virtual address",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(newRun(), newCheck(), newStatus(), newExplain(), newHistory(), newReload(), newClear(), newHandover(), newMaintenance(), newFreeze(), newTake(), newKeygen(), newWitness(), newRehearse(), newReplay(), newImport(), newDoctor(), newFence(), newCleanup(), newDemo(), newVersion(), newSchema(), newManual())
	return root
}
