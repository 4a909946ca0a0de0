package notifynet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/logbook"
	"github.com/pairkeeper/pairkeeper/internal/words"
	"github.com/pairkeeper/pairkeeper/supervisor"
)

// maxMessages is how many messages wait for a receiver; then the oldest is dropped.
const maxMessages = 100

// pauses are those between the tries to deliver a message: five of them in ten minutes.
var pauses = []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 7 * time.Minute}

// gathering is how long a receiver that takes several messages at once waits for others:
// routers move together.
const gathering = time.Second

// sender delivers messages in one try.
type sender interface {
	send(ctx context.Context, list []message) error
	atOnce() int // how many messages one try takes
}

// refused is an error that another try cannot mend.
type refused struct{ error }

func (r refused) Unwrap() error { return r.error }

// Delivery is how a receiver fares.
type Delivery struct {
	Name                           string
	Sent, Failed, Dropped, Waiting int
	Failing                        bool // the last try
	LastError                      string
	LastOK                         time.Time
}

// outbox is the queue of one receiver, on a goroutine of its own.
type outbox struct {
	cfg    supervisor.Receiver
	sender sender
	pauses []time.Duration
	log    *slog.Logger
	wake   chan struct{} // has capacity 1
	last   chan struct{} // closed when there is one more try and no more pause
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}

	mu      sync.Mutex
	waiting []message
	state   Delivery
	told    time.Time // when a drop was last written
}

func newOutbox(cfg supervisor.Receiver, s sender, log *slog.Logger) *outbox {
	o := &outbox{
		cfg: cfg, sender: s, pauses: pauses, log: log, state: Delivery{Name: cfg.Name},
		wake: make(chan struct{}, 1), last: make(chan struct{}), done: make(chan struct{}),
	}
	o.ctx, o.cancel = context.WithCancel(context.Background())
	go o.run()
	return o
}

// put never waits.
func (o *outbox) put(m message) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.waiting = append(o.waiting, m)
	if len(o.waiting) > maxMessages {
		o.waiting = o.waiting[1:]
		o.state.Dropped++
		if time.Since(o.told) > time.Minute {
			o.told = time.Now()
			o.log.Warn(fmt.Sprintf("%s: does not take its messages, the oldest are dropped: %d so far", o.name(), o.state.Dropped), logbook.As(logbook.NotifyDropped))
		}
	}
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

func (o *outbox) name() string { return "notify " + o.cfg.Name }

func (o *outbox) run() {
	defer close(o.done)
	for {
		list := o.take()
		switch {
		case len(list) > 0 && o.ctx.Err() != nil:
			o.failed(list, errEnd)
			continue
		case len(list) > 0:
			o.deliver(list)
			continue
		}
		select {
		case <-o.wake:
			o.gather()
		case <-o.last:
			return
		}
	}
}

func (o *outbox) gather() {
	if o.sender.atOnce() > 1 {
		o.pause(gathering)
	}
}

// pause waits, unless the end has come.
func (o *outbox) pause(d time.Duration) (goOn bool) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-o.last:
		return false
	}
}

// take takes out what one try may deliver.
func (o *outbox) take() []message {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := min(len(o.waiting), o.sender.atOnce())
	list := o.waiting[:n:n]
	o.waiting = o.waiting[n:]
	return list
}

// deliver tries until the messages are delivered, refused, or tried often enough.
func (o *outbox) deliver(list []message) {
	ending := false
	for try := 0; ; try++ {
		err := o.try(list)
		if err == nil {
			o.succeeded(list, try)
			return
		}
		if _, final := errors.AsType[refused](err); final || ending || try == len(o.pauses) {
			o.failed(list, err)
			return
		}
		o.retrying(err, o.pauses[try])
		ending = !o.pause(o.pauses[try])
	}
}

func (o *outbox) try(list []message) error {
	ctx, cancel := context.WithTimeoutCause(o.ctx, o.cfg.Timeout, fmt.Errorf("no answer within %s", o.cfg.Timeout))
	defer cancel()
	err := o.sender.send(ctx, list)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return cause
	}
	return err
}

func (o *outbox) succeeded(list []message, tries int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.state.Sent += len(list)
	o.state.LastOK, o.state.Failing = time.Now(), false
	if tries > 0 {
		o.log.Info(o.name()+": delivered at last", logbook.As(logbook.NotifyDelivered))
	}
}

func (o *outbox) retrying(err error, after time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.failing(err)
	o.log.Warn(fmt.Sprintf("%s: not delivered, tried again in %s: %s", o.name(), after, o.state.LastError), logbook.As(logbook.NotifyFailed))
}

func (o *outbox) failed(list []message, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.state.Failed += len(list)
	o.failing(err)
	o.log.Error(fmt.Sprintf("%s: given up: %s: %s", o.name(), list[len(list)-1].Subject(), o.state.LastError), logbook.As(logbook.NotifyFailed))
}

func (o *outbox) failing(err error) {
	o.state.LastError, o.state.Failing = words.Visible(err.Error()), true
}

func (o *outbox) delivery() Delivery {
	o.mu.Lock()
	defer o.mu.Unlock()
	d := o.state
	d.Waiting = len(o.waiting)
	return d
}

var errEnd = errors.New("the daemon ends")
