package hosts

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pairkeeper/pairkeeper/internal/hostlab"
	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

// TestExamplesAreAcceptedByTheProxies: the configurations beside pairkeeper.yaml are
// complete, and pairkeeper takes its own.
func TestExamplesAreAcceptedByTheProxies(t *testing.T) {
	netlab.Need(t, "nginx", "haproxy")
	host := hostlab.New(t, "lb01").Host("lb01")
	host.Install(t, binary, "/usr/bin/pairkeeper")
	for _, file := range []struct{ from, to, check string }{
		{"nginx-pair/nginx.conf", "/etc/nginx/nginx.conf", "nginx -t -q"},
		{"haproxy-pair/haproxy.cfg", "/etc/haproxy/haproxy.cfg", "haproxy -c -q -f /etc/haproxy/haproxy.cfg"},
		{"nginx-pair/pairkeeper.yaml", "/tmp/nginx.yaml", "pairkeeper check /tmp/nginx.yaml"},
		{"haproxy-pair/pairkeeper.yaml", "/tmp/haproxy.yaml", "pairkeeper check /tmp/haproxy.yaml"},
	} {
		text, err := os.ReadFile(filepath.Join("../../examples", file.from))
		if err != nil {
			t.Fatal(err)
		}
		host.Write(t, file.to, string(text), 0o644)
		if out, err := host.Try("sh", "-c", file.check+" 2>&1"); err != nil || strings.Contains(out, "warning") {
			t.Errorf("%s: %v\n%s", file.from, err, out)
		}
	}
}
