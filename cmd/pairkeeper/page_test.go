package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/pairkeeper/pairkeeper/internal/board"
	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

// get asks for a page in a host, each time by a connection of its own.
func get(h *netlab.Host, method, place, path string) (code int, header http.Header, body string) {
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(context.Context, string, string) (c net.Conn, err error) {
			h.Do(func() { c, err = net.Dial("tcp", place) })
			return c, err
		},
	}}
	req, err := http.NewRequest(method, "http://x"+path, nil)
	if err != nil {
		return 0, nil, err.Error()
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, err.Error()
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, nil, err.Error()
	}
	return resp.StatusCode, resp.Header, string(text)
}

const secret = "hunter2hunter2"

// withPage has secrets wherever a file may have some, and names that are no names for HTML.
func withPage(t *testing.T) string {
	t.Helper()
	dir := shortDir(t)
	token := write(t, filepath.Join(dir, "token"), secret+"\n")
	return pair + `    auth: {type: hmac, keys: [{id: 1, file: ` + write(t, filepath.Join(dir, "vrrp.key"), secret+secret+secret) + `}]}
heartbeat:
  key_file: ` + write(t, filepath.Join(dir, "pair.key"), secret+secret+secret+"\n") + `
  links: [{lb01: 10.0.0.1, lb02: 10.0.0.2}]
probes:
  - name: "<script>alert(1)</script>"
    http: {url: "http://127.0.0.1:81/", headers: {X-Room: ` + secret + `}}
    on_fail: {penalty: 10}
notify:
  - name: chat
    webhook: {url: "https://127.0.0.1:81/` + secret + `", token_file: ` + token + `, secret_file: ` + token + `}
page: {listen: ":9166"}
`
}

func TestTheStatusPage(t *testing.T) {
	lab := netlab.New(t)
	lab.Host("gw", "10.0.0.254/24")
	h := lab.Host("lb01", "10.0.0.1/24")
	h.Run("ip", "route", "add", "default", "via", "10.0.0.254")
	conf := withPage(t)
	r := begin(t, h, conf)
	r.shows("ACTIVE")
	r.until("the page tells of the probe", func() bool {
		_, _, body := get(h, "GET", "10.0.0.1:9166", "/")
		return strings.Contains(body, "connection refused")
	})
	write(t, r.file, strings.Replace(conf, "vrid: 50", "vrid: "+secret, 1))
	r.shows("! the configuration was not reloaded")

	code, header, body := get(h, "GET", "10.0.0.1:9166", "/")
	if code != http.StatusOK || header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("%d, %v", code, header)
	}
	csp := header.Get("Content-Security-Policy")
	if !strings.HasPrefix(csp, "default-src 'none'; style-src 'sha256-") || strings.Contains(csp, "unsafe") {
		t.Errorf("Content-Security-Policy: %s", csp)
	}
	seen := textOf(t, body)
	for _, words := range []string{
		"lb01 and lb02", "held by lb01 for ", "lb01 this node", "<script>alert(1)</script>", "not heard by heartbeat yet",
		"the configuration was not reloaded, the last good one is in force", "see pairkeeper status on the node",
		"BACKUP -> ACTIVE", "10.0.0.1 - 10.0.0.2", "silent", "arbiter",
	} {
		if !strings.Contains(seen, words) {
			t.Errorf("the page does not say %q:\n%s", words, seen)
		}
	}
	if strings.Contains(body, "<script>alert") || strings.Count(body, "<script") != 1 {
		t.Errorf("a name is taken for a script:\n%s", body)
	}
	_, header, text := get(h, "GET", "10.0.0.1:9166", "/status.json")
	var b board.Board
	if err := json.Unmarshal([]byte(text), &b); err != nil || header.Get("Content-Type") != "application/json" || len(b.Routers) != 1 || b.Routers[0].Holder != "held by lb01" {
		t.Errorf("%v: %s", err, text)
	}
	_, _, part := get(h, "GET", "10.0.0.1:9166", "/board")
	if !strings.HasPrefix(part, "<header>") {
		t.Errorf("/board: %s", part)
	}
	for _, s := range []string{body, text, part} {
		if strings.Contains(s, secret) || strings.Contains(s, "admin:") {
			t.Errorf("a secret is told: %s", s)
		}
	}
	for _, c := range []struct {
		method, path string
		want         int
	}{{"HEAD", "/", 200}, {"POST", "/", 405}, {"DELETE", "/status.json", 405}, {"GET", "/v1/status", 404}, {"GET", "/metrics", 404}, {"GET", "/../etc/passwd", 404}} {
		if code, _, body := get(h, c.method, "10.0.0.1:9166", c.path); code != c.want || c.method == "HEAD" && body != "" {
			t.Errorf("%s %s: %d, want %d: %s", c.method, c.path, code, c.want, body)
		}
	}
}

