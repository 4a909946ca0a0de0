package daemon

import (
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/activation"

	"github.com/pairkeeper/pairkeeper/internal/exposition"
)

// Metrics is where a node tells its metrics, and by which names.
type Metrics struct {
	Listen string // address:port, or the path of a Unix socket; empty: no place of its own
	Names  string // keepalived, both, or else our own
}

// pageAge is for how long all get the same page.
const pageAge = 250 * time.Millisecond

// exporter serves the metrics, and at the same place what else is wanted there.
type exporter struct {
	outlet
	write func(names string) ([]byte, bool) // a page; false: the daemon is stopping

	mu    sync.Mutex
	names string
	other http.Handler // of what is no metrics; nil: nothing
	page  []byte       // of a moment ago; nil: there is none
	drop  *time.Timer  // drops it
}

// givenName is what systemd/pairkeeper-metrics.socket calls its socket.
const givenName = "metrics"

// inherited are the sockets for metrics that systemd has opened.
func inherited() []net.Listener {
	all, _ := activation.ListenersWithNames() // it never has an error
	return all[givenName]
}

// newExporter serves at the sockets that it is given for as long as it lives.
func newExporter(given []net.Listener, write func(names string) ([]byte, bool), warn func(string)) *exporter {
	x := &exporter{write: write}
	x.open("metrics", x, given, warn)
	return x
}

// configure begins to listen where the configuration says, and ends it elsewhere; other is
// what else is served there.
func (x *exporter) configure(m Metrics, other http.Handler) {
	x.mu.Lock()
	x.names, x.page, x.other = m.Names, nil, other
	x.mu.Unlock()
	x.move(m.Listen)
}

func (x *exporter) close() {
	x.outlet.close()
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.drop != nil {
		x.drop.Stop()
	}
}

// ServeHTTP answers who asks for the metrics.
func (x *exporter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if other := x.beside(); other != nil && r.URL.Path != "/metrics" {
		other.ServeHTTP(w, r)
		return
	}
	if r.URL.Path != "/metrics" || r.Method != http.MethodGet && r.Method != http.MethodHead {
		http.Error(w, "there is only GET /metrics", http.StatusNotFound)
		return
	}
	page, ok := x.current()
	if !ok {
		http.Error(w, "the daemon is stopping", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", exposition.ContentType)
	_, _ = w.Write(page) // the client is gone: nobody to tell
}

// current is the page of this moment: however many ask, the loop is asked a few times a
// second.
func (x *exporter) current() ([]byte, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.page == nil {
		page, ok := x.write(x.names)
		if !ok {
			return nil, false
		}
		x.page = page
		x.drop = time.AfterFunc(pageAge, func() {
			x.mu.Lock()
			defer x.mu.Unlock()
			x.page = nil
		})
	}
	return x.page, true
}

// beside is what else is served.
func (x *exporter) beside() http.Handler {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.other
}
