//go:build linux

package proxynet

import (
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

func TestBindFailuresOfNginxAndHAProxyAreRead(t *testing.T) {
	for said, want := range map[string]string{
		"nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)":                                                                  "0.0.0.0:80 Address already in use",
		"nginx: [emerg] bind() to [::]:443 failed (98: Address already in use) | nginx: [emerg] still could not bind()":                            "[::]:443 Address already in use",
		"nginx: [emerg] bind() to 10.0.0.3:80 failed (99: Cannot assign requested address)":                                                        "10.0.0.3:80 Cannot assign requested address",
		"[ALERT]    (45) : Binding [/etc/haproxy/haproxy.cfg:16] for frontend g: cannot bind socket (Address already in use) for [127.0.0.1:8099]": "127.0.0.1:8099 Address already in use",
		"[ALERT]    (45) : Starting frontend g: cannot bind socket (Cannot assign requested address) [fd00::3:80]":                                 "[fd00::3]:80 Cannot assign requested address",
		"[ALERT] cannot bind socket (Address already in use) for [:::8099]":                                                                        "[::]:8099 Address already in use",
	} {
		f, ok := bindFailureIn(said)
		if got := f.at.String() + " " + f.reason; !ok || got != want {
			t.Errorf("%s: %q, want %q", said, got, want)
		}
	}
	for _, said := range []string{
		"nginx: [emerg] bind() to unix:/run/x.sock failed (98: Address already in use)",
		"nginx: [emerg] unknown directive \"x\" in /etc/nginx/nginx.conf:3", "",
		"cannot bind socket (Address already in use) for [:]",
	} {
		if f, ok := bindFailureIn(said); ok || hint(said, "") != "" {
			t.Errorf("%q is taken for %v", said, f)
		}
	}
}

func TestAnAddressThatIsNotHereIsSaidWithBothRemedies(t *testing.T) {
	netlab.Need(t, "nginx", "haproxy")
	for _, c := range []struct{ address, sysctl, all string }{
		{"192.0.2.9", "net.ipv4.ip_nonlocal_bind", "0.0.0.0:80"},
		{"2001:db8::9", "net.ipv6.ip_nonlocal_bind", "[::]:80"},
	} {
		conf := t.TempDir() + "/nginx.conf"
		listen := net.JoinHostPort(c.address, "80")
		text := "pid " + t.TempDir() + "/pid;\nerror_log stderr;\nevents {}\nhttp { access_log off; server { listen " + listen + "; } }\n"
		if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		err := RunTest(t.Context(), []string{"nginx", "-t", "-q", "-c", conf}, soon)
		for _, want := range []string{
			"this host does not have " + c.address, c.all, "sysctl -w " + c.sysctl + "=1", c.sysctl + " = 1 in /etc/sysctl.d/",
		} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("no %q in %v", want, err)
			}
		}
	}
}

func TestWhoHoldsAPortIsFound(t *testing.T) {
	for _, c := range []struct {
		network, address string
		blocked, free    []string
	}{
		{"tcp4", "127.0.0.1:0", []string{"127.0.0.1", "0.0.0.0", "::"}, []string{"127.0.0.2", "::1"}},
		{"tcp4", "0.0.0.0:0", []string{"127.0.0.1", "0.0.0.0", "::"}, []string{"::1"}},
		{"tcp", "[::]:0", []string{"127.0.0.1", "0.0.0.0", "::", "::1"}, nil},
		{"tcp6", "[::1]:0", []string{"::1", "::"}, []string{"127.0.0.1", "0.0.0.0"}},
	} {
		l, err := net.Listen(c.network, c.address)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		port := l.Addr().(*net.TCPAddr).AddrPort().Port()
		for _, a := range c.blocked {
			h, err := holderOf(netip.AddrPortFrom(netip.MustParseAddr(a), port))
			if err != nil || h == nil || h.uid != uint32(os.Getuid()) {
				t.Errorf("%s holds %s: %+v, %v", c.address, a, h, err)
			}
		}
		for _, a := range c.free {
			if h, err := holderOf(netip.AddrPortFrom(netip.MustParseAddr(a), port)); h != nil || err != nil {
				t.Errorf("%s does not hold %s: %+v, %v", c.address, a, h, err)
			}
		}
	}
}

func TestTheHolderIsTheProcessThatHasTheSocket(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	child := exec.Command("sleep", "1000") // in the same cgroup, without the socket
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = child.Process.Kill(); _ = child.Wait() }()
	h, err := holderOf(l.Addr().(*net.TCPAddr).AddrPort())
	if err != nil || h == nil || h.pid != os.Getpid() {
		t.Fatalf("%+v, %v; want process %d", h, err, os.Getpid())
	}
	if text := heldBy(l.Addr().(*net.TCPAddr).AddrPort(), ""); !strings.Contains(text, "process "+strconv.Itoa(os.Getpid())+" "+h.comm) {
		t.Error(text)
	}
}
