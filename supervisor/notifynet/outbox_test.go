package notifynet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// sink takes messages, or not.
type sink struct {
	many int
	mu   sync.Mutex
	got  []string
	ids  []string
	fail func(try int) error
	hold chan struct{} // closed: it answers
	try  int
}

func (s *sink) atOnce() int { return max(s.many, 1) }

func (s *sink) send(ctx context.Context, list []message) error {
	if s.hold != nil {
		select {
		case <-s.hold:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.try++
	s.ids = append(s.ids, list[0].id)
	if s.fail != nil {
		if err := s.fail(s.try); err != nil {
			return err
		}
	}
	for i := range list {
		s.got = append(s.got, list[i].Router)
	}
	return nil
}

func (s *sink) taken() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

func box(t *testing.T, s sender, timeout time.Duration) (*outbox, *diary) {
	log := &diary{}
	o := newOutbox(supervisor.Receiver{Name: "ops", Timeout: timeout}, s, log.logger())
	t.Cleanup(func() {
		o.cancel()
		select {
		case <-o.last:
		default:
			close(o.last)
		}
		<-o.done
	})
	return o, log
}

// quickly shortens the pauses; nothing waits yet.
func quickly(o *outbox) { o.pauses = []time.Duration{1, 1, 1, 1} }

func TestAMessageIsTriedAgainWithTheSameID(t *testing.T) {
	s := &sink{fail: func(try int) error {
		if try < 4 {
			return errors.New("later")
		}
		return nil
	}}
	o, log := box(t, s, long)
	quickly(o)
	o.put(newMessage(toMaster))
	wait(t, "delivery", func() bool { return o.delivery().Sent == 1 })
	d := o.delivery()
	if len(s.ids) != 4 || s.ids[0] != s.ids[3] || d.LastError != "later" || d.LastOK.IsZero() || d.Failed != 0 {
		t.Errorf("%q, %+v", s.ids, d)
	}
	log.waitFor(t, "WARN notify ops: not delivered, tried again in 1ns: later")
	log.waitFor(t, "INFO notify ops: delivered at last")
}

func TestAMessageIsGivenUpAfterFiveTries(t *testing.T) {
	for name, c := range map[string]struct {
		err   error
		tries int
	}{"unreachable": {errors.New("refused"), 5}, "refused for good": {refused{errors.New("404")}, 1}} {
		t.Run(name, func(t *testing.T) {
			s := &sink{fail: func(int) error { return c.err }}
			o, log := box(t, s, long)
			quickly(o)
			o.put(newMessage(toMaster))
			wait(t, "failure", func() bool { return o.delivery().Failed == 1 })
			if len(s.ids) != c.tries {
				t.Errorf("%d tries", len(s.ids))
			}
			log.waitFor(t, "ERROR notify ops: given up: lb01 web: BACKUP -> ACTIVE (peer-silent): "+c.err.Error())
		})
	}
	var sum time.Duration
	for _, p := range pauses {
		sum += p
	}
	if len(pauses) != 4 || sum > 10*time.Minute {
		t.Errorf("the pauses are %v", pauses)
	}
}

func TestOfTooManyMessagesTheOldestAreDropped(t *testing.T) {
	s := &sink{hold: make(chan struct{})}
	o, log := box(t, s, long)
	o.put(newMessage(of(toMaster, "first")))
	wait(t, "the first is under way", func() bool { return o.delivery().Waiting == 0 })
	for i := range maxMessages + 20 {
		o.put(newMessage(of(toMaster, fmt.Sprint(i))))
	}
	if d := o.delivery(); d.Dropped != 20 || d.Waiting != maxMessages {
		t.Errorf("%+v", d)
	}
	log.waitFor(t, "WARN notify ops: does not take its messages, the oldest are dropped: 1 so far")
	close(s.hold)
	wait(t, "the rest", func() bool { return len(s.taken()) == maxMessages+1 })
	if got := s.taken(); got[0] != "first" || got[1] != "20" || got[maxMessages] != "119" {
		t.Errorf("%q", got)
	}
}

func TestRoutersThatMoveTogetherShareAMail(t *testing.T) {
	s := &sink{many: 50}
	o, _ := box(t, s, long)
	for i := range 30 {
		o.put(newMessage(of(toMaster, fmt.Sprint(i))))
	}
	wait(t, "delivery", func() bool { return o.delivery().Sent == 30 })
	if len(s.ids) > 2 {
		t.Errorf("%d mails", len(s.ids))
	}
}

func TestATryEndsWithItsTime(t *testing.T) {
	o, log := box(t, &sink{hold: make(chan struct{})}, 100*time.Millisecond)
	o.put(newMessage(toMaster))
	log.waitFor(t, "notify ops: not delivered, tried again in 5s: no answer within 100ms")
}

// webhookAt is a receiver of everything.
func webhookAt(name, url string) supervisor.Receiver {
	return supervisor.Receiver{
		Name: name, Timeout: 30 * time.Second, Webhook: &supervisor.Webhook{URL: url},
		On: []vrrp.State{vrrp.Active, vrrp.Backup, vrrp.Fault, vrrp.Initialize},
	}
}

// counting is a web server that counts.
func counting(t *testing.T) (string, func() int) {
	var mu sync.Mutex
	n := 0
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		n++
	}))
	t.Cleanup(s.Close)
	return s.URL, func() int {
		mu.Lock()
		defer mu.Unlock()
		return n
	}
}

