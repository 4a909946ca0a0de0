//go:build linux

package vm

import (
	"bytes"
	"io"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/hostlab"
	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

const protocolICMP = 1

// redirects are the frames that tell a host of a shorter way (ICMP type 5).
func redirects(c *netlab.Capture) int {
	return len(c.Frames(func(f netlab.Frame) bool {
		if !f.IsIPv4(protocolICMP) {
			return false
		}
		p := f.Payload()
		head := int(p[0]&0xf) * 4
		return len(p) > head && p[head] == 5
	}))
}

// live is what the README promises, seen by a client that asks all the time: a server dies,
// and then a director.
func (e *example) live(alongside func(failover func())) {
	e.Helper()
	client := hostlab.NewClientIn(e.client, netip.MustParseAddrPort(exampleService), 100*time.Millisecond)
	defer client.Stop()
	client.WaitFor(e.T, "web1", soon)
	client.WaitFor(e.T, "web2", soon)

	took := e.serverDies(1)
	time.Sleep(time.Second) // requests of before have ended
	client.Mark()
	client.WaitForAnswer(e.T, soon)
	time.Sleep(2 * time.Second)
	after := client.Outage()
	e.Logf("web2 died, was out after %v, and then: %v, %v", took.Round(10*time.Millisecond), client.Hosts(), after)
	if after.Failed > 0 || after.Answered == 0 {
		e.Errorf("when the dead server was out: %v", after)
	}
	e.startNginx(1)
	client.WaitFor(e.T, "web2", soon)

	alongside(func() {
		client.Mark()
		e.directorDies(0)
		e.directors[1].has(" -w 1", "")
		client.WaitForAnswer(e.T, soon)
		time.Sleep(time.Second)
		client.Stop()
		outage := client.Outage()
		e.Log("lb01 died:", outage)
		if outage.Failed == 0 {
			e.Error("the client did not see that a director died")
		}
	})
}

// downloadSize is more than what lies in buffers between a server and a client that does not read.
const downloadSize = 8 << 20

// download is a large file that a client reads slowly.
type download struct {
	*example
	conn net.Conn
	text []byte
}

func (e *example) download() *download {
	e.Helper()
	for i := range e.roots {
		e.write(filepath.Join(e.roots[i], "large"), strings.Repeat("x", downloadSize))
	}
	d := &download{example: e}
	e.client.Do(func() {
		var err error
		if d.conn, err = net.DialTimeout("tcp", exampleService, soon); err != nil {
			e.Fatal(err)
		}
	})
	e.Cleanup(func() { _ = d.conn.Close() })
	err := d.conn.(*net.TCPConn).SetReadBuffer(32 << 10)
	if err == nil {
		_, err = d.conn.Write([]byte("GET /large HTTP/1.0\r\n\r\n"))
	}
	if err != nil {
		e.Fatal(err)
	}
	return d
}

// more reads a little: the director sees a packet of the client, and tells the other one of the
// connection with the third one, and every fiftieth.
func (d *download) more() {
	d.Helper()
	some := make([]byte, 16<<10)
	if len(d.text) > downloadSize/2 {
		return
	}
	if _, err := io.ReadFull(d.conn, some); err != nil {
		d.Fatal(err)
	}
	d.text = append(d.text, some...)
}

// rest reads what is left.
func (d *download) rest() {
	d.Helper()
	if err := d.conn.SetDeadline(time.Now().Add(soon)); err != nil {
		d.Fatal(err)
	}
	text, err := io.ReadAll(d.conn)
	if _, body, _ := bytes.Cut(append(d.text, text...), []byte("\r\n\r\n")); err != nil || len(text) == 0 || len(body) != downloadSize {
		d.Errorf("the download ended with %d bytes of %d, %v", len(body), downloadSize, err)
	}
}

// Direct routing. A download goes on when its director dies: the other one knows of it.
func TestTheExampleOfDirectRouting(t *testing.T) {
	e := newExample(t, "lvs-dr")
	wire := e.front.Capture()
	e.run()
	e.live(func(failover func()) {
		d := e.download()
		local := "10.0.0.9:" + strconv.Itoa(d.conn.LocalAddr().(*net.TCPAddr).Port)
		begun := time.Now()
		e.await("lb02 knows of the download", func() bool {
			d.more()
			return strings.Contains(e.directors[1].host.Run("ipvsadm", "-Lnc"), local)
		})
		e.Logf("lb02 knew of the download after %v and %d bytes", time.Since(begun).Round(10*time.Millisecond), len(d.text))
		failover()
		begun = time.Now()
		d.rest()
		e.Logf("and %v later it was done", time.Since(begun).Round(10*time.Millisecond))
	})
	if n := redirects(wire); n > 0 {
		t.Errorf("%d redirects: docs/ipvs.md says that direct routing causes none", n)
	}
}

func TestTheExampleOfNAT(t *testing.T) {
	e := newExample(t, "lvs-nat")
	e.run()
	e.live(func(failover func()) { failover() })
}

const guide = "../../docs/ipvs.md"

func TestTheGuideShowsOnlyCommandsOfTheExamples(t *testing.T) {
	run := map[string]bool{}
	for _, folder := range []string{"lvs-dr", "lvs-nat"} {
		for _, b := range blocksOf(t, filepath.Join(examplesFolder, folder, "README.md")) {
			for line := range strings.Lines(b.commands) {
				run[b.where+": "+line] = true
			}
		}
	}
	for _, b := range blocksOf(t, guide) {
		for line := range strings.Lines(b.commands) {
			if !run[b.where+": "+line] {
				t.Errorf("no test runs on %s: %s", b.where, line)
			}
		}
	}
}
