package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/logbook"
)

// asked is what a history is to show.
type asked struct {
	router string
	unit   string
	since  string
	rows   int // the last ones; 0: all
}

func newHistory() *cobra.Command {
	var a asked
	var asJSON bool
	c := &cobra.Command{
		Use:   "history [router]",
		Short: "show what happened on this node, newest first, from the journal",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				a.router = args[0]
			}
			if a.rows < 0 {
				return fmt.Errorf("-n %d: not a number of rows; 0 is all", a.rows)
			}
			rows, err := a.read()
			if err != nil {
				return err
			}
			if asJSON {
				return printHistoryJSON(c.OutOrStdout(), rows)
			}
			printHistory(c.OutOrStdout(), rows)
			return nil
		},
	}
	c.Flags().IntVarP(&a.rows, "lines", "n", 20, "how many rows; 0: all")
	c.Flags().StringVar(&a.since, "since", "", "not before: 2h, yesterday, \"2026-08-01 12:00\" and whatever else journalctl takes")
	c.Flags().StringVar(&a.unit, "unit", "pairkeeper.service", "the daemon's unit, of whose end systemd tells")
	c.Flags().BoolVar(&asJSON, "json", false, "print it as JSON (schema 1)")
	return c
}

// read reads the journal and makes rows of it.
func (a *asked) read() ([]logbook.Row, error) {
	path, err := exec.LookPath("journalctl")
	if err != nil {
		return nil, failure{exitUnavailable, errors.New("there is no journalctl here, and the history is read from the journal: where there is no systemd, keep what pairkeeper run --log json prints (of a container: docker logs)")}
	}
	cmd := exec.Command(path, a.args()...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, failure{exitUnavailable, err}
	}
	entries, all := a.entries(out)
	if !all {
		_ = cmd.Process.Kill() // the rest is older
	}
	err = cmd.Wait()
	if !slices.ContainsFunc(entries, func(e logbook.Entry) bool { return a.router == "" || a.router == e.Router }) {
		return nil, a.nothing(err, complaint.String())
	}
	now, err := present()
	if err != nil {
		return nil, err
	}
	rows := logbook.History(entries, now)
	if a.rows > 0 && len(rows) > a.rows {
		rows = rows[:a.rows]
	}
	return rows, nil
}

func (a *asked) args() []string {
	args := []string{"-o", "json", "--no-pager", "--reverse", "--output-fields=" + strings.Join(logbook.Fields(), ",")}
	if a.since != "" {
		since := a.since
		if d, err := time.ParseDuration(since); err == nil && d > 0 {
			since = "-" + since
		}
		args = append(args, "--since="+since)
	}
	return append(args, logbook.Matches(a.router, a.unit)...)
}

// older is how many entries more than rows are read: what came before tells how a daemon
// ended.
const older = 20

// entries reads as many as are needed; all: nothing was left unread.
func (a *asked) entries(out io.Reader) (list []logbook.Entry, all bool) {
	r := bufio.NewReader(out)
	for {
		line, err := r.ReadBytes('\n')
		if e, bad := logbook.Parse(line); bad == nil {
			list = append(list, e)
		}
		if err != nil {
			return list, true
		}
		if a.rows > 0 && len(list) >= a.rows+older {
			return list, false
		}
	}
}

// nothing says why there is no history, and what to do.
func (a *asked) nothing(err error, complaint string) error {
	complaint = strings.TrimSpace(complaint)
	switch {
	case err != nil && a.since != "" && strings.Contains(complaint, "parse"):
		return fmt.Errorf("--since %s: journalctl does not understand it: 2h, yesterday, \"2026-08-01 12:00\" (man systemd.time)", a.since)
	case complaint != "":
		return failure{exitUnavailable, fmt.Errorf("the journal cannot be read: %s\nbe root or in group systemd-journal; where journald keeps nothing, set Storage=persistent in /etc/systemd/journald.conf", complaint)}
	case a.router != "" || a.since != "":
		return failure{exitUnavailable, fmt.Errorf("the journal has nothing of %s: pairkeeper history shows all there is", a.words())}
	}
	return failure{exitUnavailable, errors.New("the journal has no record of pairkeeper: did it ever run here, and with its log in the journal? (systemctl status pairkeeper)")}
}

// words are what was asked for.
func (a *asked) words() string {
	words := "pairkeeper"
	if a.router != "" {
		words = "virtual router " + a.router
	}
	if a.since != "" {
		words += " since " + a.since
	}
	return words
}

// present is what the journal's times are measured against.
func present() (logbook.Now, error) {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return logbook.Now{}, err
	}
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return logbook.Now{}, err
	}
	return logbook.Now{Boot: strings.ReplaceAll(strings.TrimSpace(string(id)), "-", ""), Up: time.Duration(ts.Nano())}, nil
}
