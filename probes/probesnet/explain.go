package probesnet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// progress is what a look waits for, where it is not yet the answer itself.
type progress struct{ stage atomic.Value }

func (p *progress) at(format string, args ...any) { p.stage.Store(fmt.Sprintf(format, args...)) }

// done ends a stage that was successful.
func (p *progress) done(err error) {
	if err == nil {
		p.at("")
	}
}

// follow returns a context with which a dialer tells how far it is.
func (p *progress) follow(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSStart:     func(i httptrace.DNSStartInfo) { p.at(": the name %s is not resolved", i.Host) },
		DNSDone:      func(i httptrace.DNSDoneInfo) { p.done(i.Err) },
		ConnectStart: func(_, address string) { p.at(": there is no connection to %s", address) },
		ConnectDone:  func(_, _ string, err error) { p.done(err) },
	})
}

// explain says in an operator's words why there was no answer.
func (p *progress) explain(err error, timeout time.Duration) string {
	if timedOut(err) {
		stage, _ := p.stage.Load().(string)
		return "no answer within " + timeout.String() + stage
	}
	if name, ok := errors.AsType[*net.DNSError](err); ok {
		return "the name " + name.Name + " is not resolved: " + name.Err
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno.Error()
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "the connection was closed before the answer was complete"
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	text := strings.TrimPrefix(err.Error(), "net/http: ")
	text = strings.TrimPrefix(text, "HTTP/1.x transport connection broken: ")
	if strings.HasPrefix(text, "readLoopPeekFailLocked") { // Go's word for it is of no use
		return "the server speaks before it is asked, which is not HTTP"
	}
	return strings.TrimPrefix(text, "net/http: ")
}

func timedOut(err error) bool {
	t, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return errors.Is(err, context.DeadlineExceeded) || ok && t.Timeout()
}
