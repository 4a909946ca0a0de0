package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/logbook"
)

// journalOf is what journalctl -o json --reverse prints: an hour in which the daemon was
// killed once and ended once, and something else that is in the journal.
func journalOf() string {
	up := 3600
	var lines []string
	add := func(seconds int, fields string) {
		up += seconds
		lines = append([]string{fmt.Sprintf(`{"_BOOT_ID":"b0","__MONOTONIC_TIMESTAMP":"%d000000","__REALTIME_TIMESTAMP":"%d000000",%s}`,
			up, noon.Unix()+int64(up), fields)}, lines...)
	}
	daemon := func(seconds int, kind, message string) {
		add(seconds, fmt.Sprintf(`"MESSAGE_ID":"%s","MESSAGE":"%s"`, kind, message))
	}
	state := func(seconds int, from, to, reason, more, fields string) {
		add(seconds, fmt.Sprintf(`"MESSAGE":"web: %s -> %s (%s) [%s]%s","PAIRKEEPER_ROUTER":"web","PAIRKEEPER_STATE":"%s","PAIRKEEPER_OLD_STATE":"%s","PAIRKEEPER_REASON":"%s","PAIRKEEPER_PRIORITY":"150"%s`,
			from, to, reason, to, more, to, from, reason, fields))
	}
	begins := func(seconds int) {
		daemon(seconds, logbook.IDOf("", logbook.Begins, ""), "pairkeeper 1.0 begins as lb01 with /etc/nginx/pairkeeper.yaml")
	}
	begins(0)
	state(1, "INIT", "BACKUP", "started", "", "")
	state(30, "BACKUP", "ACTIVE", "preempts", ", peer 10.0.0.6", `,"PAIRKEEPER_PEER":"10.0.0.6"`)
	add(5, `"MESSAGE":"something else"`)
	state(1200, "ACTIVE", "FAULT", "proxy-down", ": test: nginx: [emerg] unknown directive", "")
	add(10, `"MESSAGE":"web: good again, but not yet for long enough (proxy-returns)","PAIRKEEPER_ROUTER":"web","PAIRKEEPER_STATE":"FAULT","PAIRKEEPER_OLD_STATE":"FAULT","PAIRKEEPER_REASON":"proxy-returns","PAIRKEEPER_PRIORITY":"150"`)
	state(10, "FAULT", "BACKUP", "started", "", "")
	state(40, "BACKUP", "ACTIVE", "peer-silent", "", "")
	daemon(3, "98e322203f7a4ed290d09fe03c09fe15", "pairkeeper.service: Main process exited, code=killed, status=9/KILL")
	add(0, `"MESSAGE_ID":"`+logbook.IDOf("", logbook.Cleaned, "")+`","MESSAGE":"web: removing the addresses that a dead daemon left on eth0","PAIRKEEPER_ROUTER":"web"`)
	begins(2)
	state(1, "INIT", "BACKUP", "started", "", "")
	begins(600)
	state(1, "INIT", "FAULT", "link-down", ": interface eth0 is down or has no carrier", "")
	return strings.Join(lines, "\n") + "\n-- No entries --\n"
}

func historyOf(t *testing.T, a asked) []logbook.Row {
	t.Helper()
	entries, _ := a.entries(strings.NewReader(journalOf()))
	rows := logbook.History(entries, logbook.Now{Boot: "b0", Up: 2 * time.Hour})
	for i := range rows {
		rows[i].At = rows[i].At.UTC()
	}
	return rows
}

func TestTheHistoryAsATable(t *testing.T) {
	var out bytes.Buffer
	printHistory(&out, historyOf(t, asked{}))
	golden(t, "history.txt", out.Bytes())
}

func TestTheHistoryAsJSON(t *testing.T) {
	var out bytes.Buffer
	if err := printHistoryJSON(&out, historyOf(t, asked{})[:5]); err != nil {
		t.Fatal(err)
	}
	golden(t, "history.json", out.Bytes())
}

func TestNoMoreIsReadThanIsShown(t *testing.T) {
	line := strings.Split(journalOf(), "\n")[0] + "\n"
	list, all := (&asked{rows: 5}).entries(strings.NewReader(strings.Repeat(line, 100_000)))
	if len(list) != 5+older || all {
		t.Errorf("%d entries, all: %v", len(list), all)
	}
}

func TestAHistoryWithoutAJournalSaysWhatToDo(t *testing.T) {
	dir := shortDir(t)
	journalctl := func(script string) []string {
		d := filepath.Join(dir, fmt.Sprint(len(script)))
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(d, "journalctl"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
			t.Fatal(err)
		}
		return []string{"PATH=" + d + ":/usr/bin:/bin"}
	}
	for name, c := range map[string]struct {
		env  []string
		args []string
		code int
		says string
	}{
		"no journalctl":   {[]string{"PATH=" + dir}, nil, exitUnavailable, "there is no journalctl here"},
		"not permitted":   {journalctl("echo 'No journal files were opened due to insufficient permissions.' >&2; exit 1"), nil, exitUnavailable, "insufficient permissions.\nbe root or in group systemd-journal"},
		"nothing":         {journalctl(""), nil, exitUnavailable, "the journal has no record of pairkeeper"},
		"no such router":  {journalctl(""), []string{"webb"}, exitUnavailable, "the journal has nothing of virtual router webb"},
		"a wrong --since": {journalctl("echo 'Failed to parse timestamp: soon' >&2; exit 1"), []string{"--since", "soon"}, exitUsage, "--since soon: journalctl does not understand it"},
		"a wrong -n":      {journalctl(""), []string{"-n", "-1"}, exitUsage, "not a number of rows"},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], append([]string{"history"}, c.args...)...)
			cmd.Env = append(append(os.Environ(), asProgram+"=1"), c.env...)
			code, out := call(t, cmd)
			if code != c.code || !strings.Contains(out, c.says) {
				t.Errorf("exit status %d, want %d: %s", code, c.code, out)
			}
		})
	}
}
