package probes

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestACheckIsMadeForAServer(t *testing.T) {
	four, six := netip.MustParseAddrPort("10.0.0.11:80"), netip.MustParseAddrPort("[fd00::11]:80")
	for _, tt := range []struct {
		name   string
		check  Check
		server netip.AddrPort
		want   Check
	}{
		{"a URL", HTTP{URL: "http://" + Place + "/healthz?full=1", Host: "www.example.com"}, four, HTTP{URL: "http://10.0.0.11:80/healthz?full=1", Host: "www.example.com"}},
		{"a URL of IPv6", HTTP{URL: "https://" + Place + "/"}, six, HTTP{URL: "https://[fd00::11]:80/"}},
		{"a URL with a port", HTTP{URL: "http://" + Place + ":8080/"}, six, HTTP{URL: "http://[fd00::11]:8080/"}},
		{"several URLs", HTTP{URL: "http://" + Place + "/a", Also: []string{"http://" + Place + "/b"}}, four, HTTP{URL: "http://10.0.0.11:80/a", Also: []string{"http://10.0.0.11:80/b"}}},
		{"a port", TCP{Address: Place, Send: "PING"}, four, TCP{Address: "10.0.0.11:80", Send: "PING"}},
		{"another port", TCP{Address: Place + ":22"}, six, TCP{Address: "[fd00::11]:22"}},
		{"a port of UDP", UDP{Address: Place, Answer: true}, four, UDP{Address: "10.0.0.11:80", Answer: true}},
		{"a mail server", SMTP{Address: Place + ":25", Helo: "a"}, six, SMTP{Address: "[fd00::11]:25", Helo: "a"}},
		{"a name server", DNS{Server: Place + ":53", Name: "example.com", Type: "A"}, four, DNS{Server: "10.0.0.11:53", Name: "example.com", Type: "A"}},
		{"a host", ICMP{Host: Place}, six, ICMP{Host: "fd00::11"}},
		{"a program", Exec{Command: []string{"/bin/check", "-H", "{address}", "--at={address}:{port}"}}, four,
			Exec{Command: []string{"/bin/check", "-H", "10.0.0.11", "--at=10.0.0.11:80"}}},
		{"something of this host", Unit{Name: "x.service"}, four, Unit{Name: "x.service"}},
	} {
		before := Config{Name: "check", Check: tt.check}
		if diff := cmp.Diff(Config{Name: "check", Check: tt.want}, before.At(tt.server)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		if diff := cmp.Diff(tt.check, before.Check); diff != "" {
			t.Errorf("%s was changed itself (-want +got):\n%s", tt.name, diff)
		}
	}
}
