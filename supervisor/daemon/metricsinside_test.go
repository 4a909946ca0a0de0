package daemon

import (
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/internal/exposition"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

func TestLostMessagesAreTheGapsOfALinksSequence(t *testing.T) {
	for _, c := range []struct {
		name  string
		links int
		heard [][2]uint64 // session and sequence
		want  uint64
	}{
		{"none is lost", 1, [][2]uint64{{7, 1}, {7, 2}, {7, 3}}, 0},
		{"of two links each has every other number", 2, [][2]uint64{{7, 2}, {7, 4}, {7, 6}}, 0},
		{"two are lost", 2, [][2]uint64{{7, 2}, {7, 8}}, 2},
		{"one that comes late was lost", 1, [][2]uint64{{7, 1}, {7, 3}, {7, 2}, {7, 4}}, 1},
		{"another life of the daemon begins anew", 1, [][2]uint64{{7, 100}, {8, 1}, {8, 2}}, 0},
		{"what is played back counts nothing", 1, [][2]uint64{{7, 100}, {6, 5}, {7, 101}, {6, 9}, {7, 102}}, 0},
	} {
		var l loss
		for _, h := range c.heard {
			l.heard(h[0], h[1], c.links)
		}
		if l.count != c.want {
			t.Errorf("%s: %d lost, want %d", c.name, l.count, c.want)
		}
	}
}

func TestASplitBrainIsSuspectedOrCertain(t *testing.T) {
	at := time.Unix(1700000000, 0)
	remark := func(reason vrrp.Reason, ago time.Duration) []RemarkStatus {
		return []RemarkStatus{{Reason: string(reason), Last: at.Add(-ago)}}
	}
	rule := func(r fencing.Rule, alarm string) *ArbiterStatus { return &ArbiterStatus{Rule: string(r), Text: alarm} }
	for _, c := range []struct {
		name                 string
		router               RouterStatus
		suspected, confirmed bool
	}{
		{"a holder alone", RouterStatus{State: "ACTIVE", Arbiter: rule(fencing.RuleHolds, "")}, false, false},
		{"one takes over from the other", RouterStatus{State: "ACTIVE", Arbiter: rule(fencing.RuleWins, "")}, true, false},
		{"both hold", RouterStatus{State: "ACTIVE", Arbiter: rule(fencing.RuleWins, "both hold")}, true, true},
		{"a stranger answers", RouterStatus{State: "ACTIVE", Arbiter: rule(fencing.RuleStranger, "somebody else")}, true, true},
		{"adverts of another holder", RouterStatus{State: "ACTIVE", Remarks: remark(vrrp.ReasonLowerAdvert, time.Second)}, true, false},
		{"such adverts a while ago", RouterStatus{State: "ACTIVE", Remarks: remark(vrrp.ReasonLowerAdvert, time.Minute)}, false, false},
		{"another remark", RouterStatus{State: "ACTIVE", Remarks: remark(vrrp.ReasonAddressVanished, 0)}, false, false},
		{"a backup", RouterStatus{State: "BACKUP", Arbiter: rule(fencing.RuleStranger, "somebody else"), Remarks: remark(vrrp.ReasonLowerAdvert, 0)}, false, false},
	} {
		if s, sure := splitBrain(&c.router, at); s != c.suspected || sure != c.confirmed {
			t.Errorf("%s: suspected %t, confirmed %t, want %t, %t", c.name, s, sure, c.suspected, c.confirmed)
		}
	}
}

// TestStatesAreTheWordsThatThereAre: a state that is not listed has no series while it is not the one.
func TestStatesAreTheWordsThatThereAre(t *testing.T) {
	var proxy, config, hearing, healths, answers []string
	for p := supervisor.Waiting; p <= supervisor.Returning; p++ {
		proxy = append(proxy, p.String())
	}
	for c := supervisor.ConfUnknown; c <= supervisor.ConfUnwatched; c++ {
		config = append(config, c.String())
	}
	for h := fencing.Silent; h <= fencing.BothWay; h++ {
		hearing = append(hearing, h.String())
	}
	for v := supervisor.Unknown; v <= supervisor.Failed; v++ {
		healths = append(healths, v.String())
	}
	for v := fencing.VerdictFree; v <= fencing.VerdictFailed; v++ {
		answers = append(answers, v.String())
	}
	for _, c := range []struct{ is, listed []string }{
		{proxy, proxyWords}, {config, proxyConfigWords}, {hearing, linkWords}, {healths, verdicts}, {answers, voterWords},
	} {
		if strings.Join(c.is, " ") != strings.Join(c.listed, " ") {
			t.Errorf("there are %v, listed are %v", c.is, c.listed)
		}
	}
}

// TestStrangersAddNoSeries: whoever sends refused adverts from many addresses is counted by the reason.
func TestStrangersAddNoSeries(t *testing.T) {
	r := RouterStatus{Name: "web"}
	for range 50 {
		r.Adverts.Refused = append(r.Adverts.Refused, RefusedStatus{Reason: "checksum", From: "10.0.0.9", Count: 2})
	}
	r.Adverts.Refused = append(r.Adverts.Refused, RefusedStatus{Reason: "ttl", From: "10.0.0.9", Count: 1})
	var p exposition.Page
	routersPage(&p, []RouterStatus{r}, time.Now())
	page := string(p.Bytes())
	if n := strings.Count(page, "\npairkeeper_router_adverts_refused_total{"); n != 2 || !strings.Contains(page, `{router="web",reason="checksum"} 100`) {
		t.Errorf("%d series:\n%s", n, page)
	}
	p = exposition.Page{}
	keepalivedPage(&p, &Status{Routers: []RouterStatus{r}})
	if !strings.Contains(string(p.Bytes()), `keepalived_ip_ttl_errors_total{iname="web",vrid="0"} 1`) {
		t.Errorf("%s", p.Bytes())
	}
}
