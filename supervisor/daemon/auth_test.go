package daemon_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// keyFile writes a key for auth_hmac of one letter, and returns its path.
func keyFile(t *testing.T, letter string) string {
	t.Helper()
	path := filepath.Join(shortDir(t), "key")
	if err := os.WriteFile(path, []byte(strings.Repeat(letter, 32)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// hmac is auth: of a mode with keys by their numbers, the first one signs.
func hmac(mode string, keys ...string) string {
	return "auth: {type: hmac, mode: " + mode + ", keys: [" + strings.Join(keys, ", ") + "]}"
}

func keyOf(id int, file string) string { return fmt.Sprintf("{id: %d, file: %s}", id, file) }

// refused is how many adverts of a router were refused, by reason.
func refused(r daemon.RouterStatus) map[string]uint64 {
	counts := map[string]uint64{}
	for _, x := range r.Adverts.Refused {
		counts[x.Reason] += x.Count
	}
	return counts
}

// moves counts the transitions of a node's first router, when the last one is in the log.
func (n *node) moves() int {
	n.Helper()
	var told []string
	n.await("its state in the log", func(r daemon.RouterStatus) bool {
		told = nil
		for line := range strings.Lines(n.log.String()) {
			if strings.Contains(line, " "+r.Name+": ") && strings.Contains(line, ") [") {
				told = append(told, line)
			}
		}
		return len(told) > 0 && strings.Contains(told[len(told)-1], " -> "+r.State+" (")
	})
	return len(told)
}

// reloads writes a configuration and has it read.
func (n *node) reloads(conf string) {
	n.Helper()
	n.write(conf)
	if a := n.reload(); a.Problem != "" {
		n.Fatal(a.Problem)
	}
}

// A wrong key makes two Active nodes, whatever one does: it has to be said why.
func TestAWrongKeyIsCountedShownWithItsRemedyAndSaidOnce(t *testing.T) {
	t.Parallel()
	one, other := keyFile(t, "k"), keyFile(t, "x")
	for name, c := range map[string][2][]string{
		"pass": {{"version: 2", "auth: {type: pass, password: right}"}, {"version: 2", "auth: {type: pass, password: wrong}"}},
		"ah":   {{"version: 2", "auth: {type: ah, password: right}"}, {"version: 2", "auth: {type: ah, password: wrong}"}},
		"hmac": {{hmac("enforce", keyOf(1, one))}, {hmac("enforce", keyOf(1, other))}},
		"id":   {{hmac("enforce", keyOf(1, one))}, {hmac("enforce", keyOf(2, one))}},
		"none": {{hmac("enforce", keyOf(1, one))}, {"preempt: true"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lab := netlab.New(t)
			a := start(t, lab.Host("lb01", "10.0.0.1/24"), "lb01", twoNodes+router("web", 50, "10.0.0.3/24", c[0]...))
			b := start(t, lab.Host("lb02", "10.0.0.2/24"), "lb02", twoNodes+router("web", 50, "10.0.0.3/24", c[1]...))
			a.is("ACTIVE")
			b.is("ACTIVE")
			for i, n := range []*node{a, b} {
				s := n.await("refused adverts", func(r daemon.RouterStatus) bool { return len(r.Adverts.Refused) > 0 && r.Adverts.Refused[0].Count > 1 })
				got := s.Adverts.Refused[0]
				if len(s.Adverts.Refused) != 1 || got.From != []string{"10.0.0.2", "10.0.0.1"}[i] || got.Remedy == "" {
					t.Errorf("%s shows %+v", n.host.Name, s.Adverts.Refused)
				}
				n.says("refused (" + got.Reason + ")")
				if lines := strings.Count(n.log.String(), " refused ("); lines != 1 {
					t.Errorf("%s said it %d times", n.host.Name, lines)
				}
			}
		})
	}
}

// Both nodes get the new key, then sign with it, then forget the old one.
func TestAKeyIsExchangedWithoutARefusedAdvertOrAMove(t *testing.T) {
	t.Parallel()
	before, after := keyOf(1, keyFile(t, "k")), keyOf(2, keyFile(t, "n"))
	conf := func(keys ...string) string {
		return twoNodes + router("web", 50, "10.0.0.3/24", hmac("enforce", keys...))
	}
	d := startDuo(t, conf(before))
	d.unmoved(t, func() {
		for _, keys := range [][]string{{before, after}, {after, before}, {after}} {
			for _, n := range d.nodes {
				n.reloads(conf(keys...))
				time.Sleep(700 * time.Millisecond) // a few adverts
			}
		}
	})
}

// unmoved wants no move and no refused advert from what is done.
func (d *duo) unmoved(t *testing.T, do func()) {
	t.Helper()
	d.answers(t, vip)
	moves := [2]int{d.nodes[0].moves(), d.nodes[1].moves()}
	do()
	heard := d.nodes[1].is("BACKUP").Adverts.Received
	d.nodes[1].await("more adverts", func(r daemon.RouterStatus) bool { return r.Adverts.Received > heard+3 })
	for i, n := range d.nodes {
		if n.moves() != moves[i] {
			t.Errorf("%s moved", n.host.Name)
		}
		if r := n.is([]string{"ACTIVE", "BACKUP"}[i]); len(r.Adverts.Refused) > 0 {
			t.Errorf("%s refused %+v", n.host.Name, r.Adverts.Refused)
		}
	}
}

func TestT55APairIsTakenToHMACByReloadsWithoutALostAdvert(t *testing.T) {
	t.Parallel()
	key := keyOf(1, keyFile(t, "k"))
	conf := func(more ...string) string { return twoNodes + router("web", 50, "10.0.0.3/24", more...) }
	d := startDuo(t, conf())
	d.unmoved(t, func() {
		for _, mode := range []string{"receive-only", "permissive", "enforce"} {
			for _, n := range d.nodes {
				n.reloads(conf(hmac(mode, key)))
				time.Sleep(700 * time.Millisecond)
			}
		}
	})
}

// What a restarted node says is newer than all that it said before.
func TestAnyNodeOfAnAuthenticatedPairCanBeRestarted(t *testing.T) {
	t.Parallel()
	key := keyOf(1, keyFile(t, "k"))
	for name, more := range map[string][]string{
		"hmac": {hmac("enforce", key)},
		"ah":   {"version: 2", "auth: {type: ah, password: secret}"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conf := twoNodes + router("web", 50, "10.0.0.3/24", more...)
			d := startDuo(t, conf)
			for range 2 {
				for i, n := range d.nodes {
					n.stop()
					d.nodes[1-i].is("ACTIVE")
					d.nodes[i] = start(t, n.host, n.host.Name, conf)
					d.nodes[0].is("ACTIVE")
					d.nodes[1].is("BACKUP")
				}
			}
			for _, n := range d.nodes {
				if r := refused(n.await("a status", func(daemon.RouterStatus) bool { return true })); len(r) > 0 {
					t.Errorf("%s refused %v", n.host.Name, r)
				}
			}
		})
	}
}

// The peer believes the priority 0 of a cleanup that follows at once on the death.
func TestACleanupIsBelievedByAnAuthenticatedPeer(t *testing.T) {
	t.Parallel()
	key := keyOf(1, keyFile(t, "k"))
	for name, more := range map[string][]string{
		"hmac": {hmac("enforce", key)},
		"ah":   {"version: 2", "auth: {type: ah, password: secret}"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := startDuo(t, twoNodes+router("web", 50, "10.0.0.3/24", more...))
			d.nodes[1].await("hears the peer", func(r daemon.RouterStatus) bool { return r.Adverts.Received > 1 })
			d.nodes[0].kill()
			if err := d.nodes[0].cleanup("lb01"); err != nil {
				t.Error(err)
			}
			d.nodes[1].says("BACKUP -> ACTIVE (peer-released)")
		})
	}
}

// A stranger plays back what the dead node said.
func TestRecordedAdvertsArePlayedBackInVain(t *testing.T) {
	t.Parallel()
	key := keyOf(1, keyFile(t, "k"))
	d := startDuo(t, twoNodes+router("web", 50, "10.0.0.3/24", hmac("enforce", key)))
	wire := d.lab.Capture()
	recorded := wire.Wait(10, soon, advert(50, 150))
	d.nodes[0].kill()
	d.nodes[1].is("ACTIVE")
	recorded = append(recorded, wire.Frames(advert(50, 150))...)
	moves := d.nodes[1].moves()
	for range 3 {
		inject(t, d.client, recorded)
		time.Sleep(300 * time.Millisecond)
	}
	r := d.nodes[1].await("replays", func(r daemon.RouterStatus) bool {
		return refused(r)["replay"]+refused(r)["stale"] >= uint64(len(recorded))
	})
	if r.State != "ACTIVE" || d.nodes[1].moves() != moves {
		t.Errorf("the node moved: %+v", r)
	}
}

// inject sends frames as they are.
func inject(t *testing.T, from *netlab.Host, frames []netlab.Frame) {
	t.Helper()
	from.Do(func() {
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Error(err)
			return
		}
		defer unix.Close(fd)
		iface, err := net.InterfaceByName("eth0")
		if err != nil {
			t.Error(err)
			return
		}
		for _, f := range frames {
			if err := unix.Sendto(fd, f.Data, 0, &unix.SockaddrLinklayer{Ifindex: iface.Index}); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestSecretsAreNeitherInTheLogNorInTheStatus(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		secret string
		more   []string
	}{
		"pass": {"s3cr3tpw", []string{"version: 2", "auth: {type: pass, password: s3cr3tpw}"}},
		"ah":   {"s3cr3tpw", []string{"version: 2", "auth: {type: ah, password: s3cr3tpw}"}},
		"hmac": {strings.Repeat("Q", 32), []string{hmac("enforce", keyOf(1, keyFile(t, "Q")))}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := netlab.New(t).Host("lb01", "10.0.0.1/24")
			conf := twoNodes + router("web", 50, "10.0.0.3/24", c.more...)
			n := start(t, h, "lb01", conf)
			n.is("ACTIVE")
			n.reloads(strings.Replace(conf, "{type", "{  type", 1) + router("more", 51, "10.0.0.4/24", c.more...))
			n.reloads(strings.NewReplacer(c.secret, "another!").Replace(conf))
			client := &http.Client{Transport: &http.Transport{
				DisableKeepAlives: true,
				Dial:              func(string, string) (net.Conn, error) { return net.Dial("unix", n.socket) },
			}}
			answer, err := client.Get("http://x/v1/status")
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			body, _ := io.ReadAll(answer.Body)
			if len(body) < 100 {
				t.Fatalf("status %q", body)
			}
			for where, text := range map[string]string{"log": n.log.String(), "status": string(body)} {
				if strings.Contains(text, c.secret) || strings.Contains(text, "another!") {
					t.Errorf("in the %s:\n%s", where, text)
				}
			}
		})
	}
}
