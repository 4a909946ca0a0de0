package notifynet

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/logbook"
	"github.com/pairkeeper/pairkeeper/internal/program"
	"github.com/pairkeeper/pairkeeper/supervisor"
)

// grace is for how long a hook whose time is over may tidy up.
const grace = 500 * time.Millisecond

// call is one run of one hook.
type call struct {
	name string // its key in the configuration
	hook supervisor.Hook
	args []string // after its own
	of   subject
}

// who names a call in the log.
func (c *call) who() string { return c.of.name() + ": hook " + c.name }

// logger is for records about a call.
func (c *call) logger(log *slog.Logger) *slog.Logger {
	return c.of.logger(log).With(logbook.Hook, c.name)
}

// run runs the hook. Its output and what is wrong go to the log; the result is empty
// where it ended well.
func (c *call) run(ctx context.Context, log *slog.Logger) (problem string) {
	log = c.logger(log)
	p := program.Program{
		Command: slices.Concat(c.hook.Command, c.args), Env: c.of.environment(c.name),
		Timeout: c.hook.Timeout, Grace: grace,
		Line: func(line string) { log.Info(c.who() + " says: " + line) },
	}
	r := program.Result{}
	as, err := userOf(c.hook)
	if p.As = as; err != nil {
		r.Text = "not run: " + err.Error()
	} else {
		r = p.Run(ctx)
	}
	if r.OK() {
		return ""
	}
	log.Warn(fmt.Sprintf("%s (%s): %s", c.who(), c.of.word(), r), logbook.As(logbook.HookFailed))
	return r.String()
}

// userOf is whom a hook runs as; nil: as the daemon does.
func userOf(h supervisor.Hook) (*program.User, error) {
	if h.User == "" {
		return nil, nil
	}
	return program.LookUp(h.User)
}

// Usable tells what makes a hook unusable on this host.
func Usable(h supervisor.Hook) error {
	if _, err := userOf(h); err != nil {
		return err
	}
	p := program.Program{Command: h.Command}
	return p.Check()
}