// One receiver is dead, one swallows everything, one is well: whoever tells them never
// waits, nor does the well one, and the end has its bound.
func TestDeadReceiversDelayNobody(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	url, count := counting(t)
	log := &diary{}
	r := NewReceivers(log.logger())
	r.Configure([]supervisor.Receiver{
		webhookAt("dead", "http://"+closed.Addr().String()), webhookAt("silent", "http://"+silent.Addr().String()), webhookAt("well", url),
		{Name: "mail", Timeout: 30 * time.Second, On: []vrrp.State{vrrp.Active}, Mail: &supervisor.Mail{Server: silent.Addr().String(), From: "a@b", To: []string{"c@d"}}},
	})
	began := time.Now()
	for range 1000 {
		r.Moved(toMaster)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("telling took %s", took)
	}
	wait(t, "the well one", func() bool { return count() > 0 })
	log.waitFor(t, "notify dead: not delivered, tried again in 5s: ")
	list := r.Deliveries()
	if len(list) != 4 || list[1].Sent != 0 || list[1].Dropped < 800 || !strings.Contains(list[0].LastError, "connection refused") {
		t.Errorf("%+v", list)
	}
	began = time.Now()
	r.Moved(toStop)
	r.Close()
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("the end took %s", took)
	}
	r.Moved(toMaster) // too late for anything
}

// What happened last is what the end is for.
func TestTheLastMessagesAreSentAtTheEnd(t *testing.T) {
	url, count := counting(t)
	r := NewReceivers((&diary{}).logger())
	r.Configure([]supervisor.Receiver{webhookAt("well", url)})
	r.Moved(toStop)
	r.Close()
	if count() != 1 {
		t.Errorf("%d messages", count())
	}
}

func TestAReceiverIsToldOfItsStatesOnly(t *testing.T) {
	url, count := counting(t)
	r := NewReceivers((&diary{}).logger())
	some := webhookAt("some", url)
	some.On = []vrrp.State{vrrp.Fault, vrrp.Active}
	r.Configure([]supervisor.Receiver{some})
	group := toMaster
	group.Router, group.Group = "", "pair"
	for _, tr := range []Transition{toMaster, toBackup, toStop, group} {
		r.Moved(tr)
	}
	r.Close()
	if count() != 1 {
		t.Errorf("%d messages", count())
	}
}

func TestAReloadKeepsTheQueueOfAReceiverThatDidNotChange(t *testing.T) {
	url, _ := counting(t)
	r := NewReceivers((&diary{}).logger())
	t.Cleanup(r.Close)
	same, other := webhookAt("same", url), webhookAt("other", url)
	r.Configure([]supervisor.Receiver{same, other})
	r.Moved(toMaster)
	wait(t, "delivery", func() bool { d := r.Deliveries(); return d[0].Sent == 1 && d[1].Sent == 1 })
	other.Timeout = time.Second
	r.Configure([]supervisor.Receiver{other, same})
	if d := r.Deliveries(); len(d) != 2 || d[0].Sent != 0 || d[1].Name != "same" || d[1].Sent != 1 {
		t.Errorf("%+v", d)
	}
}
