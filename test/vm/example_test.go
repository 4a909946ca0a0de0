//go:build linux

package vm

import (
	"bytes"
	"io"
	"net"
	"net/netip"
	"path/filepath"
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

// download begins to read a large file; the rest is read by what it returns.
func (e *example) download() (rest func()) {
	e.Helper()
	for i := range e.roots {
		e.write(filepath.Join(e.roots[i], "large"), strings.Repeat("x", downloadSize))
	}
	var conn net.Conn
	e.client.Do(func() {
		var err error
		if conn, err = net.DialTimeout("tcp", exampleService, soon); err != nil {
			e.Fatal(err)
		}
	})
	e.Cleanup(func() { _ = conn.Close() })
	if err := conn.(*net.TCPConn).SetReadBuffer(32 << 10); err != nil {
		e.Fatal(err)
	}
	begun := make([]byte, 256<<10)
	_, err := conn.Write([]byte("GET /large HTTP/1.0\r\n\r\n"))
	if err == nil {
		_, err = io.ReadFull(conn, begun)
	}
	if err != nil {
		e.Fatal(err)
	}
	return func() {
		e.Helper()
		if err := conn.SetDeadline(time.Now().Add(soon)); err != nil {
			e.Fatal(err)
		}
		text, err := io.ReadAll(conn)
		text = append(begun, text...)
		if _, body, _ := bytes.Cut(text, []byte("\r\n\r\n")); err != nil || len(body) != downloadSize {
			e.Errorf("the download ended with %d bytes of %d, %v", len(body), downloadSize, err)
		}
	}
}

// Direct routing. A download goes on when its director dies: the other one knows of it.
func TestTheExampleOfDirectRouting(t *testing.T) {
	e := newExample(t, "lvs-dr")
	wire := e.front.Capture()
	e.run()
	e.live(func(failover func()) {
		rest := e.download()
		client := e.client.Name
		e.await("lb02 knows of the download of "+client, func() bool {
			return strings.Contains(e.directors[1].host.Run("ipvsadm", "-Lnc"), "ESTABLISHED")
		})
		failover()
		rest()
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
