package fencingnet

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/fencing"
)

// Voter is who can be asked for a lease.
type Voter interface {
	// Ask has a question answered by Answer, if at all. It does not block.
	Ask(q Ask)
	// Close ends it; what was asked before is still sent, and nothing is answered any more.
	Close()
}

// Ask is one question.
type Ask struct {
	Lease  string // its name
	Call   fencing.Call
	Answer func(fencing.Cast) // on a goroutine of the voter
}

// answering lets a voter answer until it is closed.
type answering struct{ closed atomic.Bool }

func (a *answering) tell(q Ask, c fencing.Cast) {
	if !a.closed.Load() {
		c.Voter, c.Serial = q.Call.Voter, q.Call.Serial
		q.Answer(c)
	}
}

// asksWaiting is how many questions wait for a voter that does not take them; more are lost.
const asksWaiting = 1024

// WitnessVoterConfig is a witness as a node sees it.
type WitnessVoterConfig struct {
	Address string // host:port; a name is looked up when it is asked
	Node    string
	Keys    []fencing.Key // the first one signs
	Lease   time.Duration
}

// witnessVoter asks a witness.
type witnessVoter struct {
	answering
	cfg  WitnessVoterConfig
	asks chan Ask
	done chan struct{}

	mu     sync.Mutex
	open   map[uint64]*asked // by nonce
	newest map[string]uint64 // the nonce of each lease's newest question
	fresh  map[string]uint64 // the witness's newest challenge for each lease
	silent time.Time         // since when nothing was answered; zero: something was
}

// asked is a question on its way.
type asked struct {
	Ask
	again bool // it has been asked once more, with the challenge that the witness named
}

// OpenWitnessVoter returns at once; the witness is looked for when it is asked.
func OpenWitnessVoter(cfg WitnessVoterConfig) Voter {
	v := &witnessVoter{
		cfg: cfg, asks: make(chan Ask, asksWaiting), done: make(chan struct{}),
		open: map[uint64]*asked{}, newest: map[string]uint64{}, fresh: map[string]uint64{},
	}
	go v.run()
	return v
}

func (v *witnessVoter) Ask(q Ask) {
	select {
	case v.asks <- q:
	default:
	}
}

func (v *witnessVoter) Close() {
	v.closed.Store(true)
	close(v.asks)
	<-v.done
}

// run sends what is asked. A witness that cannot be reached is looked up anew each time.
func (v *witnessVoter) run() {
	defer close(v.done)
	var conn *net.UDPConn
	var readers sync.WaitGroup
	hangUp := func() {
		if conn != nil {
			_ = conn.Close()
			conn = nil
		}
	}
	defer readers.Wait()
	defer hangUp()
	for q := range v.asks {
		if conn == nil || v.silentForLong() {
			hangUp()
			var err error
			if conn, err = v.dial(); err != nil {
				v.fail(q, err)
				continue
			}
			c := conn
			readers.Go(func() { v.read(c) })
		}
		if err := v.send(conn, &asked{Ask: q}); err != nil {
			v.fail(q, err)
			hangUp()
		}
	}
	v.linger()
}

// lookUpTimeout bounds how long a name is looked up, and drain how long the voter waits at
// its end for the answer that lets a lease be returned.
const (
	lookUpTimeout = 2 * time.Second
	drain         = 50 * time.Millisecond
)

func (v *witnessVoter) dial() (*net.UDPConn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), lookUpTimeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "udp", v.cfg.Address)
	if err != nil {
		return nil, plainly(err, v.cfg.Address)
	}
	return conn.(*net.UDPConn), nil
}

// plainly says what an error of the socket means.
func plainly(err error, address string) error {
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		return fmt.Errorf("the name %s cannot be looked up: %s", dns.Name, dns.Err)
	case errors.Is(err, unix.ECONNREFUSED):
		return fmt.Errorf("nobody listens at %s: is the witness running?", address)
	case errors.Is(err, unix.ENETUNREACH), errors.Is(err, unix.EHOSTUNREACH):
		return fmt.Errorf("there is no way to %s", address)
	case errors.Is(err, unix.EPERM):
		return fmt.Errorf("a firewall of this host forbids sending to %s", address)
	}
	return err
}

