package board

import (
	"testing"

	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

func TestTheScreenSaysWhatToDoAboutTheProxysConfiguration(t *testing.T) {
	for state, want := range map[string]string{
		"unchanged":     "",
		"reloaded":      "",
		"unknown":       "",
		"changed":       "its configuration (/a, /b) changed and is not in force",
		"tested":        "its configuration (/a, /b) changed and is not in force",
		"bad":           "its configuration (/a, /b) is bad, it would not start again: why",
		"pending":       "its configuration (/a, /b) changed and is not in force, why",
		"reload-failed": "its configuration (/a, /b) is good, but not in force: why",
		"unwatched":     "its configuration (/a, /b) is not watched: why",
	} {
		if got := confWords(&daemon.ProxyConfigStatus{State: state, Problem: "why", Changed: []string{"/a", "/b"}}); got != want {
			t.Errorf("%s: %q, want %q", state, got, want)
		}
	}
	want := "its configuration changed, is tested good and not in force until it is reloaded"
	if got := confWords(&daemon.ProxyConfigStatus{State: "pending"}); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
