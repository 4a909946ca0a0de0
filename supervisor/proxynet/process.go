package proxynet

import (
	"bytes"
	"os"
	"strings"
	"sync"
	"syscall"
)

// exitOf says how a process ended, as Unit does: "exit 1", "SIGKILL".
func exitOf(p *os.ProcessState) string {
	ws, ok := p.Sys().(syscall.WaitStatus)
	if ok && ws.Signaled() {
		return exitText(cldKilled, int32(ws.Signal()))
	}
	return exitText(cldExited, int32(p.ExitCode()))
}

// ownVariables are between systemd and pairkeeper: a proxy must not speak for it.
var ownVariables = []string{
	"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES",
	"FDSTORE", "INVOCATION_ID", "JOURNAL_STREAM", "SYSTEMD_EXEC_PID", "CREDENTIALS_DIRECTORY", "MANAGERPID",
}

// environment is pairkeeper's own without what systemd gave it.
func environment() []string {
	var env []string
next:
	for _, kv := range os.Environ() {
		for _, own := range ownVariables {
			if strings.HasPrefix(kv, own+"=") {
				continue next
			}
		}
		env = append(env, kv)
	}
	return env
}

// tail keeps the end of what is written to it.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

const (
	tailBytes = 1024
	tailLines = 4
)

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(p)
	p = p[max(0, len(p)-tailBytes):]
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - tailBytes; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return n, nil
}

// suffix is ": " and the last lines as one line; empty when nothing was written.
func (t *tail) suffix() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := strings.Split(string(bytes.TrimSpace(t.buf)), "\n")
	lines = lines[max(0, len(lines)-tailLines):]
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	text := strings.ToValidUTF8(strings.Join(lines, " | "), "?")
	if text == "" {
		return ""
	}
	return ": " + text
}
