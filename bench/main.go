//go:build linux

// Command bench measures pairkeeper and Debian's keepalived side by side: the same
// network, the same proxy, the same faults, in turn in the same run. It prints a table
// in Markdown on standard output and its progress on standard error.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/hostlab"
	"github.com/pairkeeper/pairkeeper/internal/onlooker"
)

// options is what the command line asks for.
type options struct {
	binary string
	n      int
	quick  bool
	only   string
	json   string
	logs   bool
}

const (
	usualRuns = 20
	quickRuns = 5
)

func main() {
	switch stage() {
	case stageHost:
		os.Exit(exitCode(keepHouse()))
	case stageClient:
		os.Exit(exitCode(onlooker.Be(nic, vip)))
	}
	// In namespaces of its own: when it ends, in whatever way, the kernel ends every
	// process in them and takes the networks and mounts away.
	os.Exit(hostlab.Main(bench{}))
}

// bench is what runs in the lab.
type bench struct{}

// Run returns the exit code.
func (bench) Run() int {
	opts, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 64
	}
	return exitCode(inLab(opts))
}

func exitCode(err error) int {
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, "bench:", err)
	return 1
}

func parse(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.StringVar(&o.binary, "binary", "bin/pairkeeper", "pairkeeper's `program`")
	f.IntVar(&o.n, "n", usualRuns, "runs of a scenario; slow ones have fewer")
	f.BoolVar(&o.quick, "quick", false, fmt.Sprintf("as -n %d, a few minutes", quickRuns))
	f.StringVar(&o.only, "only", "", "only the scenarios whose `name` begins with this, else all but guard-… and matrix-…: "+strings.Join(names(), ", "))
	f.StringVar(&o.json, "json", "", "write every single figure to this `file` too")
	f.BoolVar(&o.logs, "logs", false, "print what the daemons logged after each run")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	return o, o.complete()
}

func (o *options) complete() (err error) {
	if o.quick {
		o.n = quickRuns
	}
	if o.n < 1 {
		return fmt.Errorf("-n %d: at least one run is needed", o.n)
	}
	if len(chosen(o.only)) == 0 {
		return fmt.Errorf("-only %s: there is no such scenario; there are %s", o.only, strings.Join(names(), ", "))
	}
	if o.binary, err = filepath.Abs(o.binary); err != nil {
		return err
	}
	if _, err := exec.LookPath(o.binary); err != nil {
		return fmt.Errorf("-binary %s: no such program: build it first (make build)", o.binary)
	}
	for _, program := range []string{"keepalived", "nginx", "haproxy", "ps", "curl", "stress-ng"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("needs the program %s: install Debian's package", program)
		}
	}
	return nil
}

// inLab is the whole benchmark, as PID 1 of the namespaces made for it.
func inLab(o options) error {
	if err := furnish(); err != nil {
		return err
	}
	begin := time.Now()
	var report report
	report.describe(o)
	var guarded, matrix []scenario
	for _, s := range chosen(o.only) {
		switch {
		case s.deed != nil:
			guarded = append(guarded, s)
			continue
		case s.mishap != nil:
			matrix = append(matrix, s)
			continue
		}
		report.sections = append(report.sections, measure(s, o))
	}
	if len(guarded) > 0 {
		report.sections = append(report.sections, measureGuards(guarded, o)...)
	}
	if len(matrix) > 0 {
		report.sections = append(report.sections, measureMatrix(matrix, o)...)
	}
	report.took = time.Since(begin)
	if o.json != "" {
		if err := report.writeJSON(o.json); err != nil {
			return err
		}
	}
	report.print(os.Stdout)
	if n := report.lost(); n > 0 {
		return fmt.Errorf("%d runs could not be measured; see above", n)
	}
	return nil
}
