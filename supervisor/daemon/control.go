package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// control serves the control socket: HTTP on a Unix socket. The daemon's group may ask, only
// root and the daemon's user may change anything.
type control struct {
	server *http.Server
	path   string
}

func newControl(path string, d *Daemon) (*control, error) {
	if path == "" {
		return nil, nil
	}
	if err := os.Mkdir(filepath.Dir(path), 0o750); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, mountable(err)
	}
	if err := removeStale(path); err != nil {
		return nil, err
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, mountable(err)
	}
	if err := os.Chmod(path, 0o660); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status", d.serveStatus)
	mux.HandleFunc("GET /v1/ipvs", d.serveIPVS)
	mux.HandleFunc("GET /v1/explain", d.serveExplain)
	mux.HandleFunc("POST /v1/reload", d.serveReload)
	mux.HandleFunc("POST /v1/fence/confirm", d.serveConfirm)
	mux.HandleFunc("POST /v1/clear", d.serveClear)
	mux.HandleFunc("POST /v1/handover", d.serveHandover)
	mux.HandleFunc("POST /v1/mode/{mode}/{to}", d.serveMode)
	mux.HandleFunc("GET /v1/take", d.serveTake)
	mux.HandleFunc("POST /v1/take", d.serveTake)
	c := &control{path: path, server: &http.Server{Handler: forOperators(mux), ConnContext: withCaller, ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 8 << 10}}
	go func() { _ = c.server.Serve(listener) }() // ends with close
	return c, nil
}

// mountable says what to do where a container's root file system is read-only.
func mountable(err error) error {
	if errors.Is(err, unix.EROFS) {
		return fmt.Errorf("%w: mount a tmpfs on /run, or name another place with --socket", err)
	}
	return err
}

// errRunning tells that the socket answers: another daemon of this name runs.
var errRunning = errors.New("another pairkeeper is running and answers there")

// removeStale removes the socket of a daemon that is gone, and nothing else.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != os.ModeSocket:
		return fmt.Errorf("%s is not a socket: name another place for it", path)
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		return errors.Join(&net.OpError{Op: "listen", Net: "unix", Addr: &net.UnixAddr{Name: path}, Err: errRunning}, conn.Close())
	}
	if !errors.Is(err, unix.ECONNREFUSED) { // somebody has it open, but is too busy
		return err
	}
	return os.Remove(path)
}

func (c *control) close() {
	if c == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = c.server.Shutdown(ctx) // who has not got its answer by now goes without
}

func (d *Daemon) serveStatus(w http.ResponseWriter, _ *http.Request) {
	s, ok := d.Status()
	if !ok {
		http.Error(w, "the daemon is stopping", http.StatusServiceUnavailable)
		return
	}
	answer(w, s)
}

// ReloadAnswer says what a reload did.
type ReloadAnswer struct {
	Changed []string  `json:"changed"`
	Problem string    `json:"problem,omitempty"`
	Loaded  time.Time `json:"loaded,omitzero"`  // where nothing changed: since when it is in force
	Before  []string  `json:"before,omitempty"` // and what changed then
}

func (d *Daemon) serveReload(w http.ResponseWriter, _ *http.Request) {
	changed, err := d.Reload()
	a := ReloadAnswer{Changed: changed}
	if len(changed) == 0 {
		d.noteConfig(func(c *ConfigStatus) { a.Loaded, a.Before = c.Loaded, c.Changed })
	}
	if err != nil {
		a.Problem = err.Error()
		w.WriteHeader(http.StatusUnprocessableEntity)
	}
	answer(w, a)
}

// beside is where a file lies that belongs to the daemon of a control socket; empty: nowhere.
func beside(socket, name string) string {
	if socket == "" {
		return ""
	}
	return filepath.Join(filepath.Dir(socket), name)
}

// outcome answers what became of somebody's wish: problem is why it came to nothing, ok false
// that the daemon is stopping.
func outcome(w http.ResponseWriter, ok bool, problem string, v any) {
	switch {
	case !ok:
		http.Error(w, errStopping.Error(), http.StatusServiceUnavailable)
		return
	case problem != "":
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusConflict)
	}
	answer(w, v)
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(v) // the client is gone: nobody to tell
}
