package daemon_test

import (
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

func TestALoneNodeHoldsTheAddressOnALease(t *testing.T) {
	t.Parallel()
	h := netlab.New(t).Host("lb01", "10.0.0.1/24")
	n := start(t, h, "lb01", pair)
	s := n.is("ACTIVE")
	n.holds(true)
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if left := lifetime(h, "eth0", vip); left < 1 || left > 3 {
			t.Fatalf("the address has a lifetime of %d s, want 1..3, again and again", left)
		}
	}
	if now := n.is("ACTIVE"); !now.Held || now.Since.Sub(s.Since).Abs() > time.Second || now.Adverts.SendErrors > 0 {
		t.Errorf("status %+v, was %+v", now, s)
	}
	n.stop()
	if left := lifetime(h, "eth0", vip); left != 0 {
		t.Errorf("stopped in order, the address was left for %d s", left)
	}
	n.says("ACTIVE -> INIT (stopping) [STOP]")
}

func TestAKilledDaemonsAddressEndsByItself(t *testing.T) {
	t.Parallel()
	h := netlab.New(t).Host("lb01", "10.0.0.1/24")
	n := start(t, h, "lb01", pair)
	n.is("ACTIVE")
	n.holds(true)
	_ = n.cmd.Process.Kill()
	n.wait()
	killed := time.Now()
	n.holds(false)
	t.Logf("gone %s after the kill", time.Since(killed).Round(time.Millisecond))
}

func TestAnInterfaceThatIsNotThereIsAwaited(t *testing.T) {
	t.Parallel()
	h := netlab.New(t).Host("lb01")
	n := start(t, h, "lb01", pair)
	if s := n.isOut("link-missing"); s.Detail != "interface eth0 does not exist: waiting for it" {
		t.Errorf("detail %q", s.Detail)
	}
	h.Plug("eth0", "10.0.0.1/24")
	n.is("ACTIVE")
	n.holds(true)
}

func TestAnInterfaceMadeAnewIsTakenUpAgain(t *testing.T) {
	t.Parallel()
	lab := netlab.New(t)
	h := lab.Host("lb01", "10.0.0.1/24")
	n := start(t, h, "lb01", pair)
	n.is("ACTIVE")
	n.holds(true)
	h.Run("ip", "link", "delete", "eth0")
	n.isOut("link-missing")
	wire := lab.Capture()
	again := h.Plug("eth0", "10.0.0.1/24")
	n.is("ACTIVE")
	n.holds(true)
	fromAgain := func(f netlab.Frame) bool { return advert(50, 150)(f) && f.Source().String() == again.MAC.String() }
	if len(wire.Wait(3, soon, fromAgain)) < 3 {
		t.Error("no adverts from the new interface")
	}
}

// The neighbours know the address under the old MAC address until they are told.
func TestAnotherMACAddressIsAnnounced(t *testing.T) {
	t.Parallel()
	lab := netlab.New(t)
	h := lab.Host("lb01", "10.0.0.1/24")
	n := start(t, h, "lb01", pair+"    garp: {again: 0, refresh: 0}\n")
	n.is("ACTIVE")
	n.holds(true)
	wire := lab.Capture()
	mac := net.HardwareAddr{2, 0, 0, 0, 0, 0x99}
	h.Run("ip", "link", "set", "dev", "eth0", "address", mac.String())
	announces := func(f netlab.Frame) bool {
		return f.IsARP() && f.Source().String() == mac.String() && net.IP(f.Payload()[14:18]).String() == vip
	}
	if len(wire.Wait(1, soon, announces)) == 0 {
		t.Errorf("%s was not announced under %s", vip, mac)
	}
	fromNew := func(f netlab.Frame) bool { return advert(50, 150)(f) && f.Source().String() == mac.String() }
	if len(wire.Wait(1, soon, fromNew)) == 0 {
		t.Error("no adverts under the new MAC address")
	}
	n.is("ACTIVE")
}

