//go:build linux

package interop

import (
	"net/netip"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

// aSecond is how soon the winner announces itself after a heal: a second by default, and
// one more for a busy machine.
const aSecond = 2 * time.Second

// TestT61WinnerAnnouncesItselfThoughTheLoserWasNotHeard: keepalived hears us first and
// yields without a word, which a filter on its host makes sure of. Without the second
// burst, which might come by chance, only what is announced all the time helps.
func TestT61WinnerAnnouncesItselfThoughTheLoserWasNotHeard(t *testing.T) {
	t.Parallel()
	for _, p := range []protocol{v3, v3ipv6, v3.withVirtualMAC()} {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			d := row{protocol: p, ours: "garp: {again: 0}"}.pairkeeperBetter(t)
			d.cutApart()
			silence(d.ka, "")
			d.heal(aSecond)
			if s, err := d.pk.pairkeeper().Status(); err != nil || s.Routers[0].Adverts.Received > 0 {
				t.Errorf("pairkeeper heard the loser: %+v, %v", s.Routers, err)
			}
		})
	}
}

// TestT61WinnerAnnouncesItselfWhenTheLoserWasHeard, at once.
func TestT61WinnerAnnouncesItselfWhenTheLoserWasHeard(t *testing.T) {
	t.Parallel()
	for name, theirs := range map[string]string{
		"by its last advert": "higher_prio_send_advert true",
		"or not":             "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := row{protocol: v3, theirs: theirs}.pairkeeperBetter(t)
			d.cutApart()
			d.heal(aSecond)
		})
	}
}

// TestT39AnnouncementsAsReplies: for neighbours that learn from ARP replies only.
func TestT39AnnouncementsAsReplies(t *testing.T) {
	t.Parallel()
	for reply, want := range map[string][2]bool{"true": {true, true}, "false": {true, false}} {
		t.Run(reply, func(t *testing.T) {
			t.Parallel()
			d := row{protocol: v3, ours: "garp: {burst: 5, again: 5s, refresh: 1s, reply: " + reply + "}"}.pairkeeperBetter(t)
			d.pk.up(t)
			d.pk.isActive(t)
			d.wire.Wait(10, aSecond, d.announcements(d.pk, d.begun))
			form := func(operation byte) bool {
				return len(d.wire.Frames(func(f netlab.Frame) bool {
					return isAnnouncement(f, netip.MustParseAddr(vip)) && f.Payload()[7] == operation
				})) > 0
			}
			if got := [2]bool{form(1), form(2)}; got != want {
				t.Errorf("requests and replies: %v, want %v", got, want)
			}
		})
	}
}
