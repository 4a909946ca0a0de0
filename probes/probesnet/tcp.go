package probesnet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/pairkeeper/pairkeeper/probes"
)

// tcpProbe connects, and may talk a little.
type tcpProbe struct {
	cfg     probes.TCP
	timeout time.Duration
	expect  text
	dialer  *net.Dialer
}

func newTCPProbe(c probes.TCP, timeout time.Duration, d *net.Dialer) (*tcpProbe, error) {
	expect, err := newText(c.Expect)
	return &tcpProbe{cfg: c, timeout: timeout, expect: expect, dialer: d}, err
}

func (p *tcpProbe) look(ctx context.Context) Result {
	var how progress
	r := Result{OK: true, Answered: true, Detail: "connected"}
	if !p.cfg.Expect.Any() {
		r.Detail = "answered as wanted"
	}
	if err := p.talk(how.follow(ctx)); err != nil {
		_, heard := errors.AsType[*unexpected](err)
		r = Result{Answered: heard, Detail: how.explain(err, p.timeout)}
	}
	r.Detail = p.cfg.Address + ": " + r.Detail
	return r
}

func (p *tcpProbe) talk(ctx context.Context) error {
	c, err := p.dialer.DialContext(ctx, "tcp", p.cfg.Address)
	if err != nil {
		return err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })()
	if _, err := io.WriteString(c, p.cfg.Send); err != nil {
		return err
	}
	if p.cfg.Expect.Any() {
		return nil
	}
	return p.listen(c)
}

// listen reads until what is wanted is there.
func (p *tcpProbe) listen(c net.Conn) error {
	got := make([]byte, 0, 1024)
	for len(got) < maxText {
		if len(got) == cap(got) {
			got = append(got, 0)[:len(got)]
		}
		n, err := c.Read(got[len(got):min(cap(got), maxText)])
		got = got[:len(got)+n]
		lack := p.expect.missing(got)
		switch {
		case lack == "":
			return nil
		case errors.Is(err, io.EOF) && len(got) > 0:
			return &unexpected{lack, got}
		case err != nil:
			return err
		}
	}
	return &unexpected{p.expect.missing(got), got}
}

// unexpected is an answer that is not as wanted.
type unexpected struct {
	lack string
	got  []byte
}

// shownAnswer is how much of an answer is repeated.
const shownAnswer = 100

func (u *unexpected) Error() string {
	return fmt.Sprintf("the answer %s: %q", u.lack, u.got[:min(len(u.got), shownAnswer)])
}
