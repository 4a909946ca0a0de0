package hosts

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/hostlab"
	"github.com/pairkeeper/pairkeeper/internal/mishap"
	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

// sharedDisk is a file system on a loop device that hosts mount at /srv/shared: one superblock,
// as both are on one kernel.
type sharedDisk struct {
	t      *testing.T
	device string
	frozen bool
}

// newSharedDisk makes it; before the lab, so that the hosts end first.
func newSharedDisk(t *testing.T) *sharedDisk {
	t.Helper()
	image := filepath.Join(t.TempDir(), "disk")
	d := &sharedDisk{t: t}
	d.run("truncate", "-s", "16M", image)
	d.run("mkfs.ext4", "-q", "-O", "^has_journal", "-m", "0", image)
	d.device = d.run("losetup", "--find", "--show", image)
	t.Cleanup(func() { d.run("losetup", "--detach", d.device) })
	return d
}

func (d *sharedDisk) run(args ...string) string {
	d.t.Helper()
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	if err != nil {
		d.t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// mountAt mounts it in a host, now and at every boot, before the daemon starts.
func (d *sharedDisk) mountAt(h *hostlab.Host) {
	d.t.Helper()
	var st unix.Stat_t
	if err := unix.Stat(d.device, &st); err != nil {
		d.t.Fatal(err)
	}
	h.Write(d.t, "/etc/systemd/system/shared-disk.service", fmt.Sprintf(`[Unit]
Before=pairkeeper.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -ec 'mknod -m 600 /dev/shared b %d %d; mkdir -p /srv/shared; mount /dev/shared /srv/shared'
[Install]
WantedBy=multi-user.target
`, unix.Major(st.Rdev), unix.Minor(st.Rdev)), 0o644)
	h.Run(d.t, "systemctl", "enable", "--now", "shared-disk.service")
}

// hang has every write wait; thaw lets them go on.
func (d *sharedDisk) hang(h *hostlab.Host) {
	d.t.Helper()
	d.frozen = true
	d.t.Cleanup(func() { d.thaw(h) }) // else the host cannot end
	h.Run(d.t, "fsfreeze", "-f", "/srv/shared")
}

func (d *sharedDisk) thaw(h *hostlab.Host) {
	d.t.Helper()
	if d.frozen {
		h.Run(d.t, "fsfreeze", "-u", "/srv/shared")
		d.frozen = false
	}
}

// sent is how many adverts a host has sent.
func (p *pair) sent(h *hostlab.Host) uint64 {
	p.t.Helper()
	s, err := p.status(h)
	if err != nil {
		p.t.Fatal(err)
	}
	return s.Routers[0].Adverts.Sent
}

func TestWithADiskTwoNeverHold(t *testing.T) {
	netlab.Need(t, "nginx", "haproxy", "systemctl", "mkfs.ext4", "losetup", "fsfreeze")
	disk := newSharedDisk(t)
	lab := hostlab.New(t, "lb01", "lb02")
	for _, h := range lab.Hosts() {
		disk.mountAt(h)
	}
	// It is full from the start: the heartbeat alone decides.
	lab.Host("lb01").Run(t, "sh", "-c", "truncate -s 1M /srv/shared/lease; for i in 1 2 3; do dd if=/dev/zero of=/srv/shared/full.$i bs=1k; sync; done")
	p := newReferredPairIn(t, lab, "  disk: /srv/shared/lease\n")
	p.holds("the disk is full", 2*time.Second)
	p.wantJournalSoon(p.a, "disk /srv/shared/lease: write /srv/shared/lease: no space left on device (voter-mute)")
	p.a.Run(t, "sh", "-c", "rm /srv/shared/full.*")
	p.wantJournalSoon(p.a, "disk /srv/shared/lease answers again (voter-back)")

	p.endureCutoffs()

	// It hangs: the loop does not, and the adverts keep time.
	disk.hang(p.a)
	before, begun := p.sent(p.a), time.Now()
	p.holds("the disk hangs", 4*time.Second)
	due := uint64(time.Since(begun) / (200 * time.Millisecond))
	if n := p.sent(p.a) - before; n < due*9/10 {
		t.Errorf("%d adverts were sent while the disk hung, %d were due", n, due)
	}
	p.wantJournalSoon(p.a, "disk /srv/shared/lease: no answer (voter-mute)")

	// Now the vote is needed: nobody holds, until the two hear each other again.
	stage := mishap.Stage{T: t, Lab: lab, A: p.a, B: p.b, Unit: "pairkeeper.service"}
	p.mark()
	cut := time.Now()
	parted(stage)
	for len(lab.Holders(t, vip)) > 0 {
		if time.Since(cut) > soon {
			t.Fatal("it is held, though there is no vote")
		}
	}
	t.Logf("released %s after the cut", time.Since(cut).Round(time.Millisecond))
	if d := time.Since(cut); d > failed {
		t.Errorf("released %s after the cut, at the most %s", d, failed)
	}
	p.neverTwo()
	p.nobody("the disk hangs, everything between the two is cut", 0, 2*time.Second)
	p.wantJournal(p.a, "ACTIVE -> BACKUP (vote-expired)")
	p.wantExplained(p.b, "there is no vote that would let this one take the addresses", "disk /srv/shared/lease")
	p.mark()
	stage.Open()
	p.client.WaitFor(t, "lb01", soon)
	disk.thaw(p.a)
	p.wantJournalSoon(p.a, "disk /srv/shared/lease answers again (voter-back)")
	p.calm()
	p.neverTwo()
}

// parted cuts everything between the two; both reach everybody else.
func parted(s mishap.Stage) {
	for _, m := range mishap.All() {
		if m.Name == "all" {
			m.Begin(s)
		}
	}
}