func TestAnAddressRemovedByHandComesBackAndIsReported(t *testing.T) {
	t.Parallel()
	h := netlab.New(t).Host("lb01", "10.0.0.1/24")
	n := start(t, h, "lb01", pair+"    garp: {again: 0, refresh: 0}\n")
	n.is("ACTIVE")
	n.holds(true)
	h.Run("ip", "address", "del", vip+"/24", "dev", "eth0")
	removed := time.Now()
	n.holds(true)
	t.Logf("back within %s", time.Since(removed).Round(time.Millisecond))
	n.says("(address-vanished)")
	if s := n.is("ACTIVE"); len(s.Remarks) == 0 || s.Remarks[0].Reason != "address-vanished" {
		t.Errorf("status does not show it: %+v", s.Remarks)
	}
}

func TestAnAddressAddedByHandOnABackupIsRemovedAndReported(t *testing.T) {
	t.Parallel()
	lab := netlab.New(t)
	a, b := lab.Host("lb01", "10.0.0.1/24"), lab.Host("lb02", "10.0.0.2/24")
	first := start(t, a, "lb01", pair)
	first.is("ACTIVE")
	second := start(t, b, "lb02", pair)
	second.is("BACKUP")
	b.Run("ip", "address", "add", vip+"/24", "dev", "eth0")
	second.holds(false)
	second.says("(address-found)")
	first.is("ACTIVE")
}

func TestAnAddressLeftForEverIsTakenOverWithALease(t *testing.T) {
	t.Parallel()
	h := netlab.New(t).Host("lb01", "10.0.0.1/24")
	h.Run("ip", "address", "add", vip+"/24", "dev", "eth0")
	n := start(t, h, "lb01", pair)
	n.says("(address-found)")
	n.is("ACTIVE")
	n.until("a lease", func() bool { return lifetime(h, "eth0", vip) > 0 })
}

// Two hosts with one address: Linux shows no packet that claims to come from an own
// address, unless accept_local is set; the announcements are heard all the same.
func TestTheSameNodeTwiceIsReported(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ local, reason, detail string }{
		"by the announcements":   {"0", "address-claimed", "announces an address that is held here"},
		"by the adverts as well": {"1", "own-advert", "10.0.0.1 is used twice"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lab := netlab.New(t)
			a, b := lab.Host("a", "10.0.0.1/24"), lab.Host("b", "10.0.0.1/24")
			b.Sysctl("net/ipv4/conf/eth0/accept_local", c.local)
			start(t, a, "lb01", pair).is("ACTIVE")
			n := start(t, b, "lb01", pair)
			n.await(c.reason, func(r daemon.RouterStatus) bool {
				return slices.ContainsFunc(r.Remarks, func(m daemon.RemarkStatus) bool {
					return m.Reason == c.reason && strings.Contains(m.Detail, c.detail)
				})
			})
			n.says("(" + c.reason + ")")
		})
	}
}

func TestASecondDaemonOnTheSameRouterStandsBehind(t *testing.T) {
	t.Parallel()
	h := netlab.New(t).Host("lb01", "10.0.0.1/24")
	first := start(t, h, "lb01", pair)
	first.is("ACTIVE")
	second := start(t, h, "lb01", pair)
	if s := second.isOut("barred"); !strings.Contains(s.Detail, "another pairkeeper on this host runs virtual router 50: stop it") {
		t.Errorf("detail %q", s.Detail)
	}
	first.is("ACTIVE")
	first.holds(true)
	first.stop()
	second.is("ACTIVE")
	second.holds(true)
}

