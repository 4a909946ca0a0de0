package daemon

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/logbook"
)

func warning(text string, fields ...any) entry {
	return entry{slog.LevelWarn, logbook.AdvertRefused, text, fields}
}

func TestAFloodOfDifferentEntriesIsBoundedAndSaysWhatWasKeptBack(t *testing.T) {
	l, t0 := newLimit(), epoch
	l.sweep(t0)
	written := 0
	for i := range 10_000 {
		if _, ok := l.pass(t0, fmt.Sprint(i), warning("w")); ok {
			written++
		}
	}
	if written != maxKeys || len(l.last) != maxKeys {
		t.Errorf("%d written, %d remembered, want %d", written, len(l.last), maxKeys)
	}
	if left := l.sweep(t0.Add(limitEvery - 1)); left != nil {
		t.Errorf("too early: %v", left)
	}
	left := l.sweep(t0.Add(limitEvery))
	if len(left) != 1 || left[0].reason != logbook.Suppressed || !strings.HasPrefix(left[0].text, fmt.Sprintf("%d records more were kept back", 10_000-maxKeys)) {
		t.Errorf("the sweep says %v", left)
	}
	if len(l.last) != 0 {
		t.Errorf("%d are still remembered", len(l.last))
	}
	if _, ok := l.pass(t0.Add(limitEvery), "0", warning("w")); !ok {
		t.Error("a minute later it is no news")
	}
}

func TestStrangersLeaveRoomForWhatIsOurs(t *testing.T) {
	l := newLimit()
	for i := range 10_000 {
		l.pass(epoch, fmt.Sprint(i), warning("w", logbook.Peer, "10.0.0.9"))
	}
	if len(l.last) != maxKeys/2 {
		t.Errorf("strangers have %d keys", len(l.last))
	}
	if _, ok := l.pass(epoch, "web: send", warning("w", logbook.Router, "web")); !ok {
		t.Error("what is ours was kept back")
	}
}

// The last of a flood is said too, though nothing comes after it.
func TestWhatStopsRepeatingItselfIsCountedInTheEnd(t *testing.T) {
	l, t0 := newLimit(), epoch
	l.sweep(t0)
	var lines []string
	for i := range 90 { // once a second, for a minute and a half
		if e, ok := l.pass(t0.Add(time.Duration(i)*time.Second), "k", warning("w")); ok {
			lines = append(lines, e.text)
		}
	}
	for m := range 5 {
		for _, e := range l.sweep(t0.Add(time.Duration(m+1) * limitEvery)) {
			lines = append(lines, e.text)
		}
	}
	want := "w|w (and 59 times more since)|w (29 times more since it was last written)"
	if got := strings.Join(lines, "|"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestATransitionMakesOnlyItsOwnRoutersEntriesNews(t *testing.T) {
	l := newLimit()
	for _, key := range []string{"web: x", "webmail: x"} {
		l.pass(epoch, key, warning(key))
	}
	l.renew("web: ")
	if _, ok := l.pass(epoch, "web: x", warning("")); !ok {
		t.Error("web's is no news")
	}
	if _, ok := l.pass(epoch, "webmail: x", warning("")); ok {
		t.Error("webmail's is news")
	}
}
