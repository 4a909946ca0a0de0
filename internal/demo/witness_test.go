package demo

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pairkeeper/pairkeeper/internal/onlooker"
)

const milli = time.Millisecond

func TestOutageIsTheGapAroundLostRequests(t *testing.T) {
	answered := func(asked, ended int) sample {
		return sample{time.Duration(asked) * milli, time.Duration(ended) * milli, "lb01"}
	}
	lost := func(asked, ended int) sample {
		return sample{time.Duration(asked) * milli, time.Duration(ended) * milli, onlooker.Nobody}
	}
	for _, tc := range []struct {
		name     string
		samples  []sample
		from, to int
		want     sight
	}{
		{"all answered", []sample{answered(1, 2), answered(3, 4)}, 0, 10, sight{}},
		{"a stalled client", []sample{answered(1, 2), answered(90, 91)}, 0, 100, sight{}},
		{"one lost", []sample{answered(1, 2), lost(3, 4), answered(5, 6)}, 0, 10, sight{silent: 4 * milli, lost: 1}},
		{"several lost in one gap", []sample{answered(1, 2), lost(5, 5), lost(9, 9), lost(3, 103), answered(200, 201)}, 0, 300,
			sight{silent: 199 * milli, lost: 3}},
		{"two gaps", []sample{answered(1, 2), lost(3, 3), answered(5, 6), lost(7, 7), answered(9, 10)}, 0, 20,
			sight{silent: 8 * milli, lost: 2}},
		{"told late", []sample{answered(1, 2), answered(20, 21), lost(3, 103), answered(104, 105)}, 0, 200,
			sight{silent: 19 * milli, lost: 1}},
		{"from the last answer before", []sample{answered(1, 2), lost(6, 7), answered(8, 9)}, 5, 20, sight{silent: 7 * milli, lost: 1}},
		{"not over yet", []sample{answered(1, 2), lost(6, 7)}, 0, 20, sight{silent: 18 * milli, lost: 1}},
		{"before", []sample{answered(1, 2), lost(3, 3), answered(4, 5), answered(12, 13)}, 10, 20, sight{}},
		{"after", []sample{answered(1, 2), answered(12, 13), lost(25, 25)}, 10, 20, sight{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := outage(tc.samples, time.Duration(tc.from)*milli, time.Duration(tc.to)*milli)
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(sight{})); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestServedNeedsAFreshAnswer(t *testing.T) {
	at := now()
	w := &witness{}
	w.take(fmt.Sprintf("r %d %d lb01", at-2*milli, at))
	for _, tc := range []struct {
		name, who string
		since     time.Duration
		want      bool
	}{
		{"that node", "lb01", at - time.Second, true},
		{"the other node", "lb02", at - time.Second, false},
		{"asked before", "lb01", at - milli, false},
	} {
		if got := w.served(tc.who, tc.since); got != tc.want {
			t.Errorf("%s: %t, want %t", tc.name, got, tc.want)
		}
	}
}
