package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/pairkeeper/pairkeeper/internal/config"
	"github.com/pairkeeper/pairkeeper/supervisor/sim"
)

// exitRehearsal is the exit status when something in a rehearsal could be better.
const exitRehearsal = 1

func newRehearse() *cobra.Command {
	var src source
	var names []string
	var list, asJSON bool
	c := &cobra.Command{
		Use:   "rehearse [FILE]",
		Short: "play every failure against the configuration, and say who would hold the addresses",
		Long: "Rehearse plays every failure against both nodes of the configuration, in a simulator that runs the\n" +
			"daemon's own decisions: nothing of this host is touched, and no key or password is needed. The exit status is 1\n" +
			"if a failure leaves nobody who serves though a healthy node was there, or two holders where that can be prevented.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				src.path = args[0]
			}
			path, err := src.find()
			if err != nil {
				return failure{exitConfig, err}
			}
			pair, err := config.ReadPair(path)
			if err != nil {
				return failure{exitConfig, err}
			}
			a, b := pair.Nodes[0], pair.Nodes[1]
			drills, err := pick(sim.Drills(&a, &b), names)
			switch {
			case err != nil:
				return err
			case list:
				return printDrills(c.OutOrStdout(), drills)
			}
			r := newRehearsal(path, a.Node, b.Node, sim.RehearseAll(a, b, drills))
			if len(names) == 0 {
				r.advise(pair.Document)
			}
			print := r.print
			if asJSON {
				print = r.printJSON
			}
			if err := print(c.OutOrStdout()); err != nil {
				return err
			}
			if r.Bad > 0 {
				return failure{exitRehearsal, errors.New(r.verdict())}
			}
			return nil
		},
	}
	c.Flags().StringVarP(&src.path, "config", "c", "", "configuration file (default: the one of "+strings.Join(places, ", ")+")")
	c.Flags().StringSliceVar(&names, "fault", nil, "only these faults, such as nginx@lb01")
	c.Flags().BoolVar(&list, "list", false, "list the faults and end")
	c.Flags().BoolVar(&asJSON, "json", false, "print it as JSON (schema 1)")
	return c
}

// pick leaves the faults that are named; without a name all.
func pick(all []sim.Drill, names []string) ([]sim.Drill, error) {
	if len(names) == 0 {
		return all, nil
	}
	var picked []sim.Drill
	for _, name := range names {
		i := slices.IndexFunc(all, func(d sim.Drill) bool { return d.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no fault %s for this configuration: --list shows those that there are", name)
		}
		picked = append(picked, all[i])
	}
	return picked, nil
}

func printDrills(out io.Writer, drills []sim.Drill) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, d := range drills {
		fmt.Fprintf(w, "%s\t%s\n", d.Name, d.What)
	}
	return w.Flush()
}
