//go:build linux

package hostlab

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestOutageIsTheTimeBetweenAnswers(t *testing.T) {
	zero := time.Now()
	at := func(ms int) time.Time { return zero.Add(time.Duration(ms) * time.Millisecond) }
	good := func(asked, done int) Sample { return Sample{Asked: at(asked), Done: at(done), Host: "h1"} }
	bad := func(asked, done int) Sample {
		return Sample{Asked: at(asked), Done: at(done), Err: errors.New("time-out")}
	}
	const ms = time.Millisecond
	for _, c := range []struct {
		name    string
		samples []Sample
		want    Outage
	}{
		{"no answer at all", nil, Outage{Longest: 100 * ms}},
		{"slow, nothing failed", []Sample{good(0, 60)}, Outage{Longest: 60 * ms, Answered: 1}},
		{"refused in a gap", []Sample{good(0, 10), bad(20, 21), good(50, 50)}, Outage{Longest: 50 * ms, Total: 40 * ms, Answered: 2, Failed: 1}},
		{"time-out known after the gap", []Sample{good(0, 10), good(70, 70), good(90, 90), bad(20, 95)}, Outage{Longest: 60 * ms, Total: 60 * ms, Answered: 3, Failed: 1}},
		{"two gaps", []Sample{bad(1, 2), good(0, 10), good(50, 50), bad(60, 61)}, Outage{Longest: 50 * ms, Total: 60 * ms, Answered: 2, Failed: 2}},
	} {
		if diff := cmp.Diff(c.want, outage(zero, at(100), c.samples)); diff != "" {
			t.Errorf("%s: -want +got\n%s", c.name, diff)
		}
	}
}