// textOf is what a page says, and proof that it is whole.
func textOf(t *testing.T, page string) string {
	t.Helper()
	var b strings.Builder
	var open []string
	for z := html.NewTokenizer(strings.NewReader(page)); ; {
		switch kind := z.Next(); kind {
		case html.ErrorToken:
			if !errors.Is(z.Err(), io.EOF) || len(open) > 0 {
				t.Errorf("the page ends within %v: %v", open, z.Err())
			}
			return b.String()
		case html.TextToken:
			b.Write(z.Text())
		case html.StartTagToken, html.EndTagToken:
			raw, _ := z.TagName()
			name := string(raw)
			switch {
			case name == "meta" || name == "link":
			case kind == html.StartTagToken:
				open = append(open, name)
			case len(open) == 0 || open[len(open)-1] != name:
				t.Fatalf("</%s> within %v", name, open)
			default:
				open = open[:len(open)-1]
			}
		}
	}
}

func TestThePageAndTheMetricsMayShareAPlace(t *testing.T) {
	h := netlab.New(t).Host("lb01", "10.0.0.1/24")
	r := begin(t, h, pair+"metrics: {listen: \":9165\"}\n")
	r.shows("ACTIVE")
	answers := func(place, path string, want int) {
		t.Helper()
		r.until(fmt.Sprintf("%s%s answers %d", place, path, want), func() bool {
			code, _, _ := get(h, "GET", place, path)
			return code == want
		})
	}
	answers("10.0.0.1:9165", "/metrics", 200)
	answers("10.0.0.1:9165", "/", 404)
	write(t, r.file, pair+"metrics: {listen: \":9165\"}\npage: {listen: \":9165\"}\n")
	answers("10.0.0.1:9165", "/", 200)
	answers("10.0.0.1:9165", "/metrics", 200)
	write(t, r.file, pair+"metrics: {listen: \":9165\"}\npage: {listen: \":9166\"}\n")
	answers("10.0.0.1:9166", "/", 200)
	answers("10.0.0.1:9166", "/metrics", 404)
	answers("10.0.0.1:9165", "/", 404)
	write(t, r.file, pair)
	answers("10.0.0.1:9165", "/metrics", 0)
	answers("10.0.0.1:9166", "/", 0)
	if out := h.Run("ss", "-Hltn"); strings.TrimSpace(out) != "" {
		t.Errorf("it listens though nobody wants it:\n%s", out)
	}
	write(t, r.file, pair+"page: {listen: \"10.0.0.77:9166\"}\n")
	r.until("the log says that the address is not there", func() bool {
		return strings.Contains(r.log.String(), "no status page at 10.0.0.77:9166: cannot assign requested address")
	})
}

// TestASlowReaderOfThePageDelaysNothing: many ask and read nothing, as many as are served at a
// time and more.
func TestASlowReaderOfThePageDelaysNothing(t *testing.T) {
	first, second := bothWith(t, "page: {listen: \":9166\"}\n")
	since := second.router().Since
	heard := second.router().Adverts.Received
	var lazy []net.Conn
	defer func() {
		for _, c := range lazy {
			_ = c.Close()
		}
	}()
	for range 60 {
		first.host.Do(func() {
			if c, err := net.DialTimeout("tcp", "127.0.0.1:9166", time.Second); err == nil {
				_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"[:8]) // not all of it
				lazy = append(lazy, c)
			}
		})
	}
	second.until("25 adverts more are heard", func() bool { return second.router().Adverts.Received >= heard+25 })
	if r := second.router(); r.State != "BACKUP" || !r.Since.Equal(since) {
		t.Errorf("it moved: %+v", r)
	}
	for _, c := range lazy {
		_ = c.Close()
	}
	lazy = nil
	first.until("the page is served again", func() bool {
		code, _, _ := get(first.host, "GET", "127.0.0.1:9166", "/")
		return code == 200
	})
}
