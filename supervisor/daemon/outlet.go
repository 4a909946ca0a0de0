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

	"golang.org/x/net/netutil"
	"golang.org/x/sys/unix"
)

// What those who ask may cost, for metrics or for the status page. All threads are real-time: a
// storm of questions would take the processors from the proxy. A connection is for one question.
const (
	askersMost  = 16                    // connections at a time; others wait in the kernel
	askPace     = 10 * time.Millisecond // between two of them at the least
	askTime     = 10 * time.Second      // for a slow reader
	listenAgain = 10 * time.Second      // after an address could not be listened on
)

// outlet answers strangers at a place that may change. Where nobody wants it it is nothing but
// this struct.
type outlet struct {
	what string // is told there
	warn func(text string)

	server http.Server
	ctx    context.Context // ends with close
	cancel func()
	tasks  sync.WaitGroup

	mu    sync.Mutex
	place string
	end   func() // of listening there; nil: nobody does
}

// open makes an outlet, which serves at the sockets that it is given for as long as it lives.
func (x *outlet) open(what string, h http.Handler, given []net.Listener, warn func(string)) {
	x.what, x.warn = what, warn
	x.ctx, x.cancel = context.WithCancel(context.Background())
	x.server = http.Server{
		Handler: h, ReadTimeout: askTime, WriteTimeout: askTime, MaxHeaderBytes: 4 << 10,
		ErrorLog: log.New(io.Discard, "", 0), // of strangers' mistakes
	}
	x.server.SetKeepAlivesEnabled(false)
	for _, l := range given {
		x.tasks.Go(func() { x.serve(l) })
	}
}

// move begins to listen at a place, and ends it elsewhere; empty: nowhere.
func (x *outlet) move(place string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if place == x.place {
		return
	}
	x.place = place
	if x.end != nil {
		x.end()
		x.end = nil
	}
	if place != "" {
		ctx, cancel := context.WithCancel(x.ctx)
		x.end = cancel
		x.tasks.Go(func() { x.listen(ctx, place) })
	}
}

func (x *outlet) close() {
	x.cancel()
	_ = x.server.Close() // who has not got an answer by now goes without
	x.tasks.Wait()
}

// listen serves at a place until ctx ends; it tries again until the place can be had.
func (x *outlet) listen(ctx context.Context, place string) {
	for ctx.Err() == nil {
		l, err := listenAt(ctx, place)
		if err == nil {
			stop := context.AfterFunc(ctx, func() { _ = l.Close() })
			x.serve(l)
			stop()
			continue
		}
		x.warn(fmt.Sprintf("no %s at %s: %v; it is tried again every %s", x.what, place, err, listenAgain))
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
func (x *outlet) serve(l net.Listener) {
	_ = x.server.Serve(paced{netutil.LimitListener(l, askersMost)})
	_ = l.Close()
}

// paced takes connections no faster than askPace.
type paced struct{ net.Listener }

func (p paced) Accept() (net.Conn, error) {
	time.Sleep(askPace)
	return p.Listener.Accept()
}
