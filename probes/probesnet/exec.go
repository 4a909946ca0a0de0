package probesnet

import (
	"context"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/program"
	"github.com/pairkeeper/pairkeeper/probes"
)

// execProbe runs a program, in a process group of its own that ends with the look.
type execProbe struct{ program.Program }

func newExecProbe(c probes.Exec, timeout time.Duration) (*execProbe, error) {
	p := &execProbe{program.Program{Command: c.Command, Timeout: timeout}}
	if c.User != "" {
		var err error
		if p.As, err = program.LookUp(c.User); err != nil {
			return nil, err
		}
	}
	return p, p.Check()
}

func (p *execProbe) look(ctx context.Context) Result {
	r := p.Run(ctx)
	return Result{OK: r.OK(), Answered: r.Exited, Detail: r.String()}
}
