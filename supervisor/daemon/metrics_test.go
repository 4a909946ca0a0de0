package daemon_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// scraper reads the metrics of a host at an address of it, or a Unix socket.
func scraper(h *netlab.Host, place string) *http.Client {
	network := "tcp"
	if strings.HasPrefix(place, "/") {
		network = "unix"
	}
	return &http.Client{Timeout: soon, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(context.Context, string, string) (c net.Conn, err error) {
			h.Do(func() { c, err = net.Dial(network, place) })
			return c, err
		},
	}}
}

// scrape is the page at a place; empty: there is none.
func scrape(h *netlab.Host, place string) string {
	resp, err := scraper(h, place).Get("http://x/metrics")
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return ""
	}
	return string(text)
}

// sample is the value of a line that begins with a name and its labels; false: there is none.
func sample(page, series string) (float64, bool) {
	for line := range strings.Lines(page) {
		if rest, ok := strings.CutPrefix(line, series+" "); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			return v, err == nil
		}
	}
	return 0, false
}

// tells waits until the metrics at a place have a value.
func (n *node) tells(place, series string, want float64) {
	n.Helper()
	page := ""
	n.until(fmt.Sprintf("tells %s %v", series, want), func() bool {
		page = scrape(n.host, place)
		v, ok := sample(page, series)
		return ok && v == want
	})
}

// lint has promtool find what is wrong with a page.
func lint(t *testing.T, page string) {
	t.Helper()
	cmd := exec.Command("promtool", "check", "metrics")
	cmd.Stdin = strings.NewReader(page)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool: %v\n%s\n%s", err, out, page)
	}
}

func TestMetricsTellWhatTheStatusDoes(t *testing.T) {
	t.Parallel()
	netlab.Need(t, "promtool")
	d := startDuo(t, pair+"metrics: {listen: \":9165\"}\n")
	first, second := d.nodes[0], d.nodes[1]
	first.tells(":9165", `pairkeeper_router_state{router="web",state="ACTIVE"}`, 1)
	second.tells(":9165", `pairkeeper_router_state{router="web",state="BACKUP"}`, 1)
	second.tells(":9165", `pairkeeper_router_state{router="web",state="ACTIVE"}`, 0)
	first.tells(":9165", `pairkeeper_router_address_held{router="web",address="10.0.0.3/24"}`, 1)
	second.tells(":9165", `pairkeeper_router_address_held{router="web",address="10.0.0.3/24"}`, 0)
	second.tells(":9165", `pairkeeper_router_peer_priority{router="web"}`, 150)
	first.tells(":9165", `pairkeeper_node_info{node="lb01",peer="lb02",pair="lb01/lb02"}`, 1)
	second.tells(":9165", `pairkeeper_node_info{node="lb02",peer="lb01",pair="lb01/lb02"}`, 1)
	first.stop()
	second.tells(":9165", `pairkeeper_router_transitions_total{router="web",from="BACKUP",to="ACTIVE",reason="peer-released"}`, 1)
	second.tells(":9165", `pairkeeper_router_releases_received_total{router="web"}`, 1)
	page := scrape(second.host, ":9165")
	lint(t, page)
	if strings.Contains(page, "keepalived_") {
		t.Errorf("has keepalived's names:\n%s", page)
	}
}

func TestWithoutMetricsNobodyListens(t *testing.T) {
	t.Parallel()
	host := netlab.New(t).Host("lb01", "10.0.0.1/24")
	n := start(t, host, "lb01", pair)
	n.is("ACTIVE")
	if out := host.Run("ss", "-Hltn"); strings.TrimSpace(out) != "" {
		t.Errorf("listens:\n%s", out)
	}
}

func TestAReloadMovesTheMetrics(t *testing.T) {
	t.Parallel()
	netlab.Need(t, "promtool")
	host := netlab.New(t).Host("lb01", "10.0.0.1/24")
	n := start(t, host, "lb01", pair)
	socket := filepath.Join(filepath.Dir(n.file), "metrics")
	n.is("ACTIVE")
	n.write(pair + "metrics: {listen: \"10.0.0.1:9165\", names: keepalived}\n")
	if a := n.reload(); a.Problem != "" {
		t.Fatal(a.Problem)
	}
	n.tells("10.0.0.1:9165", `keepalived_vrrp_state{iname="web",intf="eth0",vrid="50",ip_address="10.0.0.3/24"}`, 2)
	page := scrape(host, "10.0.0.1:9165")
	lint(t, page)
	if strings.Contains(page, "pairkeeper_") {
		t.Errorf("has our own names:\n%s", page)
	}
	n.write(pair + "metrics: {listen: \"10.0.0.1:9165\", names: both}\n")
	n.reload()
	n.tells("10.0.0.1:9165", "keepalived_up", 1)
	n.tells("10.0.0.1:9165", `pairkeeper_health{verdict="healthy"}`, 1)
	n.write(pair + "metrics: {listen: " + socket + "}\n")
	n.reload()
	n.tells(socket, `pairkeeper_health{verdict="healthy"}`, 1)
	n.until("nobody listens at the address before", func() bool { return scrape(host, "10.0.0.1:9165") == "" })

	n.write(pair + "metrics: {listen: nonsense}\n")
	if a := n.reload(); a.Problem == "" {
		t.Error("a bad file was taken")
	}
	n.tells(socket, "pairkeeper_config_last_load_successful", 0)
	n.write(pair)
	n.reload()
	n.until("nobody listens", func() bool { return scrape(host, socket) == "" })
}

