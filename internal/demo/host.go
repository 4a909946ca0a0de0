package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// node is one of the pair, as pairkeeperConf has it.
type node struct{ name, address string }

var (
	first  = node{"lb01", "10.99.0.5"} // has the higher priority
	second = node{"lb02", "10.99.0.6"}
)

// host is a node with its network and its daemon.
type host struct {
	node
	net    *netlab.Host
	dir    string
	log    logbook
	daemon *exec.Cmd
	exited chan struct{} // closed when the daemon has ended
	client *http.Client  // of the control socket
}

func newHost(n node, net *netlab.Host) *host {
	h := &host{node: n, net: net, dir: filepath.Join(workDir, n.name)}
	h.client = &http.Client{
		Timeout:   500 * time.Millisecond,
		Transport: &http.Transport{DialContext: h.dial, DisableKeepAlives: true},
	}
	return h
}

func (h *host) socket() string { return h.dir + ".sock" }

func (h *host) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "unix", h.socket())
}

// start starts the daemon in the host's folder and network.
func (h *host) start() {
	cmd := exec.Command(program, "run", "-c", configFile, "--node", h.name, "--socket", h.socket())
	cmd.Dir, cmd.Stdout, cmd.Stderr = h.dir, &h.log, &h.log
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")} // no systemd around it
	cmd.WaitDelay = time.Second
	h.net.Start(cmd)
	exited := make(chan struct{})
	h.daemon, h.exited = cmd, exited
	go func() {
		_ = cmd.Wait() // how it ended is in ProcessState
		close(exited)
	}()
}

// signal is kill(1) of the daemon.
func (h *host) signal(s unix.Signal) error { return h.daemon.Process.Signal(s) }

// gone tells that the daemon has ended, and how.
func (h *host) gone() (how string, gone bool) {
	select {
	case <-h.exited:
		return h.daemon.ProcessState.String(), true
	default:
		return "", false
	}
}

// status asks the daemon as pairkeeper status does.
func (h *host) status() (daemon.Status, error) {
	var s daemon.Status
	resp, err := h.client.Get("http://pairkeeper/v1/status")
	if err != nil {
		if how, gone := h.gone(); gone {
			return s, fmt.Errorf("%s: pairkeeper has ended: %s", h.name, how)
		}
		return s, fmt.Errorf("%s: pairkeeper does not answer", h.name)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&s); err != nil {
		return s, fmt.Errorf("%s: status: %w", h.name, err)
	}
	if len(s.Routers) != 1 || s.Proxy == nil {
		return s, fmt.Errorf("%s: status has %d routers", h.name, len(s.Routers))
	}
	return s, nil
}

// killProxy is kill -9 of the proxy's main process.
func (h *host) killProxy() error {
	s, err := h.status()
	if err != nil {
		return err
	}
	if s.Proxy.MainPID <= 0 {
		return errors.New(h.name + ": there is no proxy to kill")
	}
	return unix.Kill(s.Proxy.MainPID, unix.SIGKILL)
}