// lookUpAgain is after how many leases without an answer the name is looked up again: by
// then it may stand for another address.
const lookUpAgain = 5

func (v *witnessVoter) silentForLong() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.silent.IsZero() || time.Since(v.silent) < lookUpAgain*v.cfg.Lease {
		return false
	}
	v.silent = time.Time{}
	return true
}

// send signs and sends a question, with what is known of the witness's challenges.
func (v *witnessVoter) send(conn *net.UDPConn, a *asked) error {
	v.mu.Lock()
	nonce := rand.Uint64()
	question := fencing.Question{
		Kind: a.Call.Kind, Nonce: nonce, Challenge: v.fresh[a.Lease], Lease: a.Lease, Node: v.cfg.Node, For: v.cfg.Lease,
	}
	if v.silent.IsZero() {
		v.silent = time.Now()
	}
	v.forget(a.Lease)
	v.open[nonce], v.newest[a.Lease] = a, nonce
	v.mu.Unlock()
	b, err := question.Append(nil, v.cfg.Keys[0])
	if err != nil {
		return err
	}
	if _, err = conn.Write(b); errors.Is(err, unix.ECONNREFUSED) { // about an earlier one
		_, err = conn.Write(b)
	}
	return plainly(err, v.cfg.Address)
}

// questionsOpen is how many questions for a lease may wait for an answer.
const questionsOpen = 16

// forget makes room where a witness does not answer.
func (v *witnessVoter) forget(lease string) {
	oldest, at, n := uint64(0), uint64(0), 0
	for nonce, a := range v.open {
		if a.Lease != lease {
			continue
		}
		if n++; oldest == 0 || a.Call.Serial < at {
			oldest, at = nonce, a.Call.Serial
		}
	}
	if n >= questionsOpen {
		delete(v.open, oldest)
	}
}

func (v *witnessVoter) fail(q Ask, err error) {
	v.tell(q, fencing.Cast{Verdict: fencing.VerdictFailed, Problem: err.Error()})
}

// read takes what the witness answers until the socket is closed.
func (v *witnessVoter) read(conn *net.UDPConn) {
	buf := make([]byte, fencing.MaxQuestion+1)
	for {
		n, err := conn.Read(buf)
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			v.failNewest(plainly(err, v.cfg.Address))
			time.Sleep(pause)
		default:
			v.take(conn, buf[:n])
		}
	}
}

// failNewest answers the newest questions that are open: the host says that nobody listens.
func (v *witnessVoter) failNewest(err error) {
	v.mu.Lock()
	var open []Ask
	for _, nonce := range v.newest {
		if a := v.open[nonce]; a != nil {
			open = append(open, a.Ask)
			delete(v.open, nonce)
		}
	}
	v.mu.Unlock()
	for _, q := range open {
		v.fail(q, err)
	}
}

// take gives an answer to who asked. One that names another challenge is asked again at
// once, unless something else has been asked for the lease since.
func (v *witnessVoter) take(conn *net.UDPConn, b []byte) {
	var r fencing.Reply
	if r.Parse(b, v.cfg.Keys) != "" {
		return
	}
	v.mu.Lock()
	a, newest := v.open[r.Nonce], v.newest[r.Lease] == r.Nonce
	delete(v.open, r.Nonce)
	if a != nil {
		v.fresh[r.Lease], v.silent = r.Challenge, time.Time{}
	}
	v.mu.Unlock()
	switch {
	case a == nil:
	case r.Stale && newest && !a.again:
		a.again = true
		if err := v.send(conn, a); err != nil {
			v.fail(a.Ask, err)
		}
	case !r.Stale:
		v.tell(a.Ask, fencing.Cast{Verdict: r.Verdict, Owner: r.Owner})
	}
}

// linger lets what was asked last be answered: a return may have to be asked twice.
func (v *witnessVoter) linger() {
	for end := time.Now().Add(drain); time.Now().Before(end); time.Sleep(pause) {
		v.mu.Lock()
		open := len(v.open)
		v.mu.Unlock()
		if open == 0 {
			return
		}
	}
}
