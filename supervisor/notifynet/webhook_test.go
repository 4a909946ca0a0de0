package notifynet

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/dialer"
	"github.com/pairkeeper/pairkeeper/probes"
	"github.com/pairkeeper/pairkeeper/supervisor"
)

// post sends one in one try.
func post(t *testing.T, cfg supervisor.Webhook) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), long)
	defer cancel()
	m := newMessage(toMaster)
	m.id = "5f1c9d2b77a0e3c4"
	return newPoster(cfg).send(ctx, []message{m})
}

// webServer serves over TLS.
func webServer(t *testing.T, serve http.HandlerFunc) (url, ca string) {
	t.Helper()
	cert, ca := certified(t)
	s := httptest.NewUnstartedServer(serve)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL, ca
}

func TestAWebhookIsJSONWithItsSignature(t *testing.T) {
	var got http.Header
	var body []byte
	url, ca := webServer(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Clone()
		body, _ = io.ReadAll(r.Body)
		if r.Method != http.MethodPost || r.URL.RequestURI() != "/hook?room=1" {
			w.WriteHeader(http.StatusTeapot)
		}
	})
	err := post(t, supervisor.Webhook{
		URL: url + "/hook?room=1", CAFile: ca, Token: []byte("t0ken"), Secret: []byte("key"), Headers: []probes.Header{{Name: "X-Room", Value: "ops"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"schema":1,"id":"5f1c9d2b77a0e3c4","time":"2025-03-01T12:00:00.123Z","node":"lb01","peer":"lb02","router":"web","state":"ACTIVE",` +
		`"old_state":"BACKUP","reason":"peer-silent","detail":"","remedy":"look at the other node, and at the network between the two","priority":150,` +
		`"addresses":["10.0.0.3/24","10.0.0.4/24"]}`
	if string(body) != want {
		t.Errorf("body %s", body)
	}
	mac := hmac.New(sha256.New, []byte("key"))
	mac.Write(body)
	for name, want := range map[string]string{
		"Authorization": "Bearer t0ken", "Content-Type": "application/json", "X-Room": "ops",
		signature: "sha256=" + hex.EncodeToString(mac.Sum(nil)),
	} {
		if got.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, got.Get(name), want)
		}
	}
}

func TestWhatAWebhookAnswersDecidesWhetherItIsTriedAgain(t *testing.T) {
	for status, final := range map[int]bool{500: false, 503: false, 429: false, 408: false, 400: true, 401: true, 404: true, 302: true} {
		asked := 0
		url, ca := webServer(t, func(w http.ResponseWriter, _ *http.Request) {
			asked++
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "sorry\n")
		})
		err := post(t, supervisor.Webhook{URL: url, CAFile: ca})
		_, got := errors.AsType[refused](err)
		if err == nil || got != final || asked != 1 || !strings.HasSuffix(err.Error(), ": sorry") {
			t.Errorf("%d: %v (final: %v), asked %d times", status, err, got, asked)
		}
	}
}

func TestAWebhookOfAnUnknownAuthorityIsNotSent(t *testing.T) {
	url, _ := webServer(t, func(http.ResponseWriter, *http.Request) { t.Error("it was sent") })
	if err := post(t, supervisor.Webhook{URL: url}); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Error(err)
	}
}

func TestAWebhookThatDoesNotAnswerIsGivenUp(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	for name, change := range map[string]func(*poster){
		"says nothing":         func(p *poster) { p.cfg.URL = "http://" + ln.Addr().String() },
		"says nothing in TLS":  func(p *poster) { p.cfg.URL = "https://" + ln.Addr().String() },
		"the name is unsolved": func(p *poster) { p.cfg.URL, p.dialer = "https://hook.example.com/", dialer.New(blackHole) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPoster(supervisor.Webhook{})
			change(p)
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			began := time.Now()
			if err := p.send(ctx, []message{newMessage(toMaster)}); err == nil {
				t.Error("it was sent")
			}
			if took := time.Since(began); took > 30*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}
