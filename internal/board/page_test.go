package board

import (
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

func TestHoweverManyLookTheDaemonIsAskedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		page := NewPage(func() (daemon.Status, bool) {
			n := asked.Add(1)
			return *state(), n < 3
		})
		get := func(path string) int {
			w := httptest.NewRecorder()
			page.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
			return w.Code
		}
		var all sync.WaitGroup
		for range 50 {
			for _, path := range []string{"/", "/board", "/status.json"} {
				all.Go(func() {
					if code := get(path); code != 200 {
						t.Errorf("%s: %d", path, code)
					}
				})
			}
		}
		all.Wait()
		if n := asked.Load(); n != 1 {
			t.Errorf("the daemon is asked %d times", n)
		}
		time.Sleep(pageAge)
		if code := get("/"); code != 200 || asked.Load() != 2 {
			t.Errorf("later: %d, asked %d times", code, asked.Load())
		}
		time.Sleep(pageAge)
		if code := get("/"); code != 503 {
			t.Errorf("of a daemon that stops: %d", code)
		}
	})
}

func TestWhatMayHoldASecretIsWithheld(t *testing.T) {
	s := state()
	s.Config.Problem = "pairkeeper.yaml:7: hunter2 is too short"
	s.Notify = []daemon.NotifyStatus{{Name: "chat", Failing: true, LastError: "https://chat.example.com/hunter2: 500"}}
	s.Fence = &daemon.FenceStatus{State: "failed", Problem: "agent --password=hunter2: exit 1", Broken: "hunter2"}
	s.Recent = []daemon.RecentStatus{{Reason: "fence-failed", Text: "agent --password=hunter2"}}
	w := httptest.NewRecorder()
	NewPage(func() (daemon.Status, bool) { return *s, true }).ServeHTTP(w, httptest.NewRequest("GET", "/status.json", nil))
	text := w.Body.String()
	if strings.Contains(text, "hunter2") {
		t.Errorf("%s", text)
	}
	for _, words := range []string{"the configuration was not reloaded", "notify chat: " + inside, "lb01 could not be fenced: " + inside, "fence-failed: " + inside} {
		if !strings.Contains(text, words) {
			t.Errorf("it does not say %q: %s", words, text)
		}
	}
}
