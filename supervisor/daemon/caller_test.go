package daemon

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// asUser connects as another user of the daemon's group, and sends a request.
func asUser(t *testing.T, uid int, path, method, what string) (code int, d Denied) {
	t.Helper()
	dialed := make(chan net.Conn)
	go func() { // its thread ends with it
		runtime.LockOSThread()
		var c net.Conn
		if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, uintptr(uid), uintptr(uid), uintptr(uid)); errno == 0 {
			c, _ = net.Dial("unix", path)
		}
		dialed <- c
	}()
	conn := <-dialed
	if conn == nil {
		t.Fatalf("uid %d does not get to %s", uid, path)
	}
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) { return conn, nil },
	}}
	req, err := http.NewRequest(method, "http://x"+what, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	_ = json.NewDecoder(resp.Body).Decode(&d)
	return resp.StatusCode, d
}

// The group may look; who else wants to change something is told who he is and who may.
func TestOnlyTheDaemonsUserAndRootChangeAnything(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	mail, err := newMailbox()
	if err != nil {
		t.Fatal(err)
	}
	if err := mail.close(); err != nil { // it is stopping: whoever gets through is told so
		t.Fatal(err)
	}
	path := filepath.Join(dir, "sock")
	c, err := newControl(path, &Daemon{mail: mail})
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	for _, what := range []string{"/v1/handover", "/v1/reload", "/v1/clear", "/v1/fence/confirm"} {
		code, d := asUser(t, 65534, path, http.MethodPost, what)
		if code != http.StatusForbidden || !strings.Contains(d.Problem, "uid 65534") || !strings.Contains(d.Problem, "only root") {
			t.Errorf("%s: %d, %+v", what, code, d)
		}
	}
	if code, _ := asUser(t, 65534, path, http.MethodGet, "/v1/status"); code != http.StatusServiceUnavailable {
		t.Errorf("status: %d", code)
	}
	if code, _ := asUser(t, 0, path, http.MethodPost, "/v1/handover"); code != http.StatusServiceUnavailable {
		t.Errorf("root: %d", code)
	}
}
