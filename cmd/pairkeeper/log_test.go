package main

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

// logging begins a daemon with a log of a format; what it returns is its standard output.
func logging(t *testing.T, format string) (*running, *os.File) {
	t.Helper()
	h, dir := netlab.New(t).Host("lb01", "10.0.0.1/24"), shortDir(t)
	r := &running{T: t, file: write(t, filepath.Join(dir, "pairkeeper.yaml"), pair), socket: filepath.Join(dir, "sock")}
	r.cmd = program(nil, "run", "-c", r.file, "--node", "lb01", "--socket", r.socket, "--log", format)
	stdout, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stdout.Close() })
	r.cmd.Stdout, r.cmd.Stderr = w, &r.log
	h.Start(r.cmd)
	_ = w.Close()
	return r, stdout
}

// end stops the daemon in order.
func (r *running) end() {
	r.Helper()
	if err := r.cmd.Process.Signal(unix.SIGTERM); err != nil {
		r.Fatal(err)
	}
	if err := r.cmd.Wait(); err != nil {
		r.Errorf("it ended with %v", err)
	}
}

func TestTheLogGoesToStandardOutputAsJSON(t *testing.T) {
	r, stdout := logging(t, "json")
	r.shows("web     ACTIVE")
	r.end()
	out, err := io.ReadAll(stdout)
	if err != nil {
		t.Fatal(err)
	}
	type line struct {
		Time     time.Time
		Level    string
		Msg      string
		Router   string
		State    string
		OldState string `json:"old_state"`
		Reason   string
		Priority int
	}
	found := false
	for text := range strings.Lines(string(out)) {
		var l line
		if err := json.Unmarshal([]byte(text), &l); err != nil || l.Time.IsZero() || l.Msg == "" {
			t.Errorf("%v: %s", err, text)
		}
		l.Time, l.Msg = time.Time{}, ""
		found = found || l == line{Level: "info", Router: "web", State: "ACTIVE", OldState: "BACKUP", Reason: "alone", Priority: 150}
	}
	if !found {
		t.Errorf("no transition to ACTIVE:\n%s", out)
	}
	if r.log.String() != "" {
		t.Errorf("standard error: %s", r.log.String())
	}
}

func TestTheLogGoesToStandardOutputAsText(t *testing.T) {
	r, stdout := logging(t, "text")
	r.shows("web     ACTIVE")
	r.end()
	out, _ := io.ReadAll(stdout)
	if !strings.Contains(string(out), " INFO  web: BACKUP -> ACTIVE (alone) [MASTER]\n") || r.log.String() != "" {
		t.Errorf("standard output:\n%s\nstandard error:\n%s", out, r.log.String())
	}
}

func TestTheDaemonOutlivesTheReaderOfItsLog(t *testing.T) {
	r, stdout := logging(t, "json")
	_ = stdout.Close() // every write ends in EPIPE and SIGPIPE
	r.shows("web     ACTIVE")
	r.end()
}
