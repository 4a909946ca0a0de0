package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/board"
	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// What may be asked of status --watch.
const (
	watchLeast = 100 * time.Millisecond
	watchMost  = time.Hour
	watchReply = 3 * time.Second // how long a daemon may take to answer
)

// watchStatus shows the pair again and again, until somebody wants it no more.
func watchStatus(socket, every string) error {
	d, err := time.ParseDuration(every)
	switch {
	case err != nil:
		return fmt.Errorf("--watch %s: not a time such as 500ms or 2s", every)
	case d < watchLeast || d > watchMost:
		return fmt.Errorf("--watch %s: not in %s..%s", every, watchLeast, watchMost)
	}
	w := &watch{socket: socket, every: d, answers: make(chan said, 1)}
	first := w.ask()
	if first.err != nil {
		return first.err // nothing was shown yet
	}
	w.take(first)
	term, err := openTerminal(os.Stdin, os.Stdout)
	if err != nil {
		return err
	}
	defer term.close()
	return w.run(term)
}

// watch is what status --watch knows.
type watch struct {
	socket  string
	every   time.Duration
	answers chan said

	last daemon.Status
	lost error     // why the daemon does not answer; nil: it does
	gone time.Time // since when
}

// said is an answer of the daemon.
type said struct {
	status daemon.Status
	err    error
}

func (w *watch) ask() (s said) {
	code, err := askWithin(watchReply, w.socket, http.MethodGet, "/v1/status", &s.status)
	if s.err = err; err == nil && code != http.StatusOK {
		s.err = errors.New("the daemon is stopping")
	}
	return s
}

func (w *watch) take(s said) {
	switch {
	case s.err == nil:
		w.last, w.lost = s.status, nil
	case w.lost == nil:
		w.lost, w.gone = s.err, time.Now()
	}
}

// run draws until a signal, a key or an error of the terminal ends it.
func (w *watch) run(t *terminal) error {
	ends := make(chan os.Signal, 1)
	signal.Notify(ends, unix.SIGINT, unix.SIGTERM, unix.SIGHUP)
	resized := make(chan os.Signal, 1)
	signal.Notify(resized, unix.SIGWINCH)
	defer signal.Stop(ends)
	defer signal.Stop(resized)
	keys := t.keys()
	tick := time.NewTicker(w.every)
	defer tick.Stop()
	asking := false
	for {
		if err := t.show(w.screen); err != nil {
			return nil //nolint:nilerr // nobody looks any more
		}
		select {
		case s := <-w.answers:
			asking = false
			w.take(s)
		case <-tick.C:
			if !asking { // a daemon that hangs is asked once
				asking = true
				go func() { w.answers <- w.ask() }()
			}
		case <-resized:
		case <-ends:
			return nil
		case key, ok := <-keys:
			switch {
			case !ok:
				keys = nil
			case key == 'q' || key == 'Q' || key == 3: // Ctrl-C where it is no signal
				return nil
			}
		}
	}
}

// screen is what is shown at a moment.
func (w *watch) screen(p *pen) {
	now := time.Now()
	if w.lost != nil {
		p.alarm(fmt.Sprintf("%v; for %s. Below is what it said last.", w.lost, board.Age(now, w.gone)))
		now = w.gone // ages stop with what they are of
	}
	drawBoard(p, board.Of(&w.last, now), w.every)
}
