package notifynet

import (
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

// flush is how long messages that wait may hold up the daemon's end.
const flush = time.Second

// Receivers sends mail and webhooks, each receiver from a queue of its own.
type Receivers struct {
	log *slog.Logger

	mu    sync.Mutex
	boxes []*outbox
}

// NewReceivers has no receiver yet.
func NewReceivers(log *slog.Logger) *Receivers { return &Receivers{log: log} }

// Configure begins and ends receivers; one that did not change keeps its queue.
func (r *Receivers) Configure(list []supervisor.Receiver) {
	r.mu.Lock()
	defer r.mu.Unlock()
	old := r.boxes
	r.boxes = nil
	for _, c := range list {
		i := slices.IndexFunc(old, func(o *outbox) bool { return reflect.DeepEqual(o.cfg, c) })
		if i >= 0 {
			r.boxes = append(r.boxes, old[i])
			old = slices.Delete(slices.Clone(old), i, i+1)
			continue
		}
		r.boxes = append(r.boxes, newOutbox(c, senderOf(c), r.log))
	}
	if len(old) > 0 {
		go finish(old)
	}
}

// UsableReceiver tells what makes a receiver unusable on this host.
func UsableReceiver(c supervisor.Receiver) error {
	file := ""
	switch {
	case c.Mail != nil:
		file = c.Mail.CAFile
	case c.Webhook != nil:
		file = c.Webhook.CAFile
	}
	_, err := authorities(file)
	return err
}

func senderOf(c supervisor.Receiver) sender {
	if c.Mail != nil {
		return newMailer(*c.Mail)
	}
	return newPoster(*c.Webhook)
}

// Moved tells every receiver that wants to know.
func (r *Receivers) Moved(t Transition) {
	if t.Router == "" {
		return // each of the group's routers is told
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, o := range r.boxes {
		if o.cfg.Wants(t.To) {
			o.put(newMessage(t))
		}
	}
}

// Deliveries is how each receiver fares.
func (r *Receivers) Deliveries() []Delivery {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []Delivery
	for _, o := range r.boxes {
		list = append(list, o.delivery())
	}
	return list
}

// Close gives what waits one more try, and a moment for it.
func (r *Receivers) Close() {
	r.mu.Lock()
	boxes := r.boxes
	r.boxes = nil
	r.mu.Unlock()
	finish(boxes)
}

func finish(boxes []*outbox) {
	for _, o := range boxes {
		close(o.last)
	}
	end := time.NewTimer(flush)
	defer end.Stop()
	for _, o := range boxes {
		select {
		case <-o.done:
		case <-end.C:
			for _, o := range boxes {
				o.cancel()
			}
			return
		}
	}
}
