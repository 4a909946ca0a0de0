package probesnet

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/pairkeeper/pairkeeper/probes"
)

// maxBody is how much of an answer is read, and maxHeader of its header.
const (
	maxBody   = 64 << 10
	maxHeader = 64 << 10
)

// httpProbe asks one URL, on a fresh connection every time: a connection kept alive
// would not notice that nobody listens any more.
type httpProbe struct {
	cfg    probes.Config
	method string
	client *http.Client
}

func newHTTPProbe(c probes.Config) *httpProbe {
	p := &httpProbe{cfg: c, method: c.HTTP.Method}
	if p.method == "" {
		p.method = http.MethodGet
	}
	p.client = &http.Client{
		Transport: &http.Transport{
			Proxy:                  nil, // the probe is for this host's own proxy
			DisableKeepAlives:      true,
			DisableCompression:     true,
			MaxResponseHeaderBytes: maxHeader,
			TLSNextProto:           map[string]func(string, *tls.Conn) http.RoundTripper{}, // HTTP/1.1 only
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return p
}

// look makes one request. The timeout covers all of it, the body included.
func (p *httpProbe) look(ctx context.Context) Result {
	ctx, cancel := context.WithTimeout(ctx, p.cfg.Timeout)
	defer cancel()
	start := time.Now()
	status, err := p.ask(ctx)
	r := Result{Answered: err == nil, Took: time.Since(start)}
	switch {
	case err != nil:
		r.Detail = p.explain(err)
	case !p.accepts(status):
		r.Detail = fmt.Sprintf("%d, want %s", status, wanted(p.cfg.HTTP.Status))
	default:
		r.OK = true
		r.Detail = strconv.Itoa(status)
	}
	r.Detail = p.method + " " + p.cfg.HTTP.URL + ": " + r.Detail
	return r
}

func (p *httpProbe) ask(ctx context.Context) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, p.method, p.cfg.HTTP.URL, nil)
	if err != nil {
		return 0, err
	}
	req.Host = p.cfg.HTTP.Host
	req.Header.Set("User-Agent", "pairkeeper")
	resp, err := p.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, maxBody)); err != nil {
		return 0, err
	}
	return resp.StatusCode, nil
}

// accepts tells whether the status is one of the wanted ones; 200-399 where none is given.
func (p *httpProbe) accepts(status int) bool {
	for _, r := range ranges(p.cfg.HTTP.Status) {
		if r.From <= status && status <= r.To {
			return true
		}
	}
	return false
}

func ranges(rs []probes.StatusRange) []probes.StatusRange {
	if len(rs) == 0 {
		return []probes.StatusRange{{From: 200, To: 399}}
	}
	return rs
}

func wanted(rs []probes.StatusRange) string {
	var s []string
	for _, r := range ranges(rs) {
		if r.From == r.To {
			s = append(s, strconv.Itoa(r.From))
			continue
		}
		s = append(s, fmt.Sprintf("%d-%d", r.From, r.To))
	}
	return strings.Join(s, ", ")
}

// explain says in an operator's words why there was no answer.
func (p *httpProbe) explain(err error) string {
	if timedOut(err) {
		return "no answer within " + p.cfg.Timeout.String()
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno.Error()
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "the connection was closed before the answer was complete"
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err.Error()
	}
	return err.Error()
}

func timedOut(err error) bool {
	t, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return errors.Is(err, context.DeadlineExceeded) || ok && t.Timeout()
}
