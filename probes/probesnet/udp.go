package probesnet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"github.com/pairkeeper/pairkeeper/probes"
)

// udpProbe sends one datagram a look, from a socket of its own.
type udpProbe struct {
	cfg     probes.UDP
	timeout time.Duration
	expect  text
	begin   pattern
	dialer  *net.Dialer
}

func newUDPProbe(c probes.UDP, timeout time.Duration, d *net.Dialer) (*udpProbe, error) {
	p := &udpProbe{cfg: c, timeout: timeout, dialer: d}
	var err error
	if p.begin, err = newPattern(c.Begin); err != nil {
		return p, err
	}
	p.expect, err = newText(c.Expect)
	return p, err
}

func (p *udpProbe) look(ctx context.Context) Result {
	var how progress
	answer, err := p.ask(how.follow(ctx))
	_, heard := errors.AsType[*unexpected](err)
	r := Result{OK: true, Answered: err == nil || heard, Refused: errors.Is(err, syscall.ECONNREFUSED)}
	switch {
	case err == nil:
		r.Detail = fmt.Sprintf("answered %d bytes", len(answer))
		if !p.cfg.Expect.Any() || p.cfg.Begin != "" {
			r.Detail = "answered as wanted"
		}
	case !p.cfg.Answer && errors.Is(err, errSilent):
		r.Detail = "not refused within " + p.timeout.String()
	default:
		r.OK, r.Detail = false, how.explain(err, p.timeout)
	}
	r.Detail = p.cfg.Address + ": " + r.Detail
	return r
}

// errSilent is a time-out after the datagram has been sent.
var errSilent = fmt.Errorf("silence: %w", context.DeadlineExceeded)

// ask returns the first answer. That nobody listens is told by ICMP, as an error.
func (p *udpProbe) ask(ctx context.Context) ([]byte, error) {
	c, err := p.dialer.DialContext(ctx, "udp", p.cfg.Address)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })()
	if _, err := c.Write([]byte(p.cfg.Send)); err != nil {
		return nil, err
	}
	answer := make([]byte, maxDatagram)
	n, err := c.Read(answer)
	switch {
	case err != nil && timedOut(err):
		return nil, errSilent
	case err != nil:
		return nil, err
	}
	answer = answer[:n]
	lack := p.begin.missing(answer)
	if lack == "" {
		lack = p.expect.missing(answer)
	}
	if lack != "" {
		return nil, &unexpected{lack, answer}
	}
	return answer, nil
}

// maxDatagram is how much of an answer is looked at.
const maxDatagram = 4 << 10
