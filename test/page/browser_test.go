//go:build browser

package page

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

// browser is a headless Chromium with one page, driven over its DevTools pipe.
type browser struct {
	*testing.T
	in      *os.File
	session string

	mu      sync.Mutex
	last    int
	waiting map[int]chan reply
	errors  []string // that the page has reported
}

type reply struct {
	ID     int             `json:"id"`
	Method string          `json:"method"`
	Result json.RawMessage `json:"result"`
	Params json.RawMessage `json:"params"`
	Error  json.RawMessage `json:"error"`
}

// browse starts Chromium in a host; it ends with the test.
func browse(t *testing.T, h *netlab.Host) *browser {
	t.Helper()
	netlab.Need(t, "chromium")
	toIn, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, fromOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
		"--no-first-run", "--disable-background-networking", "--user-data-dir="+t.TempDir(), "--remote-debugging-pipe")
	cmd.ExtraFiles = []*os.File{toIn, fromOut} // 3 and 4
	h.Start(cmd)
	_ = toIn.Close()
	_ = fromOut.Close()
	b := &browser{T: t, in: in, waiting: map[int]chan reply{}}
	read := make(chan struct{})
	go func() {
		defer close(read)
		b.read(bufio.NewReader(out))
	}()
	t.Cleanup(func() {
		b.session = ""
		_ = json.NewEncoder(in).Encode(nil)
		_ = in.Close() // it ends then
		_ = cmd.Wait()
		_ = out.Close()
		<-read
	})
	var target struct{ TargetID, SessionID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &target)
	b.session = target.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log"} {
		b.call(domain+".enable", nil, nil)
	}
	return b
}

func (b *browser) read(r *bufio.Reader) {
	for {
		line, err := r.ReadBytes(0)
		if err != nil {
			return
		}
		var m reply
		_ = json.Unmarshal(line[:len(line)-1], &m)
		b.mu.Lock()
		if c := b.waiting[m.ID]; c != nil && m.ID > 0 {
			c <- m
		}
		if m.Method == "Log.entryAdded" || m.Method == "Runtime.exceptionThrown" {
			b.errors = append(b.errors, string(m.Params))
		}
		b.mu.Unlock()
	}
}

// call does something in the browser.
func (b *browser) call(method string, params, result any) {
	b.Helper()
	b.mu.Lock()
	b.last++
	id, done := b.last, make(chan reply, 1)
	b.waiting[id] = done
	b.mu.Unlock()
	m := map[string]any{"id": id, "method": method}
	if params != nil {
		m["params"] = params
	}
	if b.session != "" {
		m["sessionId"] = b.session
	}
	text, err := json.Marshal(m)
	if err == nil {
		_, err = b.in.Write(append(text, 0))
	}
	if err != nil {
		b.Fatal(err)
	}
	select {
	case r := <-done:
		if r.Error != nil {
			b.Fatalf("%s: %s", method, r.Error)
		}
		if result != nil {
			if err := json.Unmarshal(r.Result, result); err != nil {
				b.Fatalf("%s: %v: %s", method, err, r.Result)
			}
		}
	case <-time.After(soon):
		b.Fatalf("%s: no answer within %s", method, soon)
	}
}

// eval is the value of an expression in the page.
func eval[T any](b *browser, expression string) T {
	b.Helper()
	var r struct {
		Result struct{ Value T }
	}
	b.call("Runtime.evaluate", map[string]any{"expression": expression, "awaitPromise": true, "returnByValue": true}, &r)
	return r.Result.Value
}

// looks sets the size of the window, and whether it is dark.
func (b *browser) looks(width, height int, scheme string) {
	b.Helper()
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}, nil)
	b.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
}

// shoot takes a picture of the whole page.
func (b *browser) shoot() []byte {
	b.Helper()
	var r struct{ Data string }
	b.call("Page.captureScreenshot", map[string]any{"captureBeyondViewport": true}, &r)
	data, err := base64.StdEncoding.DecodeString(r.Data)
	if err != nil {
		b.Fatal(err)
	}
	return data
}

func (b *browser) complaints() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.errors...)
}
