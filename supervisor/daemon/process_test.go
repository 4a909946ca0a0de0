package daemon_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/probes"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// proxied is a configuration without virtual routers: a child and a probe of it.
func proxied(url string, command ...string) supervisor.Config {
	cfg := supervisor.Config{Node: "lb01", Peer: "lb02", Proxy: supervisor.Proxy{
		Command: command, TestTimeout: 5 * time.Second, RestartTimeout: 5 * time.Second, Wait: time.Second,
		Attempts: 2, Budget: 3, Window: time.Minute, Retry: time.Minute, Rise: 1, Look: 50 * time.Millisecond,
	}}
	if url != "" {
		cfg.Probes = []probes.Config{{Name: "look", Check: probes.HTTP{URL: url}, Interval: 20 * time.Millisecond, Timeout: 5 * time.Second, Rise: 1, Fall: 1}}
	}
	return cfg
}

// inProcess runs a daemon in this process; the end it returns stops it and gives what
// Run returned.
func inProcess(t *testing.T, cfg supervisor.Config, load func() (supervisor.Config, error)) (d *daemon.Daemon, end func() error) {
	t.Helper()
	d, err := daemon.New(daemon.Options{
		Source: daemon.Source{Config: cfg}, Log: slog.New(slog.DiscardHandler), Socket: filepath.Join(shortDir(t), "sock"),
		Load: func() (daemon.Source, error) {
			cfg, err := load()
			return daemon.Source{Config: cfg}, err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- d.Run(ctx) }()
	end = sync.OnceValue(func() error {
		cancel()
		select {
		case err := <-ran:
			return err
		case <-time.After(soon):
			t.Error("Run does not return")
			return nil
		}
	})
	t.Cleanup(func() {
		if err := end(); err != nil {
			t.Error(err)
		}
	})
	return d, end
}

func phase(t *testing.T, d *daemon.Daemon, want string) {
	t.Helper()
	for end := time.Now().Add(soon); ; time.Sleep(5 * time.Millisecond) {
		s, ok := d.Status()
		if ok && s.Proxy != nil && s.Proxy.State == want {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the proxy is %+v, want it %s", s.Proxy, want)
		}
	}
}

// web is a server on loopback that answers with a status, or never.
func web(t *testing.T, answer http.HandlerFunc) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: answer}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return "http://" + l.Addr().String() + "/"
}

func ok(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }

// Nothing may be left behind: TestMain looks for goroutines.
func TestQuestionsAndReloadsAtEveryMomentOfALife(t *testing.T) {
	netlab.Need(t, "sleep")
	url := web(t, ok)
	var round atomic.Int64
	load := func() (supervisor.Config, error) {
		switch n := round.Add(1); n % 4 {
		case 0:
			return supervisor.Config{}, errors.New("a bad file")
		case 1:
			return proxied("", "sleep", "1000"), nil
		case 2:
			return proxied(url, "sleep", "1001"), nil
		}
		return proxied(url, "sleep", "1000"), nil
	}
	for range 5 {
		d, end := inProcess(t, proxied(url, "sleep", "1000"), load)
		stop := make(chan struct{})
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						_, _ = d.Reload()
						d.Status()
					}
				}
			})
		}
		time.Sleep(200 * time.Millisecond)
		if err := end(); err != nil {
			t.Error(err)
		}
		if _, ok := d.Status(); ok {
			t.Error("a status after the end")
		}
		close(stop)
		wg.Wait()
	}
}

func TestAReloadWhileStoppingIsRefused(t *testing.T) {
	cfg := proxied("", "sleep", "1000")
	d, end := inProcess(t, cfg, func() (supervisor.Config, error) { return cfg, nil })
	phase(t, d, "good")
	if err := end(); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Reload(); err == nil || !strings.Contains(err.Error(), "stopping") {
		t.Errorf("a reload that nobody applied: %v", err)
	}
}

// The child that is left ignores SIGTERM, its probe hangs: the loop waits for neither.
func TestAReloadDoesNotWaitForWhatItLeaves(t *testing.T) {
	netlab.Need(t, "sh")
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	asked := make(chan struct{}, 100)
	url := web(t, func(http.ResponseWriter, *http.Request) { asked <- struct{}{}; <-hang })
	next := proxied("", "sleep", "1000")
	d, _ := inProcess(t, proxied(url, "sh", "-c", `trap "" TERM; while :; do sleep 0.1; done`), func() (supervisor.Config, error) { return next, nil })
	<-asked
	begin := time.Now()
	if _, err := d.Reload(); err != nil {
		t.Fatal(err)
	}
	if _, ok := d.Status(); !ok {
		t.Fatal("no status")
	}
	if took := time.Since(begin); took > 2*time.Second { // the child takes 3 s, the probe 5 s
		t.Errorf("the reload took %s", took)
	}
	phase(t, d, "good")
}

// The file system that the configuration lies on may hang.
func TestAReloadThatHangsLeavesTheStatus(t *testing.T) {
	reading, hang := make(chan struct{}), make(chan struct{})
	cfg := proxied("", "sleep", "1000")
	d, _ := inProcess(t, cfg, func() (supervisor.Config, error) {
		close(reading)
		<-hang
		return cfg, nil
	})
	done := make(chan struct{})
	go func() { _, _ = d.Reload(); close(done) }()
	<-reading
	answered := make(chan struct{})
	go func() { d.Status(); close(answered) }()
	select {
	case <-answered:
	case <-time.After(soon):
		t.Error("no status while a reload reads")
	}
	close(hang)
	<-done
	<-answered
}

// What the old probe was asked says nothing of the new one.
func TestALookOfTheOldConfigurationIsVoid(t *testing.T) {
	hang := make(chan struct{})
	asked := make(chan struct{}, 100)
	var calls atomic.Int64
	bad := web(t, func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1) == 1 {
			w.WriteHeader(http.StatusOK)
			return
		}
		asked <- struct{}{}
		<-hang
		w.WriteHeader(http.StatusInternalServerError)
	})
	next := proxied(web(t, ok), "sleep", "1000") // the probe has the same name
	d, _ := inProcess(t, proxied(bad, "sleep", "1000"), func() (supervisor.Config, error) { return next, nil })
	phase(t, d, "good")
	<-asked
	if _, err := d.Reload(); err != nil {
		t.Fatal(err)
	}
	close(hang)
	for end := time.Now().Add(300 * time.Millisecond); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if s, _ := d.Status(); s.Proxy.State != "good" || s.Proxy.Restarts != 0 {
			t.Fatalf("the proxy is %+v", s.Proxy)
		}
	}
}

func TestAStopEndsATestUnderWay(t *testing.T) {
	cfg := proxied("", "false") // ends at once
	cfg.Proxy.Test = []string{"sleep", "1000"}
	cfg.Proxy.TestTimeout = time.Hour
	d, end := inProcess(t, cfg, nil)
	phase(t, d, "testing")
	begin := time.Now()
	if err := end(); err != nil {
		t.Error(err)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("the end took %s", took)
	}
}
