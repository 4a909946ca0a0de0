//go:build linux

package vm

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/internal/testbin"
	"github.com/pairkeeper/pairkeeper/internal/vmlab"
)

// The addresses of a site.
const (
	vip     = "192.0.2.100" // the virtual service's, which the Active director has
	inner   = "10.0.0.1"    // the real servers' gateway behind a director that translates
	service = vip + ":80"
)

// soon is generous: the host of the machine may be busy.
const soon = 2 * time.Minute

// site is what LVS is about: clients, two directors, two real servers with nginx that
// answer with their names, "rs1" and "rs2".
//
// Nobody has the addresses vip and inner at first, and the directors' tables are empty.
type site struct {
	*testing.T
	client    *netlab.Host
	directors [2]*netlab.Host
	servers   [2]*netlab.Host
	nginx     [2]*exec.Cmd // of the servers
}

// newTranslatedSite is a site for NAT: the real servers are behind the directors, in a
// network of their own, and send what they answer to inner.
//
//	client 192.0.2.9 ── front ──┬── eth0 .11  dir1  eth1 10.0.0.11 ──┬── back ──┬── rs1 10.0.0.21
//	                            └── eth0 .12  dir2  eth1 10.0.0.12 ──┘          └── rs2 10.0.0.22
func newTranslatedSite(t *testing.T) *site {
	t.Helper()
	s, front := newSite(t)
	back := netlab.New(t)
	for i, d := range s.directors {
		d.PlugInto(back, "eth1", fmt.Sprintf("10.0.0.%d/24", 11+i))
	}
	for i := range s.servers {
		s.servers[i] = back.Host(fmt.Sprintf("rs%d", i+1), fmt.Sprintf("10.0.0.%d/24", 21+i))
		s.servers[i].Run("ip", "route", "add", "default", "via", inner)
	}
	s.client = front.Host("client", "192.0.2.9/24")
	s.serve()
	return s
}

// newRoutedSite is a site for direct routing: all hosts are in one network, and the real
// servers have the virtual address, but do not answer when somebody asks for it by ARP.
//
//	client 192.0.2.9 ──┬── dir1 .11 ── dir2 .12 ──┬── rs1 .21
//	                   └──────────────────────────┴── rs2 .22
func newRoutedSite(t *testing.T) *site {
	t.Helper()
	s, front := newSite(t)
	for i := range s.servers {
		h := front.Host(fmt.Sprintf("rs%d", i+1), fmt.Sprintf("192.0.2.%d/24", 21+i))
		h.Sysctl("net/ipv4/conf/all/arp_ignore", "1")
		h.Sysctl("net/ipv4/conf/all/arp_announce", "2")
		h.Run("ip", "address", "add", vip+"/32", "dev", "lo")
		s.servers[i] = h
	}
	s.client = front.Host("client", "192.0.2.9/24")
	s.serve()
	return s
}

// newSite is a site with its directors alone.
func newSite(t *testing.T) (s *site, front *netlab.Lab) {
	t.Helper()
	vmlab.Need(t)
	netlab.Need(t, "nginx", "ip")
	s, front = &site{T: t}, netlab.New(t)
	for i := range s.directors {
		d := front.Host(fmt.Sprintf("dir%d", i+1), fmt.Sprintf("192.0.2.%d/24", 11+i))
		d.Sysctl("net/ipv4/ip_forward", "1")
		for _, name := range []string{"all", "default", "eth0"} {
			d.Sysctl("net/ipv4/conf/"+name+"/send_redirects", "0")
		}
		s.directors[i] = d
	}
	return s, front
}

// serve starts nginx on the real servers.
func (s *site) serve() {
	s.Helper()
	for i, h := range s.servers {
		s.nginx[i] = startNginx(s.T, h)
	}
}

// nginxConf is one process, so that killing it takes it away.
const nginxConf = `daemon off;
master_process off;
pid nginx.pid;
error_log stderr;
events { worker_connections 256; }
http {
	access_log off;
	server {
		listen %[2]d default_server;
		default_type text/plain;
		location / { return 200 "%[1]s"; }
	}
}
`

// startNginx starts nginx on a host and waits until it answers with the host's name.
func startNginx(t *testing.T, h *netlab.Host) *exec.Cmd { return startNginxOn(t, h, 80) }

// startNginxOn is startNginx with a port, on all addresses.
func startNginxOn(t *testing.T, h *netlab.Host, port int) *exec.Cmd {
	t.Helper()
	dir := t.TempDir()
	conf := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, nginxConf, h.Name, port), 0o644); err != nil {
		t.Fatal(err)
	}
	var said testbin.Output
	cmd := exec.Command("nginx", "-p", dir, "-e", "stderr", "-c", conf)
	cmd.Stdout, cmd.Stderr = &said, &said
	h.Start(cmd)
	for end := time.Now().Add(soon); ; time.Sleep(20 * time.Millisecond) {
		body, err := get(h, fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil && body == h.Name {
			return cmd
		}
		if time.Now().After(end) {
			t.Fatalf("%s: nginx does not answer: %q, %v; it wrote:\n%s", h.Name, body, err, &said)
		}
	}
}

// lead gives a director the virtual address, and the inner one where it translates.
func (s *site) lead(d *netlab.Host) {
	s.Helper()
	d.Run("ip", "address", "add", vip+"/32", "dev", "eth0")
	if _, err := d.Try("ip", "link", "show", "eth1"); err == nil {
		d.Run("ip", "address", "add", inner+"/24", "dev", "eth1")
	}
}

// ask asks the virtual service so many times, each time over a new connection, and
// returns who answered.
func (s *site) ask(times int) []string {
	s.Helper()
	var names []string
	for range times {
		name, err := get(s.client, service)
		if err != nil {
			s.Fatalf("after %v: %v", names, err)
		}
		names = append(names, name)
	}
	return names
}

// connect opens a connection, where that can be had in a short time.
func connect(from *netlab.Host, address string) (err error) {
	var c net.Conn
	if from.Do(func() { c, err = net.DialTimeout("tcp", address, 2*time.Second) }); err == nil {
		err = c.Close()
	}
	return err
}

// get asks http://address/ once from a host, over a new connection.
func get(from *netlab.Host, address string) (body string, err error) {
	dial := func(ctx context.Context, network, address string) (c net.Conn, err error) {
		from.Do(func() { c, err = new(net.Dialer).DialContext(ctx, network, address) })
		return c, err
	}
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
	resp, err := client.Get("http://" + address + "/")
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %s", resp.Status)
	}
	return strings.TrimSpace(string(b)), err
}
