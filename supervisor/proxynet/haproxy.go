package proxynet

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// master is the command line of HAProxy's master process (-W or -Ws with -S). A reload is
// but a signal to it: only here it tells whether it could load the configuration. Where it
// could not, it waits, and the worker with the old one goes on (measured with 2.6).
type master struct{ socket string }

// masterOf finds the command line of a main process; none: it is not HAProxy's, or has none.
func masterOf(pid int) (master, bool) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	if err != nil {
		return master{}, false
	}
	args := strings.Split(string(bytes.TrimRight(text, "\x00")), "\x00")
	at := slices.Index(args, "-S") + 1
	if filepath.Base(args[0]) != "haproxy" || at == 0 || at == len(args) {
		return master{}, false
	}
	path, _, _ := strings.Cut(strings.TrimPrefix(args[at], "unix@"), ",")
	return master{path}, filepath.IsAbs(path)
}

// reloads is what a master has counted: its reloads, and how many failed since one worked.
type reloads struct{ all, failed int }

// masterLine is the master's in the answer to "show proc", since HAProxy 2.5.
var masterLine = regexp.MustCompile(`(?m)^\d+\s+master\s+(\d+) \[failed: (\d+)\]`)

const (
	masterPatience = time.Second
	masterEvery    = 50 * time.Millisecond
	masterAnswer   = 64 << 10
)

// count asks for the reloads. While the master loads a configuration it does not answer.
func (m master) count(ctx context.Context) (r reloads, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, masterPatience)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "unix", m.socket)
	if err != nil {
		return r, false
	}
	defer conn.Close()
	end, _ := ctx.Deadline()
	_ = conn.SetDeadline(end)
	if _, err := conn.Write([]byte("show proc\n")); err != nil {
		return r, false
	}
	if c, ok := conn.(*net.UnixConn); ok {
		_ = c.CloseWrite()
	}
	answer, _ := io.ReadAll(io.LimitReader(conn, masterAnswer))
	found := masterLine.FindSubmatch(answer)
	if found == nil {
		return r, false
	}
	r.all, _ = strconv.Atoi(string(found[1]))
	r.failed, _ = strconv.Atoi(string(found[2]))
	return r, true
}

// await waits until a master has loaded its configuration once more than before.
func (m master) await(ctx context.Context, before reloads) error {
	for {
		now, ok := m.count(ctx)
		switch {
		case ok && now.all > before.all && now.failed > 0:
			return errNotLoaded
		case ok && now.all > before.all:
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("HAProxy's master has not answered since: %w", ctx.Err())
		case <-time.After(masterEvery):
		}
	}
}
