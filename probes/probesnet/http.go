package probesnet

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/pairkeeper/pairkeeper/probes"
)

// maxHeader is how much of an answer's header is read.
const maxHeader = 64 << 10

// httpProbe asks one URL, on a fresh connection every time: a connection kept alive
// would not notice that nobody listens any more.
type httpProbe struct {
	cfg     probes.HTTP
	timeout time.Duration
	body    text
	digest  digest
	cert    *certificate
	dialer  *net.Dialer
}

func newHTTPProbe(c probes.HTTP, timeout time.Duration, d *net.Dialer) (*httpProbe, error) {
	p := &httpProbe{cfg: c, timeout: timeout, dialer: d}
	if p.cfg.Method == "" {
		p.cfg.Method = http.MethodGet
	}
	if len(p.cfg.Status) == 0 {
		p.cfg.Status = []probes.StatusRange{{From: 200, To: 399}}
	}
	var err error
	if p.body, err = newText(c.Body); err != nil {
		return nil, err
	}
	if p.digest, err = newDigest(c.Digest); err != nil {
		return nil, err
	}
	p.cert, err = newCertificate(c)
	return p, err
}

// client is for one look: a Transport would otherwise go on to connect after its end.
func (p *httpProbe) client(ctx context.Context) *http.Client {
	return &http.Client{CheckRedirect: p.redirected, Transport: &http.Transport{
		Proxy: nil, // the probe is for this host's own proxy
		DialContext: func(_ context.Context, network, address string) (net.Conn, error) {
			return p.dialer.DialContext(ctx, network, address)
		},
		DialTLSContext: func(_ context.Context, network, address string) (net.Conn, error) {
			conn, err := p.dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return p.cert.handshake(ctx, conn, address)
		},
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeader,
		TLSNextProto:           map[string]func(string, *tls.Conn) http.RoundTripper{}, // HTTP/1.1 only
	}}
}

// redirected follows as many redirects as are wanted; the one after them is the answer.
func (p *httpProbe) redirected(_ *http.Request, via []*http.Request) error {
	switch {
	case p.cfg.Follow == 0:
		return http.ErrUseLastResponse
	case len(via) > p.cfg.Follow:
		return fmt.Errorf("redirected more than %d times", p.cfg.Follow)
	}
	return nil
}

// look asks for each URL until one is not good. The timeout covers all of them, their
// bodies included.
func (p *httpProbe) look(ctx context.Context) Result {
	r := p.lookAt(ctx, p.cfg.URL)
	for _, url := range p.cfg.Also {
		if !r.OK {
			break
		}
		r = p.lookAt(ctx, url)
	}
	return r
}

// lookAt makes one request.
func (p *httpProbe) lookAt(ctx context.Context, url string) Result {
	var how progress
	status, body, err := p.ask(how.follow(ctx), url)
	r := Result{Answered: err == nil, Refused: errors.Is(err, syscall.ECONNREFUSED)}
	switch {
	case err != nil:
		r.Detail = how.explain(err, p.timeout)
	case !p.accepts(status):
		r.Detail = fmt.Sprintf("%d, want %s", status, wanted(p.cfg.Status))
	default:
		r.Detail = strconv.Itoa(status)
		lack := p.body.missing(body.begin)
		if lack == "" {
			lack = p.digest.missing(body.sum)
		}
		r.OK = lack == ""
		if !r.OK {
			r.Detail += ", the body " + lack
		}
	}
	r.Detail = p.cfg.Method + " " + url + ": " + r.Detail
	return r
}

func (p *httpProbe) ask(ctx context.Context, url string) (status int, b body, err error) {
	req, err := http.NewRequestWithContext(ctx, p.cfg.Method, url, nil)
	if err != nil {
		return 0, b, err
	}
	req.Host = p.cfg.Host
	req.Header.Set("User-Agent", "pairkeeper")
	for _, h := range p.cfg.Headers {
		req.Header.Set(h.Name, h.Value)
	}
	resp, err := p.client(ctx).Do(req)
	if err != nil {
		return 0, b, err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err = p.digest.read(resp.Body)
	return resp.StatusCode, b, err
}

// accepts tells whether the status is one of the wanted ones.
func (p *httpProbe) accepts(status int) bool {
	for _, r := range p.cfg.Status {
		if r.From <= status && status <= r.To {
			return true
		}
	}
	return false
}

func wanted(rs []probes.StatusRange) string {
	var s []string
	for _, r := range rs {
		if r.From == r.To {
			s = append(s, strconv.Itoa(r.From))
			continue
		}
		s = append(s, fmt.Sprintf("%d-%d", r.From, r.To))
	}
	return strings.Join(s, ", ")
}
