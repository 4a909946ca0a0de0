package probesnet

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pairkeeper/pairkeeper/probes"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve runs a real server on a loopback port.
func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func lookAt(t *testing.T, c probes.HTTP, timeout time.Duration) Result {
	t.Helper()
	return newHTTPProbe(probes.Config{HTTP: c, Timeout: timeout}).look(t.Context())
}

func TestLookJudgesTheStatus(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		var code int
		fmt.Sscanf(r.URL.Path, "/%d", &code)
		w.Header().Set("Location", "/500")
		w.WriteHeader(code)
	})
	tests := []struct {
		name   string
		path   string
		accept []probes.StatusRange
		ok     bool
		detail string
	}{
		{"200 is good by default", "/200", nil, true, "200"},
		{"a redirect is good by default, and not followed", "/302", nil, true, "302"},
		{"404 is bad by default", "/404", nil, false, "404, want 200-399"},
		{"502 is bad", "/502", nil, false, "502, want 200-399"},
		{"a single status", "/401", []probes.StatusRange{{From: 401, To: 401}}, true, "401"},
		{"outside of two ranges", "/302", []probes.StatusRange{{From: 200, To: 204}, {From: 401, To: 401}}, false, "302, want 200-204, 401"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := lookAt(t, probes.HTTP{URL: s.URL + tt.path, Status: tt.accept}, 10*time.Second)
			want := "GET " + s.URL + tt.path + ": " + tt.detail
			if r.OK != tt.ok || !r.Answered || r.Detail != want {
				t.Fatalf("%+v, want OK %v, Answered, %q", r, tt.ok, want)
			}
		})
	}
}

func TestLookSendsMethodAndHost(t *testing.T) {
	var got atomic.Value
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		got.Store(r.Method + " " + r.Host + " " + r.Proto + " " + r.Header.Get("Connection"))
	})
	r := lookAt(t, probes.HTTP{URL: s.URL, Method: "HEAD", Host: "www.example.org"}, 10*time.Second)
	if !r.OK {
		t.Fatal(r.Detail)
	}
	if want := "HEAD www.example.org HTTP/1.1 close"; got.Load() != want {
		t.Fatalf("the server saw %q, want %q", got.Load(), want)
	}
}

func TestLookNoticesThatNobodyListens(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	url := s.URL
	s.Close()
	r := lookAt(t, probes.HTTP{URL: url}, 10*time.Second)
	if want := "GET " + url + ": connection refused"; r.OK || r.Answered || r.Detail != want {
		t.Fatalf("%v %q, want %q", r.OK, r.Detail, want)
	}
}

// A stopped proxy's listener still accepts: the kernel does it. Nothing ever answers.
func TestLookGivesUpOnASilentListener(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	url := "http://" + l.Addr().String() + "/"
	r := lookAt(t, probes.HTTP{URL: url}, 100*time.Millisecond)
	if want := "GET " + url + ": no answer within 100ms"; r.OK || r.Answered || r.Detail != want {
		t.Fatalf("%v %q, want %q", r.OK, r.Detail, want)
	}
}

func TestLookTimeoutCoversTheBody(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "begun")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	r := lookAt(t, probes.HTTP{URL: s.URL}, 200*time.Millisecond)
	if want := "GET " + s.URL + ": no answer within 200ms"; r.OK || r.Answered || r.Detail != want {
		t.Fatalf("%v %q, want %q", r.OK, r.Detail, want)
	}
}

func TestLookReadsABoundedPartOfTheBody(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		chunk := make([]byte, 64<<10)
		for {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	if r := lookAt(t, probes.HTTP{URL: s.URL}, 30*time.Second); !r.OK {
		t.Fatal(r.Detail)
	}
}

func TestLookRefusesACutAnswer(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
		c.Close()
	})
	r := lookAt(t, probes.HTTP{URL: s.URL}, 10*time.Second)
	if want := "GET " + s.URL + ": the connection was closed before the answer was complete"; r.OK || r.Detail != want {
		t.Fatalf("%v %q, want %q", r.OK, r.Detail, want)
	}
}

func TestRunOpensAConnectionForEveryLook(t *testing.T) {
	var conns, looks atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { looks.Add(1) }))
	s.Config.ConnState = func(_ net.Conn, st http.ConnState) {
		if st == http.StateNew {
			conns.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	results := make(chan Result, 100)
	r := Run(t.Context(), []probes.Config{{HTTP: probes.HTTP{URL: s.URL}, Interval: 10 * time.Millisecond, Timeout: 10 * time.Second}},
		func(_ int, r Result) { results <- r })
	for range 5 {
		if res := <-results; !res.OK {
			t.Fatal(res.Detail)
		}
	}
	r.Close()
	if c, l := conns.Load(), looks.Load(); c < l || l < 5 {
		t.Fatalf("%d connections for %d looks", c, l)
	}
}

func TestNowLooksAtOnce(t *testing.T) {
	s := serve(t, func(http.ResponseWriter, *http.Request) {})
	results := make(chan int, 10)
	cfg := probes.Config{HTTP: probes.HTTP{URL: s.URL}, Interval: 24 * time.Hour, Timeout: 10 * time.Second}
	r := Run(t.Context(), []probes.Config{cfg, cfg}, func(i int, _ Result) { results <- i })
	defer r.Close()
	for round := range 2 {
		if a, b := <-results, <-results; a+b != 1 {
			t.Fatalf("round %d: results of %d and %d, want of 0 and 1", round, a, b)
		}
		r.Now()
	}
}

// A probe that hangs delays only itself.
func TestAHungProbeDoesNotDelayAnother(t *testing.T) {
	hung := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	good := serve(t, func(http.ResponseWriter, *http.Request) {})
	results := make(chan int, 100)
	r := Run(t.Context(), []probes.Config{
		{HTTP: probes.HTTP{URL: hung.URL}, Interval: time.Hour, Timeout: time.Hour},
		{HTTP: probes.HTTP{URL: good.URL}, Interval: 10 * time.Millisecond, Timeout: 10 * time.Second},
	}, func(i int, _ Result) { results <- i })
	for range 3 {
		if i := <-results; i != 1 {
			t.Fatalf("a result of probe %d", i)
		}
	}
	r.Close()
}

func TestNothingIsToldAfterTheEnd(t *testing.T) {
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	ctx, cancel := context.WithCancel(t.Context())
	told := make(chan Result, 1)
	r := Run(ctx, []probes.Config{{HTTP: probes.HTTP{URL: s.URL}, Interval: time.Hour, Timeout: time.Hour}},
		func(_ int, r Result) { told <- r })
	cancel()
	r.Close()
	select {
	case r := <-told:
		t.Fatalf("told %q of a look that was broken off", r.Detail)
	default:
	}
}