// Ten thousand packets of noise over two seconds change nothing, and are counted.
func TestGarbageChangesNothing(t *testing.T) {
	t.Parallel()
	lab := netlab.New(t)
	a, b, noise := lab.Host("lb01", "10.0.0.1/24"), lab.Host("lb02", "10.0.0.2/24"), lab.Host("noise", "10.0.0.9/24")
	first := start(t, a, "lb01", pair)
	before := first.is("ACTIVE")
	second := start(t, b, "lb02", pair)
	backup := second.is("BACKUP")
	rnd := rand.New(rand.NewPCG(1, 2))
	noise.Do(func() {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 112)
		if err != nil {
			t.Error(err)
			return
		}
		defer unix.Close(fd)
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_TTL, 255)
		if err := unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_IF, &unix.IPMreqn{Ifindex: int32(noise.Cable("eth0").Index)}); err != nil {
			t.Error(err)
			return
		}
		for range 20 {
			for range 500 {
				msg := make([]byte, rnd.IntN(60))
				for i := range msg {
					msg[i] = byte(rnd.Uint32())
				}
				if len(msg) > 2 && rnd.IntN(4) > 0 { // as good as it gets without being one
					msg[0], msg[1], msg[2] = 0x31, 50, byte(rnd.IntN(256))
				}
				_ = unix.Sendto(fd, msg, 0, &unix.SockaddrInet4{Addr: [4]byte{224, 0, 0, 18}})
			}
			time.Sleep(100 * time.Millisecond)
		}
	})
	time.Sleep(time.Second)
	if s := first.is("ACTIVE"); s.Since.Sub(before.Since).Abs() > time.Second {
		t.Errorf("the active one left and came back: %+v, was %+v\n%s", s, before, first.log.String())
	}
	s := second.is("BACKUP")
	if s.Since.Sub(backup.Since).Abs() > time.Second {
		t.Errorf("the backup took over in between:\n%s", second.log.String())
	}
	refused := uint64(0)
	for _, r := range s.Adverts.Refused {
		refused += r.Count
	}
	if refused < 5000 {
		t.Errorf("%d refused packets counted: %+v", refused, s.Adverts.Refused)
	}
	if lines := strings.Count(second.log.String(), "refused ("); lines == 0 || lines > 20 {
		t.Errorf("%d lines in the log of noise, want few", lines)
	}
}

func TestARefusedAddressIsAFaultWithItsReason(t *testing.T) {
	t.Parallel()
	netlab.Need(t, "setpriv")
	h := netlab.New(t).Host("lb01", "10.0.0.1/24")
	n := start(t, h, "lb01", pair, "setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin")
	s := n.isOut("vip-failed")
	for _, want := range []string{"putting 10.0.0.3/24 on eth0", "CAP_NET_ADMIN is missing"} {
		if !strings.Contains(s.Detail, want) {
			t.Errorf("detail %q does not say %q", s.Detail, want)
		}
	}
	n.says("ACTIVE -> FAULT (vip-failed)", "FAULT -> BACKUP") // and tries again
}

// The log and the control socket lie on a full file system; the address is served.
func TestAFullDiskChangesNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		mount  string
		socket bool
	}{
		"blocks": {"size=64k", true},
		"inodes": {"size=64k,nr_inodes=2", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := netlab.New(t).Host("lb01", "10.0.0.1/24")
			dir := shortDir(t)
			fill := `mount -t tmpfs -o ` + c.mount + ` none ` + dir + ` && cd ` + dir + ` && { cat /dev/zero >log 2>/dev/null; exec env ` +
				asSocket + `=` + dir + `/sock "$0" 2>>log; }`
			n := start(t, h, "lb01", pair, "sh", "-c", fill)
			n.holds(true)
			time.Sleep(2500 * time.Millisecond) // longer than any lease
			n.holds(true)
			var s daemon.Status
			_, err := ask("/proc/"+strconv.Itoa(n.cmd.Process.Pid)+"/root"+dir+"/sock", "GET", "/v1/status", &s)
			if c.socket != (err == nil) {
				t.Errorf("asking: %v", err)
			}
			n.stop()
			if lifetime(h, "eth0", vip) != 0 {
				t.Error("the address was left")
			}
		})
	}
}
