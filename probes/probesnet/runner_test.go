package probesnet

import (
	"context"
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

// lookOnce makes one look, as a Runner does.
func lookOnce(t *testing.T, c probes.Check, timeout time.Duration) Result {
	t.Helper()
	return lookWith(t, newKit(), c, timeout)
}

func lookWith(t *testing.T, k *kit, c probes.Check, timeout time.Duration) Result {
	t.Helper()
	results := make(chan Result, 1)
	r := runWith(t.Context(), k, []probes.Config{{Check: c, Interval: time.Hour, Timeout: timeout}}, func(_ int, r Result) { results <- r })
	defer r.Close()
	return <-results
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
	r := Run(t.Context(), []probes.Config{{Check: probes.HTTP{URL: s.URL}, Interval: 10 * time.Millisecond, Timeout: 10 * time.Second}},
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
	cfg := probes.Config{Check: probes.HTTP{URL: s.URL}, Interval: 24 * time.Hour, Timeout: 10 * time.Second}
	r := Run(t.Context(), []probes.Config{cfg, cfg}, func(i int, _ Result) { results <- i })
	defer r.Close()
	for round := range 2 {
		if a, b := <-results, <-results; a+b != 1 {
			t.Fatalf("round %d: results of %d and %d, want of 0 and 1", round, a, b)
		}
		r.Now(func(probes.Config) bool { return true })
	}
}

// A probe that hangs delays only itself.
func TestAHungProbeDoesNotDelayAnother(t *testing.T) {
	hung := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	good := serve(t, func(http.ResponseWriter, *http.Request) {})
	results := make(chan int, 100)
	r := Run(t.Context(), []probes.Config{
		{Check: probes.HTTP{URL: hung.URL}, Interval: time.Hour, Timeout: time.Hour},
		{Check: probes.HTTP{URL: good.URL}, Interval: 10 * time.Millisecond, Timeout: 10 * time.Second},
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
	r := Run(ctx, []probes.Config{{Check: probes.HTTP{URL: s.URL}, Interval: time.Hour, Timeout: time.Hour}},
		func(_ int, r Result) { told <- r })
	cancel()
	r.Close()
	select {
	case r := <-told:
		t.Fatalf("told %q of a look that was broken off", r.Detail)
	default:
	}
}
