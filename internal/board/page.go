package board

import (
	"crypto/sha256"
	_ "embed" // page.html
	"encoding/base64"
	"encoding/json"
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

	mu    sync.Mutex
	board *Board
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
	b := p.current()
	if b == nil {
		http.Error(w, "the daemon is stopping", http.StatusServiceUnavailable)
		return
	}
	p.answer(w, r.URL.Path, b)
}

func (p *page) answer(w http.ResponseWriter, path string, b *Board) {
	if path == "/status.json" {
		w.Header().Set("Content-Type", "application/json")
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		_ = enc.Encode(b) // the client is gone: nobody to tell
		return
	}
	text := b.HTML()
	if path == "/" {
		text = p.above + text + p.below
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte(text))
}

// current is the board of this moment; nil: the daemon is stopping.
func (p *page) current() *Board {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.board != nil && now.Sub(p.board.At) < pageAge && now.After(p.board.At) {
		return p.board
	}
	s, ok := p.read()
	if !ok {
		return nil
	}
	withhold(&s)
	p.board = Of(&s, now)
	return p.board
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
