package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pairkeeper/pairkeeper/internal/doctor"
	"github.com/pairkeeper/pairkeeper/internal/doctor/doctornet"
	"github.com/pairkeeper/pairkeeper/internal/words"
)

// What doctor ends with; the codes of sysexits(3) are for when it could not look.
const (
	exitWarnings = 1
	exitFaults   = 2
)

// examination is what doctor prints; as JSON it is schema 1.
type examination struct {
	Schema   int       `json:"schema"`
	At       time.Time `json:"at"`
	Version  string    `json:"version"`
	File     string    `json:"file"`
	Node     string    `json:"node"`
	Peer     string    `json:"peer"`
	Listened string    `json:"listened"`
	*doctor.Report
}

func newDoctor() *cobra.Command {
	var src source
	var socket string
	var asJSON bool
	var listen time.Duration
	c := &cobra.Command{
		Use:   "doctor [FILE]",
		Short: "look for what breaks the pair, or will, and say what mends it; changes nothing",
		Long: `Doctor looks at this host and its network, before pairkeeper runs or while it does. It
changes nothing: it listens, asks by ARP who has the virtual addresses without claiming
them, runs the proxy's own test, and reads what the kernel, systemd, the packet filter and
the daemon tell. Each finding says what is so, why it matters, and what mends it.

Exit status 0: nothing is wrong, 1: warnings, 2: something breaks the pair.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				src.path = args[0]
			}
			if listen < 0 {
				return failure{exitUsage, errors.New("--listen is negative")}
			}
			file, err := src.check()
			if err != nil {
				return err
			}
			answering, problem := askDaemon(socket)
			facts := doctornet.Read(c.Context(), doctornet.Options{
				Config: file.Config, File: file.Path, Version: version(), Listen: listen, Daemon: answering, DaemonError: problem,
			})
			if facts.Director, err = directing(file); err != nil {
				facts.Unread = append(facts.Unread, doctor.Unread{Area: doctor.AreaDirector, Why: "what virtual_servers needs of this host: " + err.Error()})
			}
			e := &examination{
				Schema: 1, At: time.Now().UTC().Truncate(time.Second), Version: version(), File: file.Path, Node: file.Config.Node, Peer: file.Config.Peer,
				Listened: listen.String(), Report: doctor.Judge(facts),
			}
			if asJSON {
				enc := json.NewEncoder(c.OutOrStdout())
				enc.SetIndent("", "  ")
				err = enc.Encode(e)
			} else {
				printExamination(c.OutOrStdout(), e)
			}
			if err != nil {
				return err
			}
			return e.exit()
		},
	}
	src.flags(c)
	socketFlag(c, &socket)
	c.Flags().BoolVar(&asJSON, "json", false, "print it as JSON (schema 1)")
	c.Flags().DurationVar(&listen, "listen", 4*time.Second, "how long to listen to the network")
	return c
}

// errTold is the end of a command that has said all that it has to say.
var errTold = errors.New("")

// exit is the exit status by the worst finding.
func (e *examination) exit() error {
	switch e.Worst() {
	case doctor.Fault:
		return failure{exitFaults, errTold}
	case doctor.Warning:
		return failure{exitWarnings, errTold}
	}
	return nil
}

// sum is how many findings there are.
func (e *examination) sum() string {
	count := map[doctor.Severity]int{}
	for i := range e.Findings {
		count[e.Findings[i].Severity]++
	}
	var parts []string
	for _, s := range []doctor.Severity{doctor.Fault, doctor.Warning, doctor.Notice} {
		switch n := count[s]; {
		case n == 1:
			parts = append(parts, "1 "+s.String())
		case n > 1:
			parts = append(parts, fmt.Sprintf("%d %ss", n, s))
		}
	}
	if len(parts) == 0 {
		return "nothing is wrong"
	}
	return strings.Join(parts, ", ")
}

// printExamination writes the worst first, and what was good as a list at the end.
func printExamination(out io.Writer, e *examination) {
	fmt.Fprintf(out, "%s (peer %s), %s: %s\n", e.Node, e.Peer, e.File, e.sum())
	for i := range e.Findings {
		printFinding(out, &e.Findings[i])
	}
	if len(e.Good) > 0 {
		fmt.Fprintln(out, "\nGood:")
		for _, g := range e.Good {
			fmt.Fprintf(out, "  %s\n", g.What)
		}
	}
	if len(e.Unread) > 0 {
		fmt.Fprintln(out, "\nNot looked at:")
		for _, u := range e.Unread {
			fmt.Fprintf(out, "  %s\n", words.Visible(u.Why))
		}
	}
}

// margin is where what belongs to a finding begins.
const margin = "         "

func printFinding(out io.Writer, f *doctor.Finding) {
	fmt.Fprintf(out, "\n%-8s %s [%s]\n", strings.ToUpper(f.Severity.String()), words.Visible(f.What), f.Check)
	for _, line := range f.Evidence {
		fmt.Fprintf(out, "%s- %s\n", margin, words.Visible(line))
	}
	if f.Why != "" {
		fmt.Fprintf(out, "%swhy:  %s\n", margin, f.Why)
	}
	if f.Advice != "" {
		fmt.Fprintf(out, "%sdo:   %s\n", margin, f.Advice)
	}
	for i, line := range f.Mend {
		word := "run: "
		if i > 0 {
			word = "     "
		}
		fmt.Fprintf(out, "%s%s %s\n", margin, word, line)
	}
}