func TestAnAddressForMetricsThatIsNotThereIsReported(t *testing.T) {
	t.Parallel()
	host := netlab.New(t).Host("lb01", "10.0.0.1/24")
	n := start(t, host, "lb01", pair+"metrics: {listen: \"10.0.0.77:9165\"}\n")
	n.is("ACTIVE")
	n.says("no metrics at 10.0.0.77:9165: cannot assign requested address; it is tried again every 10s")
	host.Run("ip", "address", "add", "10.0.0.77/32", "dev", "lo")
	n.tells("10.0.0.77:9165", `pairkeeper_router_state{router="web",state="ACTIVE"}`, 1)
}

// TestAScrapeStormDelaysNoAdvert: many ask at once, and many more read nothing of what they asked
// for, or ask nothing. The other node's patience is 600 ms.
func TestAScrapeStormDelaysNoAdvert(t *testing.T) {
	t.Parallel()
	d := startDuo(t, pair+"metrics: {listen: \":9165\"}\n")
	first, second := d.nodes[0], d.nodes[1]
	before := second.is("BACKUP")

	var lazy []net.Conn
	defer func() {
		for _, c := range lazy {
			_ = c.Close()
		}
	}()
	for i := range 200 {
		var c net.Conn
		var err error
		d.client.Do(func() { c, err = net.DialTimeout("tcp", "10.0.0.1:9165", time.Second) })
		if err != nil {
			break // the kernel's queue is full, which is a storm, too
		}
		if i%2 == 0 {
			_, _ = io.WriteString(c, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
		}
		lazy = append(lazy, c)
	}
	ctx, cancel := context.WithCancel(context.Background())
	asked := make(chan int)
	for range 8 {
		go func() {
			n := 0
			for ; ctx.Err() == nil; n++ {
				req, _ := http.NewRequestWithContext(ctx, "GET", "http://x/metrics", nil)
				if resp, err := scraper(d.client, "10.0.0.1:9165").Do(req); err == nil {
					_ = resp.Body.Close()
				}
			}
			asked <- n
		}()
	}
	second.await("has heard 25 adverts more", func(r daemon.RouterStatus) bool {
		return r.Adverts.Received >= before.Adverts.Received+25
	})
	cancel()
	for range 8 {
		<-asked
	}
	after := second.is("BACKUP")
	if !after.Since.Equal(before.Since) {
		t.Errorf("the backup moved: since %s, before %s", after.Since, before.Since)
	}
	for _, c := range lazy {
		_ = c.Close()
	}
	lazy = nil
	first.tells("10.0.0.1:9165", `pairkeeper_router_state{router="web",state="ACTIVE"}`, 1)
}

func TestOneConnectionIsForOneQuestion(t *testing.T) {
	t.Parallel()
	host := netlab.New(t).Host("lb01", "10.0.0.1/24")
	n := start(t, host, "lb01", pair+"metrics: {listen: \":9165\"}\n")
	n.tells(":9165", `pairkeeper_router_state{router="web",state="ACTIVE"}`, 1)
	for _, q := range []struct {
		ask  string
		want int
	}{
		{"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 200},
		{"GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n", 404},
		{"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 404},
		{"nonsense\r\n\r\n", 400},
	} {
		var c net.Conn
		var err error
		host.Do(func() { c, err = net.Dial("tcp", ":9165") })
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(soon))
		_, _ = io.WriteString(c, q.ask)
		r := bufio.NewReader(c)
		resp, err := http.ReadResponse(r, nil)
		if err != nil || resp.StatusCode != q.want {
			t.Errorf("%q: %v, %+v, want %d", q.ask, err, resp, q.want)
		} else if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Errorf("%q: %v", q.ask, err)
		}
		if _, err := r.ReadByte(); err == nil {
			t.Errorf("%q is answered twice", q.ask)
		}
		_ = c.Close()
	}
}
