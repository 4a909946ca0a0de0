package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/board"
	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// fenceFile writes a configuration in which lb02 is fenced by a script, and lb01 by a command.
func fenceFile(t *testing.T, script string) (file, agent string) {
	t.Helper()
	dir := t.TempDir()
	file, agent = filepath.Join(dir, "pairkeeper.yaml"), filepath.Join(dir, "fence_test")
	put := func(path string, mode os.FileMode, text string) {
		syscall.ForkLock.RLock() // else a child of another test may hold it open for writing: ETXTBSY
		defer syscall.ForkLock.RUnlock()
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	put(agent, 0o755, "#!/bin/sh\ncat >> "+agent+".got\n"+script+"\n")
	put(filepath.Join(dir, "pair.key"), 0o600, "hex:"+strings.Repeat("5a", 32)+"\n")
	put(filepath.Join(dir, "pw"), 0o600, "xyzzy\n")
	put(file, 0o644, pair+"heartbeat:\n  key_file: "+dir+"/pair.key\n  links: [{lb01: 10.0.0.1, lb02: 10.0.0.2}]\nfence:\n  agents:\n"+
		"    lb01: {command: ["+agent+", lb01]}\n    lb02: {agent: "+agent+", options: {plug: 7}, password_file: "+dir+"/pw}\n")
	return file, agent
}

// fenceRun runs pairkeeper fence as a node.
func fenceRun(t *testing.T, file, node string, args ...string) (text string, code int) {
	t.Helper()
	cmd := program(nil, append([]string{"fence", "-c", file, "--node", node}, args...)...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

func TestFenceDryRunShowsWhatWouldBeRunAndNoSecret(t *testing.T) {
	file, agent := fenceFile(t, "exit 1")
	text, code := fenceRun(t, file, "lb01", "--dry-run")
	want := "lb01 would fence lb02:\n1. " + agent + "\n   within 20s, told on its standard input:\n     action=reboot\n     nodename=lb02\n     plug=7\n     password=********\n"
	if text != want || code != 0 {
		t.Errorf("exit %d: %s\nwant %s", code, text, want)
	}
	text, code = fenceRun(t, file, "lb02", "--dry-run")
	want = "lb02 would fence lb01:\n1. " + agent + " lb01\n   within 20s, told by its environment:\n     PAIRKEEPER_NODE=lb02\n     PAIRKEEPER_PEER=lb01\n     PAIRKEEPER_ACTION=reboot\n"
	if text != want || code != 0 {
		t.Errorf("exit %d: %s\nwant %s", code, text, want)
	}
	if _, err := os.Stat(agent + ".got"); err == nil {
		t.Error("it was run")
	}
}

func TestFenceTestSwitchesNothing(t *testing.T) {
	file, agent := fenceFile(t, "echo all outlets answer")
	if text, code := fenceRun(t, file, "lb01", "--test"); text != "fence_test: works (monitor)\n" || code != 0 {
		t.Errorf("exit %d: %s", code, text)
	}
	got, err := os.ReadFile(agent + ".got")
	if err != nil || string(got) != "action=monitor\nnodename=lb02\nplug=7\npassword=xyzzy\n" {
		t.Errorf("%q, %v", got, err)
	}
	file, agent = fenceFile(t, "echo no route to host >&2; exit 1")
	want := "fence_test: does not work: " + agent + ": exit 1: no route to host\n1 of 1 cannot be used to fence lb02\n"
	if text, code := fenceRun(t, file, "lb01", "--test"); text != want || code != exitFault {
		t.Errorf("exit %d: %s", code, text)
	}
}

func TestFenceNowWantsTheOtherNodesName(t *testing.T) {
	file, agent := fenceFile(t, "exit 0")
	for _, args := range [][]string{nil, {"--now"}, {"--now", "lb01"}, {"--now", "lb03"}, {"--acknowledge"}, {"lb02"}, {"--now", "--dry-run", "lb02"}} {
		if text, code := fenceRun(t, file, "lb01", args...); code != exitUsage || text == "" {
			t.Errorf("%v: exit %d: %s", args, code, text)
		}
	}
	if _, err := os.Stat(agent + ".got"); err == nil {
		t.Fatal("it was run")
	}
	text, code := fenceRun(t, file, "lb01", "--now", "lb02")
	if code != 0 || !strings.Contains(text, "lb02 is off, "+agent+" says so after ") {
		t.Errorf("exit %d: %s", code, text)
	}
	file, agent = fenceFile(t, "echo login denied; exit 1")
	text, code = fenceRun(t, file, "lb01", "--now", "lb02")
	if want := "fencing lb02 (reboot, with fence_test)\nlb02 is not fenced: " + agent + ": exit 1: login denied\n"; code != exitFault || text != want {
		t.Errorf("exit %d: %s", code, text)
	}
}

func TestFenceSaysThatThereIsNone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pairkeeper.yaml")
	if err := os.WriteFile(file, []byte(pair), 0o644); err != nil {
		t.Fatal(err)
	}
	if text, code := fenceRun(t, file, "lb01", "--test"); code != exitFault || text != file+" says nothing of a fence\n" {
		t.Errorf("exit %d: %s", code, text)
	}
	file, _ = fenceFile(t, "")
	if text, code := fenceRun(t, file, "lb01", "--acknowledge", "lb02", "--socket", file+".none"); code != exitUnavailable {
		t.Errorf("exit %d: %s", code, text)
	}
}

func TestStatusTellsWhatBecameOfTheFence(t *testing.T) {
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	before := func(d time.Duration) time.Time { return noon.Add(-d) }
	for want, f := range map[string]*daemon.FenceStatus{
		"":                                      {State: "armed", Heard: true},
		"lb02 is being fenced (reboot, for 2s)": {State: "pending", Since: before(2 * time.Second)},
		"lb02 was fenced 1m0s ago, and has not been heard since": {State: "done", Since: before(time.Minute)},
		"lb02 is off, as an operator said":                       {State: "done", Operator: true},
		"lb02 could not be fenced; tried again in 9m0s: exit 1; if you have switched it off: pairkeeper fence --acknowledge lb02": {State: "failed", Problem: "exit 1", Next: noon.Add(9 * time.Minute)},
		"lb02 could not be fenced now: exit 1; try it with pairkeeper fence --test":                                               {State: "armed", Broken: "exit 1"},
	} {
		f.Action = "reboot"
		if got := strings.Join(board.Problems(&daemon.Status{Peer: "lb02", Fence: f}, noon), "\n"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
