//go:build linux

package vm

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

// metrics is the page that a director tells.
func (s *site) metrics(h *netlab.Host) string {
	client := &http.Client{Timeout: soon, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(context.Context, string, string) (c net.Conn, err error) {
			h.Do(func() { c, err = net.Dial("tcp", "127.0.0.1:9165") })
			return c, err
		},
	}}
	resp, err := client.Get("http://director/metrics")
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	return string(text)
}

func TestMetricsTellWhatTheKernelCounts(t *testing.T) {
	s, _ := balanced(t, translatedService+"metrics: {listen: \"127.0.0.1:9165\"}\n")
	s.await("dir1 has both servers", func() bool { return strings.Contains(rules(s.directors[0]), second) })
	if got := s.ask(6); !alternating(got) {
		t.Errorf("round robin answered %v", got)
	}

	const at = `{virtual_server="web",service="tcp ` + service + `"`
	s.await("the metrics have the six connections", func() bool {
		page := s.metrics(s.directors[0])
		for _, line := range []string{
			"pairkeeper_ipvs_up 1",
			"pairkeeper_virtual_server_serves" + at + "} 1",
			"pairkeeper_virtual_server_servers_up" + at + "} 2",
			"pairkeeper_virtual_server_connections_total" + at + "} 6",
			"pairkeeper_real_server_connections_total" + at + `,server="10.0.0.21:80"} 3`,
			"pairkeeper_real_server_weight" + at + `,server="10.0.0.22:80"} 1`,
		} {
			if !strings.Contains(page, line+"\n") {
				return false
			}
		}
		return true
	})
	if page := s.metrics(s.directors[1]); !strings.Contains(page, "pairkeeper_virtual_server_serves"+at+"} 0\n") || strings.Contains(page, "pairkeeper_real_server_weight") {
		t.Errorf("the other director tells\n%s", page)
	}
}
