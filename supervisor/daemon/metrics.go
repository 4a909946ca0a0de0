package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/activation"
	"golang.org/x/net/netutil"
	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/exposition"
)

// Metrics is where a node tells its metrics, and by which names.
type Metrics struct {
	Listen string // address:port, or the path of a Unix socket; empty: no place of its own
	Names  string // keepalived, both, or else our own
}

// What the metrics may cost. All threads are real-time: a storm of questions would take the
// processors from the proxy. A connection is for one question.
const (
	scrapersMost = 16                     // connections at a time; others wait in the kernel
	scrapePace   = 10 * time.Millisecond  // between two of them at the least
	scrapeTime   = 10 * time.Second       // for a slow reader
	pageAge      = 250 * time.Millisecond // for which all get the same page
	listenAgain  = 10 * time.Second       // after an address could not be listened on
)

// exporter serves the metrics. Where nobody wants them it is nothing but this struct.
type exporter struct {
	write func(names string) ([]byte, bool) // a page; false: the daemon is stopping
	warn  func(text string)

	server http.Server
	ctx    context.Context // ends with close
	cancel func()
	tasks  sync.WaitGroup

	mu   sync.Mutex
	cfg  Metrics
	end  func()      // of listening at cfg.Listen; nil: nobody does
	page []byte      // of a moment ago; nil: there is none
	drop *time.Timer // drops it
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
	x := &exporter{write: write, warn: warn}
	x.ctx, x.cancel = context.WithCancel(context.Background())
	x.server = http.Server{
		Handler: x, ReadTimeout: scrapeTime, WriteTimeout: scrapeTime, MaxHeaderBytes: 4 << 10,
		ErrorLog: log.New(io.Discard, "", 0), // of strangers' mistakes
	}
	x.server.SetKeepAlivesEnabled(false)
	for _, l := range given {
		x.tasks.Go(func() { x.serve(l) })
	}
	return x
}

// configure begins to listen where the configuration says, and ends it elsewhere.
func (x *exporter) configure(m Metrics) {
	x.mu.Lock()
	defer x.mu.Unlock()
	moved := m.Listen != x.cfg.Listen
	x.cfg, x.page = m, nil
	if !moved {
		return
	}
	if x.end != nil {
		x.end()
		x.end = nil
	}
	if m.Listen != "" {
		ctx, cancel := context.WithCancel(x.ctx)
		x.end = cancel
		x.tasks.Go(func() { x.listen(ctx, m.Listen) })
	}
}

func (x *exporter) close() {
	x.cancel()
	_ = x.server.Close() // who has not got the page by now goes without
	x.tasks.Wait()
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.drop != nil {
		x.drop.Stop()
	}
}

// listen serves at a place until ctx ends; it tries again until the place can be had.
func (x *exporter) listen(ctx context.Context, place string) {
	for ctx.Err() == nil {
		l, err := listenAt(ctx, place)
		if err == nil {
			stop := context.AfterFunc(ctx, func() { _ = l.Close() })
			x.serve(l)
			stop()
			continue
		}
		x.warn(fmt.Sprintf("no metrics at %s: %v; it is tried again every %s", place, err, listenAgain))
		select {
		case <-ctx.Done():
		case <-time.After(listenAgain):
		}
	}
}

func listenAt(ctx context.Context, place string) (net.Listener, error) {
	var lc net.ListenConfig
	if !strings.HasPrefix(place, "/") {
		l, err := lc.Listen(ctx, "tcp", place)
		return l, cause(err)
	}
	if err := removeStale(place); err != nil {
		return nil, cause(err)
	}
	l, err := lc.Listen(ctx, "unix", place)
	if err != nil {
		return nil, cause(err)
	}
	if err := os.Chmod(place, 0o666); err != nil { // the folder says who may
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// cause is what the kernel says, without the place, which the message has already.
func cause(err error) error {
	var errno unix.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return err
}

// serve ends with the listener.
func (x *exporter) serve(l net.Listener) {
	_ = x.server.Serve(paced{netutil.LimitListener(l, scrapersMost)})
	_ = l.Close()
}

// paced takes connections no faster than scrapePace.
type paced struct{ net.Listener }

func (p paced) Accept() (net.Conn, error) {
	time.Sleep(scrapePace)
	return p.Listener.Accept()
}

// ServeHTTP answers who asks for the metrics.
func (x *exporter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
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
		page, ok := x.write(x.cfg.Names)
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
