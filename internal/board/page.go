package board

import (
	"crypto/sha256"
	_ "embed" // page.html
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

//go:embed page.html
var pageHTML string

// pageAge is for how long all get the same picture: the daemon's loop is asked a few times a
// second, however many look.
const pageAge = 250 * time.Millisecond

// page is the status page: whoever may reach it may read it, and nobody can change anything.
type page struct {
	read         func() (daemon.Status, bool)
	policy       string // its Content-Security-Policy
	above, below string // what stands around a board

	mu   sync.Mutex
	at   time.Time // of which the texts are
	html string    // the board
	json []byte    // the same
}

// NewPage makes the status page of what read tells; false: the daemon is stopping.
func NewPage(read func() (daemon.Status, bool)) http.Handler {
	p := &page{read: read}
	p.above, p.below, _ = strings.Cut(pageHTML, "<!-- board -->")
	p.policy = "default-src 'none'; style-src " + sourceOf("style") + "; script-src " + sourceOf("script") +
		"; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	return p
}

// sourceOf is the hash by which a browser knows the one element of a name in page.html.
func sourceOf(element string) string {
	_, rest, _ := strings.Cut(pageHTML, "<"+element+">")
	text, _, _ := strings.Cut(rest, "</"+element+">")
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// ServeHTTP answers with the page, with the board alone that replaces the one of a moment ago,
// or with the same as JSON.
func (p *page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", p.policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "there is nothing to change here", http.StatusMethodNotAllowed)
		return
	}
	switch r.URL.Path {
	case "/", "/board", "/status.json":
	default:
		http.Error(w, "there are /, /board and /status.json", http.StatusNotFound)
		return
	}
	html, json, ok := p.current()
	switch {
	case !ok:
		http.Error(w, "the daemon is stopping", http.StatusServiceUnavailable)
	case r.URL.Path == "/status.json":
		h.Set("Content-Type", "application/json")
		_, _ = w.Write(json) // the client is gone: nobody to tell
	default:
		h.Set("Content-Type", "text/html; charset=utf-8")
		if r.URL.Path == "/" {
			html = p.above + html + p.below
		}
		_, _ = io.WriteString(w, html)
	}
}

// current is the board of this moment; false: the daemon is stopping.
func (p *page) current() (html string, text []byte, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.json != nil && now.Sub(p.at) < pageAge {
		return p.html, p.json, true
	}
	s, ok := p.read()
	if !ok {
		return "", nil, false
	}
	withhold(&s)
	b := Of(&s, now)
	if text, err := json.MarshalIndent(b, "", "  "); err == nil { // it has nothing that has no JSON
		p.at, p.html, p.json = now, b.HTML(), append(text, '\n')
	}
	return p.html, p.json, true
}

// inside is where to look for what a page for everybody does not tell.
const inside = "see pairkeeper status on the node"

// withhold takes out what others said in texts that may hold a secret: a part of the
// configuration file, a fence agent's or a receiver's words.
func withhold(s *daemon.Status) {
	if s.Config.Problem != "" {
		s.Config.Problem = inside
	}
	for i := range s.Notify {
		if n := &s.Notify[i]; n.LastError != "" {
			n.LastError = inside
		}
	}
	if f := s.Fence; f != nil {
		if f.Problem != "" {
			f.Problem = inside
		}
		if f.Broken != "" {
			f.Broken = inside
		}
	}
	for i := range s.Recent {
		if e := &s.Recent[i]; strings.HasPrefix(e.Reason, "fence") {
			e.Text = e.Reason + ": " + inside
		}
	}
}
