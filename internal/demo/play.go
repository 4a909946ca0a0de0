package demo

import (
	"fmt"
	"os"
	"time"
)

const (
	// configFile is the pair's configuration.
	configFile = workDir + "/pairkeeper.yaml"
	// outcomeWithin bounds a step; none takes a third of it on an idle machine.
	outcomeWithin = 20 * time.Second
	// calm is after each step: late answers come in, and the reader follows.
	calm = time.Second
)

// pair is what is played with.
type pair struct {
	one, two *host // one has the higher priority
	proxy    proxy
	witness  *witness
}

// Play plays the demo; an error tells which step did not end as promised.
func Play(o Options) (err error) {
	defer rescue(&err)
	list, err := chosen(o.Only)
	if err != nil {
		return err
	}
	begun := now()
	p, err := newPair(findProxy(o))
	if err != nil {
		return err
	}
	t := newTimeline(os.Stdout, begun)
	t.title(p.proxy.title)
	for _, a := range list {
		for _, s := range a.steps(p) {
			if err := p.play(s, t); err != nil {
				return err
			}
		}
	}
	t.summary()
	return nil
}

func newPair(x proxy) (*pair, error) {
	hosts, client := newNetwork()
	p := &pair{one: hosts[0], two: hosts[1], proxy: x}
	for _, h := range hosts {
		if err := os.Mkdir(h.dir, 0o755); err != nil {
			return nil, err
		}
		if err := x.write(h, true); err != nil {
			return nil, err
		}
	}
	if err := os.WriteFile(configFile, []byte(x.configuration()), 0o644); err != nil {
		return nil, err
	}
	var err error
	p.witness, err = newWitness(client)
	return p, err
}

// play does one step, waits for its outcome, and tells it.
func (p *pair) play(s step, t *timeline) error {
	from := now()
	t.begin(from, s.what)
	err := s.do()
	if err == nil {
		err = p.await(func() error { return s.want(from) })
	}
	if err == nil {
		time.Sleep(calm)
		err = s.unbroken(p.witness.between(from, now()))
	}
	if err != nil {
		t.broken(err, p)
		return fmt.Errorf("the demo did not go as promised: %s: %w", s.what, err)
	}
	t.end(s, p.witness.between(from, now()), p.told(from))
	return nil
}

// await polls until an outcome is there; else its last problem is the error.
func (p *pair) await(outcome func() error) error {
	for end := now() + outcomeWithin; ; time.Sleep(10 * time.Millisecond) {
		err := outcome()
		if err == nil {
			return nil
		}
		if how, gone := p.two.gone(); gone { // nobody asked it to
			return fmt.Errorf("lb02: pairkeeper has ended: %s", how)
		}
		if now() > end {
			return fmt.Errorf("%w (waited for %s)", err, outcomeWithin)
		}
	}
}
