package daemon

import (
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/logbook"
)

// stuck is a log that has one record in hand, and takes nothing until it is released; then it
// tells what it wrote.
func stuck() (log *slog.Logger, release func() []string) {
	begun, hang, wrote := make(chan struct{}, 1), make(chan struct{}), make(chan string, 3*recordsWaiting)
	log, flush := newLogger(func(r record) error {
		select {
		case begun <- struct{}{}:
		default:
		}
		<-hang
		wrote <- r.text
		return nil
	})
	log.Info("the first one")
	<-begun
	return log, func() []string {
		close(hang)
		flush()
		close(wrote)
		var all []string
		for text := range wrote {
			all = append(all, text)
		}
		return all
	}
}

func TestALogThatDoesNotTakeItsRecordsDelaysNothingAndCountsThem(t *testing.T) {
	log, release := stuck()
	for i := range 2 * recordsWaiting {
		log.Info(fmt.Sprint("record ", i), logbook.As(logbook.Begins)) // would block for ever
	}
	all := release()
	lost := slices.DeleteFunc(slices.Clone(all), func(s string) bool { return !strings.Contains(s, "records lost") })
	kept := len(all) - len(lost)
	if kept < recordsWaiting || kept > recordsWaiting+1 {
		t.Fatalf("%d records were kept, want some %d", kept, recordsWaiting)
	}
	if want := fmt.Sprintf("records lost: %d; the log did not take them", 1+2*recordsWaiting-kept); len(lost) != 1 || lost[0] != want {
		t.Errorf("of the lost ones it says %q, want %q", lost, want)
	}
}

func TestAProxyThatPrintsWithoutEndCrowdsNoTransitionOut(t *testing.T) {
	log, release := stuck()
	for range 2 * recordsWaiting {
		log.Info("a line of the proxy", "source", "proxy")
	}
	log.Info("web: BACKUP -> ACTIVE", logbook.State, "ACTIVE", logbook.Reason, "alone")
	if all := release(); !slices.Contains(all, "web: BACKUP -> ACTIVE") {
		t.Errorf("%d records, and the transition is none of them", len(all))
	}
}

func TestRecordsWaitForAJournaldThatIsStopped(t *testing.T) {
	var tries atomic.Int64
	wrote := make(chan record, 10)
	log, flush := newLogger(func(r record) error {
		switch tries.Add(1) {
		case 1: // as go-systemd gives them
			return os.NewSyscallError("sendmsg", unix.ENOENT)
		case 2:
			return os.NewSyscallError("sendmsg", unix.ECONNREFUSED)
		}
		wrote <- r
		return nil
	})
	log.Info("it moved")
	select {
	case r := <-wrote:
		if r.text != "it moved" {
			t.Errorf("it wrote %q", r.text)
		}
	case <-time.After(time.Minute):
		t.Error("it was never written")
	}
	flush()
}

func TestALogThatRefusesIsCounted(t *testing.T) {
	var tries atomic.Int64
	wrote := make(chan string, 10)
	log, flush := newLogger(func(r record) error {
		if tries.Add(1) <= 2 {
			return unix.ENOSPC
		}
		wrote <- r.text
		return nil
	})
	for _, text := range []string{"one", "two", "three"} {
		log.Info(text)
	}
	flush()
	close(wrote)
	var all []string
	for text := range wrote {
		all = append(all, text)
	}
	// The second try was to tell of the first record, and is no record of its own.
	if want := []string{"two", "records lost: 1; the log did not take them", "three"}; !slices.Equal(all, want) {
		t.Errorf("it wrote %q, want %q", all, want)
	}
}

func TestTheEndDoesNotWaitForALogThatHangs(t *testing.T) {
	release := make(chan struct{})
	log, flush := newLogger(func(record) error { <-release; return nil })
	log.Info("hangs")
	done := make(chan struct{})
	go func() { flush(); close(done) }()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Error("still waiting")
	}
	log.Info("after the end") // must not panic
	close(release)
}
