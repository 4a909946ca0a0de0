package program

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

// script writes a program of the shell.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "script")
	syscall.ForkLock.RLock() // else a child of another test may hold it open for writing: ETXTBSY
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

const long = 60 * time.Second

func TestAProgramIsTerminatedBeforeItIsKilled(t *testing.T) {
	for name, c := range map[string]struct{ text, last string }{
		"tidies up":       {"trap 'echo tidied; exit 0' TERM; echo began; while :; do sleep 0.01; done", "tidied"},
		"ignores SIGTERM": {"trap '' TERM; echo began; while :; do sleep 0.01; done", "began"},
		"forks":           {"trap 'exit 0' TERM; (trap '' TERM; sleep 1000) & echo began; wait; wait", "began"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := script(t, c.text)
			p := Program{Command: []string{path}, Timeout: 2 * time.Second, Grace: 2 * time.Second}
			if r := p.Run(t.Context()); r.OK() || r.String() != path+": not done within 2s, killed: "+c.last {
				t.Fatalf("%+v", r)
			}
		})
	}
}

func TestLinesAreToldAsTheyAre(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"nothing":         {"exit 0", nil},
		"lines":           {"echo one; echo; echo two >&2; printf three", []string{"one", "two", "three"}},
		"odd bytes":       {`printf 'a\033[31mb\377c\n'`, []string{"a [31mb?c"}},
		"in small pieces": {"for i in a b c; do printf $i; sleep 0.02; done; echo d", []string{"abcd"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			p := Program{Command: []string{script(t, c.text)}, Timeout: long, Line: func(l string) { got = append(got, l) }}
			if r := p.Run(t.Context()); !r.OK() || !slices.Equal(got, c.want) {
				t.Fatalf("%+v, %q, want %q", r, got, c.want)
			}
		})
	}
}

func TestWhatIsPrintedWithoutEndIsNotTold(t *testing.T) {
	for name, text := range map[string]string{
		"lines":       "while :; do echo yes; done",
		"one line":    "while :; do printf yes; done",
		"empty lines": "while :; do echo; done",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			p := Program{Command: []string{script(t, text)}, Timeout: 3 * time.Second, Line: func(l string) { got = append(got, l) }}
			if r := p.Run(t.Context()); !strings.HasSuffix(r.Text, ": not done within 3s, killed") {
				t.Errorf("%+v", r)
			}
			if len(got) > maxLines+1 {
				t.Fatalf("%d lines", len(got))
			}
			for _, l := range got {
				if len(l) > keptTail {
					t.Errorf("a line of %d bytes", len(l))
				}
			}
			if name != "empty lines" && got[len(got)-1] != "prints more than 500 lines or 256 KiB: the rest is not shown" {
				t.Errorf("ends with %q", got[len(got)-1])
			}
		})
	}
}

func TestAProgramIsGivenItsInputAndVariables(t *testing.T) {
	p := Program{
		Command: []string{script(t, `read a; echo "$a $PAIRKEEPER_ROUTER"`)}, Timeout: long,
		Env: []string{"PAIRKEEPER_ROUTER=web"}, Stdin: strings.NewReader("action=off\n"),
	}
	if r := p.Run(t.Context()); !r.OK() || r.Last != "action=off web" {
		t.Fatalf("%+v", r)
	}
}

// It does not read, and its input is more than a pipe holds.
func TestAProgramNeedNotReadItsInput(t *testing.T) {
	p := Program{Command: []string{script(t, "exit 3")}, Timeout: long, Stdin: strings.NewReader(strings.Repeat("x", 1<<20))}
	if r := p.Run(t.Context()); !r.Exited || r.Status != 3 {
		t.Fatalf("%+v", r)
	}
}

func TestAProgramMayRunAsTheDaemonsOwnUser(t *testing.T) {
	netlab.Need(t) // root
	root, err := LookUp("root")
	if err != nil {
		t.Fatal(err)
	}
	p := Program{Command: []string{script(t, `echo "$USER $HOME"`)}, As: root, Timeout: long}
	if r := p.Run(t.Context()); !r.OK() || r.Last != "root /root" || !root.isDaemon() {
		t.Fatalf("%+v", r)
	}
}
