package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func moment(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse("2006-01-02 15:04:05", "2026-11-21 "+text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestAMomentIsTodayOrYesterdayOrSoLongAgo(t *testing.T) {
	zone := time.FixedZone("here", 3600)
	now := time.Date(2026, 3, 1, 3, 30, 0, 0, zone)
	for text, want := range map[string]string{
		"03:12":                "2026-03-01 03:12:00",
		"03:12:05.5":           "2026-03-01 03:12:05.5",
		"12:30":                "2026-02-28 12:30:00",
		"2026-01-21 03:12:05":  "2026-01-21 03:12:05",
		"2026-01-21 03:12":     "2026-01-21 03:12:00",
		"2026-01-21T03:12:05Z": "2026-01-21 04:12:05",
		"-5m":                  "2026-03-01 03:25:00",
		"-1h30m":               "2026-03-01 02:00:00",
	} {
		at, err := parseMoment(text, now)
		if err != nil || at.In(zone).Format("2006-01-02 15:04:05.999") != want {
			t.Errorf("%s is %s, %v; want %s", text, at, err, want)
		}
	}
	for _, text := range []string{"", "soon", "25:00", "5m", "--5m", "2026-13-01 00:00"} {
		if at, err := parseMoment(text, now); err == nil || !strings.Contains(err.Error(), "write 03:12") {
			t.Errorf("%q is %s, %v", text, at, err)
		}
	}
}

func TestAMomentOfThePastIsExplained(t *testing.T) {
	for name, c := range map[string]struct{ story, at, router string }{
		"killed":   {killedStory, "03:12:11", ""},
		"conflict": {conflictStory, "03:12:25", "web"},
		"broken":   {brokenStory, "03:14:30", ""},
	} {
		t.Run(name, func(t *testing.T) {
			folder, _ := recorded(t, c.story, "lb02", 1<<20)
			files, err := traceFiles([]string{folder})
			if err != nil {
				t.Fatal(err)
			}
			a, err := accountOf(files, moment(t, c.at), c.router)
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			a.print(&out)
			golden(t, "explain-at-"+name+".txt", out.Bytes())
		})
	}
}

// What is older than the trace comes from the journal, and what comes as JSON is the same.
func TestTheJournalTellsWhatTheTraceDoesNot(t *testing.T) {
	folder, _ := recorded(t, killedStory, "lb02", 10<<10)
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "journal"), []byte(journalOf()), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bin, "journalctl"), []byte("#!/bin/sh\ncat "+bin+"/journal\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"--trace", folder, "--at", "2026-03-01 13:00:40"}, []string{"the trace does not go back so far", "from the journal", "BACKUP"}},
		{[]string{"--socket", bin + "/sock", "--at", "2026-03-01 13:00:40"}, []string{"no such file or folder", "from the journal", "BACKUP"}},
		{[]string{"--trace", folder, "--at", "2020-01-01 00:00"}, []string{"the journal has nothing of that time or before"}},
		{[]string{"--trace", folder, "--at", "soon"}, []string{"is no moment"}},
	} {
		cmd := program(nil, append([]string{"explain"}, c.args...)...)
		cmd.Env = append(cmd.Env, "PATH="+bin+":"+os.Getenv("PATH"), "TZ=UTC")
		_, out := call(t, cmd)
		for _, want := range c.want {
			if !strings.Contains(out, want) {
				t.Errorf("explain %q: no %q in\n%s", c.args, want, out)
			}
		}
	}
	cmd := program(nil, "explain", "web", "--trace", folder, "--at", "2026-11-21 03:12:11", "--json")
	cmd.Env = append(cmd.Env, "TZ=UTC")
	code, out := call(t, cmd)
	var a account
	if err := json.Unmarshal([]byte(out), &a); code != 0 || err != nil || a.Schema != 1 || len(a.Moves) != 2 || len(a.Then) != 1 {
		t.Errorf("exit status %d, %v:\n%s", code, err, out)
	}
}

// Where a segment ends is not seen in what is told of a move: what happened before it is taken
// from the one before.
func TestAMoveIsExplainedAcrossSegments(t *testing.T) {
	long := strings.Replace(killedStory, "10s lb01", "40s lb01", 1)
	long = strings.Replace(long, "20s end", "80s end", 1)
	accounts := map[int]*account{}
	for _, size := range []int{1 << 20, 1} {
		folder, segments := recorded(t, long, "lb02", size)
		if size < 1<<20 && len(segments) < 2 {
			t.Fatalf("%d segments", len(segments))
		}
		files, err := traceFiles([]string{folder})
		if err != nil {
			t.Fatal(err)
		}
		if accounts[size], err = accountOf(files, moment(t, "03:12:45"), "web"); err != nil {
			t.Fatal(err)
		}
	}
	whole, parts := accounts[1<<20], accounts[1]
	if len(whole.Moves) != 2 || len(parts.Moves) != 2 {
		t.Fatalf("%d and %d moves", len(whole.Moves), len(parts.Moves))
	}
	if d := cmp.Diff(whole.Then, parts.Then); d != "" {
		t.Error(d)
	}
	for i := range whole.Moves {
		if d := cmp.Diff(whole.Moves[i].Knew, parts.Moves[i].Knew); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff(whole.Moves[i].Became, parts.Moves[i].Became); d != "" {
			t.Error(d)
		}
	}
}
