package notifynet

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/pairkeeper/pairkeeper/internal/dialer"
	"github.com/pairkeeper/pairkeeper/supervisor"
)

// poster sends webhooks, each on a connection of its own.
type poster struct {
	cfg    supervisor.Webhook
	dialer *net.Dialer
}

func newPoster(c supervisor.Webhook) *poster { return &poster{cfg: c, dialer: dialer.New(nil)} }

func (*poster) atOnce() int { return 1 }

// signature is the header with the HMAC-SHA256 of the body.
const signature = "X-Pairkeeper-Signature"

func (p *poster) send(ctx context.Context, list []message) error {
	data, err := list[0].json()
	if err != nil {
		return refused{err}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.cfg.URL, bytes.NewReader(data))
	if err != nil {
		return refused{err}
	}
	for _, h := range p.cfg.Headers {
		req.Header.Set(h.Name, h.Value)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "pairkeeper")
	if len(p.cfg.Token) > 0 {
		req.Header.Set("Authorization", "Bearer "+string(p.cfg.Token))
	}
	if len(p.cfg.Secret) > 0 {
		mac := hmac.New(sha256.New, p.cfg.Secret)
		mac.Write(data)
		req.Header.Set(signature, "sha256="+hex.EncodeToString(mac.Sum(nil)))
	}
	return p.post(ctx, req)
}

func (p *poster) post(ctx context.Context, req *http.Request) error {
	roots, err := authorities(p.cfg.CAFile)
	if err != nil {
		return err
	}
	client := http.Client{
		// A token is for this URL only.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment,
			// The transport's own context would outlive the try.
			DialContext: func(_ context.Context, network, address string) (net.Conn, error) {
				return p.dialer.DialContext(ctx, network, address)
			},
			TLSClientConfig:   &tls.Config{RootCAs: roots},
			DisableKeepAlives: true,
		},
	}
	resp, err := client.Do(req)
	if err != nil {
		return bare(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 512))
	if resp.StatusCode/100 == 2 {
		return nil
	}
	err = fmt.Errorf("%s answers %s: %s", req.URL.Redacted(), resp.Status, bytes.TrimSpace(text))
	switch resp.StatusCode {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return err
	}
	if resp.StatusCode < http.StatusInternalServerError {
		return refused{err}
	}
	return err
}
