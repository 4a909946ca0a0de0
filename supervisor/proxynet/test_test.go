//go:build linux

package proxynet

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

func TestRunTestAcceptsAGoodConfiguration(t *testing.T) {
	netlab.Need(t, "nginx", "haproxy")
	for name, argv := range proxies {
		check := map[string]string{"nginx": "-t", "haproxy": "-c"}[name]
		if err := RunTest(t.Context(), append(argv(t, freePort(t)), check), soon); err != nil {
			t.Error(err)
		}
	}
}

func TestRunTestSaysWhatTheProxySays(t *testing.T) {
	netlab.Need(t, "nginx", "haproxy")
	dir := t.TempDir()
	conf := write(t, dir, "bad.conf", "\nnonsense on;\n")
	for _, tt := range []struct {
		argv []string
		want []string
	}{
		{[]string{"nginx", "-t", "-q", "-e", "stderr", "-c", conf}, []string{"nginx -t -q -e stderr -c " + conf + ": exit 1: ", `unknown directive "nonsense" in ` + conf + ":2"}},
		{[]string{"haproxy", "-c", "-f", conf}, []string{": exit 1: ", "bad.conf:2"}},
	} {
		err := RunTest(t.Context(), tt.argv, soon)
		for _, want := range tt.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %v, want %q in it", tt.argv, err, want)
			}
		}
	}
}

func TestRunTestErrors(t *testing.T) {
	for _, tt := range []struct{ name, script, want string }{
		{"silence", "exit 7", "sh -c exit 7: exit 7"},
		{"a signal", "kill -SEGV $$", "sh -c kill -SEGV $$: SIGSEGV"},
		{"only the last lines", "for i in 1 2 3 4 5; do echo $i; done; exit 1", "sh -c for i in 1 2 3 4 5; do echo $i; done; exit 1: exit 1: 2 | 3 | 4 | 5"},
		{"standard input is empty", "read x; exit 2", "sh -c read x; exit 2: exit 2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := RunTest(t.Context(), []string{"sh", "-c", tt.script}, soon); err == nil || err.Error() != tt.want {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
	if err := RunTest(t.Context(), []string{"no-such-test"}, soon); err == nil || err.Error() != "no-such-test: executable file not found in $PATH" {
		t.Error(err)
	}
}

func TestRunTestBoundsTheOutput(t *testing.T) {
	err := RunTest(t.Context(), []string{"sh", "-c", "head -c 10000000 /dev/zero | tr '\\0' x; exit 1"}, soon)
	if err == nil || len(err.Error()) > 2*tailBytes {
		t.Errorf("an error of %d bytes", len(err.Error()))
	}
}

func TestRunTestKillsAHungTestWithItsChildren(t *testing.T) {
	pidFile := filepath.Join(t.TempDir(), "pid")
	err := RunTest(t.Context(), []string{"sh", "-c", "echo waiting; echo $$ > " + pidFile + "; sleep 1000 & sleep 1000"}, 500*time.Millisecond)
	if err == nil || !strings.HasSuffix(err.Error(), ": not done within 500ms, killed: waiting") {
		t.Error(err)
	}
	b, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	pid, _ := strconv.Atoi(strings.TrimSpace(string(b)))
	for end := time.Now().Add(soon); alive(pid); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the children of the test live on")
		}
	}
}

// alive tells whether a process of the group is more than a zombie.
func alive(pgid int) bool {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		b, _ := os.ReadFile(path)
		_, rest, _ := strings.Cut(string(b), ") ")
		f := strings.Fields(rest) // state ppid pgrp …
		if len(f) > 2 && f[2] == strconv.Itoa(pgid) && f[0] != "Z" {
			return true
		}
	}
	return false
}
