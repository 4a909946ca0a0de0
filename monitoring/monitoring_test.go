// Package monitoring_test checks the dashboard, the alerts and the template by a pair and a
// Prometheus that run.
package monitoring_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"gopkg.in/yaml.v3"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/internal/testbin"
)

const soon = time.Minute // generous: the machine may be busy

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	remove, err := testbin.Provide()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer remove()
	return m.Run()
}

func TestPromtoolTakesTheRulesAndTheirTests(t *testing.T) {
	netlab.Need(t, "promtool")
	for _, args := range [][]string{{"check", "rules", "rules.yaml"}, {"test", "rules", "rules_test.yaml"}} {
		if out, err := exec.Command("promtool", args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// rules is a file of rules.
type rules struct {
	Groups []struct {
		Rules []struct {
			Alert       string
			Expr        string
			Annotations map[string]string
		}
	}
}

func readRules(t *testing.T) (r rules) {
	t.Helper()
	if err := yaml.Unmarshal(read(t, "rules.yaml"), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

var command = regexp.MustCompile("`pairkeeper ([^`]*)`")

func TestWhatAnAlertAdvisesCanBeRun(t *testing.T) {
	advised := 0
	for _, r := range readRules(t).Groups[0].Rules {
		for _, m := range command.FindAllStringSubmatch(r.Annotations["description"], -1) {
			advised++
			var args []string
			for _, word := range strings.Fields(m[1]) {
				if !strings.Contains(word, "{{") { // a router's name
					args = append(args, word)
				}
			}
			if out, err := exec.Command(testbin.Path(), append(args, "--help")...).CombinedOutput(); err != nil || !strings.Contains(string(out), "pairkeeper "+args[0]) {
				t.Errorf("%s: pairkeeper %s: %v\n%s", r.Alert, m[1], err, out)
			}
		}
	}
	if advised < 10 {
		t.Errorf("only %d commands were found", advised)
	}
}

// dashboard is what a test needs of Grafana's JSON.
type dashboard struct {
	Templating struct{ List []struct{ Name, Type string } }
	Panels     []struct {
		ID         int
		Type       string
		Title      string
		Datasource struct{ UID string }
		GridPos    struct{ X, Y, W, H int }
		Targets    []struct {
			Expr       string
			Datasource struct{ UID string }
		}
	}
}

func readDashboard(t *testing.T) (d dashboard) {
	t.Helper()
	if err := json.Unmarshal(read(t, "grafana.json"), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestTheDashboardTakesAnyDataSource(t *testing.T) {
	d := readDashboard(t)
	if v := d.Templating.List; len(v) == 0 || v[0].Name != "datasource" || v[0].Type != "datasource" {
		t.Errorf("the first variable is %+v, want the data source", v)
	}
	ids := map[int]bool{}
	cells := map[[2]int]string{}
	for _, p := range d.Panels {
		if ids[p.ID] {
			t.Errorf("%s: another panel has the id %d", p.Title, p.ID)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := cells[[2]int{x, y}]; other != "" || x > 23 {
					t.Fatalf("%s lies over %q, or beside the page", p.Title, other)
				}
				cells[[2]int{x, y}] = p.Title
			}
		}
		if p.Type != "row" && (p.Datasource.UID != "${datasource}" || len(p.Targets) == 0) {
			t.Errorf("%s: data source %q, %d queries", p.Title, p.Datasource.UID, len(p.Targets))
		}
		for _, q := range p.Targets {
			if q.Datasource.UID != "${datasource}" || !strings.Contains(q.Expr, `{job="$job", pair="$pair"}`) {
				t.Errorf("%s asks %q for %s", p.Title, q.Datasource.UID, q.Expr)
			}
		}
	}
}

var metricName = regexp.MustCompile(`\bpairkeeper_[a-z_]+`)

// told are the names of all metrics that the daemon may tell.
func told(t *testing.T) map[string]bool {
	t.Helper()
	files, err := filepath.Glob("../supervisor/daemon/metrics*.go")
	if err != nil || len(files) < 4 {
		t.Fatal(files, err)
	}
	names := map[string]bool{}
	for _, f := range files {
		for _, m := range regexp.MustCompile(`"(pairkeeper_[a-z_]+)"`).FindAllStringSubmatch(string(read(t, f)), -1) {
			names[m[1]] = true
		}
	}
	return names
}

func TestOnlyMetricsThatThereAreAreAskedFor(t *testing.T) {
	names := told(t)
	for _, file := range []string{"rules.yaml", "rules_test.yaml", "grafana.json", "zabbix.yaml", "../docs/monitoring.md"} {
		for _, name := range metricName.FindAllString(string(read(t, file)), -1) {
			if !names[name] {
				t.Errorf("%s asks for %s, which the daemon does not tell", file, name)
			}
		}
	}
}

func TestEveryMetricIsDocumented(t *testing.T) {
	docs := string(read(t, "../docs/monitoring.md"))
	for name := range told(t) {
		if !strings.Contains(docs, "`"+name+"`") && !strings.Contains(docs, "`"+name+"{") {
			t.Errorf("docs/monitoring.md does not name %s", name)
		}
	}
}

// site is a pair with all that the metrics are about, and a Prometheus that reads it.
type site struct {
	*testing.T
	prometheus *netlab.Host
	files      map[string]string          // of the nodes' configuration
	daemons    map[string]*exec.Cmd       // by node
	logs       map[string]*testbin.Output // by program
	status     string                     // what the hook writes on lb01
}

const siteConf = `nodes:
  lb01: {address: 10.0.0.1, priority: 150}
  lb02: {address: 10.0.0.2, priority: 100}
proxy:
  command: [nginx, -e, /dev/stderr, -p, DIR, -c, DIR/nginx.conf, -g, "daemon off;"]
  test: [nginx, -t, -q, -e, /dev/stderr, -p, DIR, -c, DIR/nginx.conf]
probes:
  - {http: "http://127.0.0.1:8080/", interval: 500ms}
virtual_routers:
  - {name: web, interface: eth0, vrid: 50, addresses: [10.0.0.3/24], preempt_delay: 0}
hooks:
  notify: [DIR/keepalived_status.sh, DIR/status]
heartbeat:
  key_file: DIR/pair.key
  links: [{lb01: 10.0.0.1, lb02: 10.0.0.2}]
virtual_servers:
  - {address: 10.0.0.3, ports: [90], forward: nat, check: {tcp: {port: 8080}}, servers: [{address: 10.0.0.1}, {address: 10.0.0.2}]}
metrics:
  listen: {lb01: "10.0.0.1:9165", lb02: "10.0.0.2:9165"}
  names: both
`

const siteNginx = `events { }
pid DIR/nginx.pid;
http {
    access_log off;
    client_body_temp_path DIR/temp; proxy_temp_path DIR/temp; fastcgi_temp_path DIR/temp; uwsgi_temp_path DIR/temp; scgi_temp_path DIR/temp;
    server { listen 8080; location / { return 200 "good\n"; } }
}
`

const sitePrometheus = `global: {scrape_interval: 1s, evaluation_interval: 1s}
scrape_configs:
  - {job_name: pairkeeper, static_configs: [{targets: ["10.0.0.1:9165", "10.0.0.2:9165"]}]}
rule_files: [rules.yaml]
`

func startSite(t *testing.T) *site {
	t.Helper()
	netlab.Need(t, "nginx", "prometheus")
	lab := netlab.New(t)
	s := &site{T: t, files: map[string]string{}, daemons: map[string]*exec.Cmd{}, logs: map[string]*testbin.Output{}}
	lab.Host("gw", "10.0.0.254/24")
	dir := folder(t)
	same := filepath.Join(dir, "same") // each node has its own folder there: both take the same file
	mkdir(t, same)
	for _, node := range []string{"lb01", "lb02"} {
		host := lab.Host(node, "10.0.0."+node[3:]+"/24")
		host.Run("ip", "route", "add", "default", "via", "10.0.0.254")
		own := filepath.Join(dir, node)
		mkdir(t, own)
		s.files[node] = filepath.Join(own, "pairkeeper.yaml")
		for name, text := range map[string]string{
			"pairkeeper.yaml": siteConf, "nginx.conf": siteNginx, "pair.key": "hex:" + strings.Repeat("5a", 32) + "\n",
			"keepalived_status.sh": string(read(t, "keepalived_status.sh")),
		} {
			write(t, filepath.Join(own, name), strings.ReplaceAll(text, "DIR", same))
		}
		if node == "lb01" {
			s.status = filepath.Join(own, "status")
		}
		s.daemons[node] = s.start(host, node, "unshare", "--mount", "sh", "-c", `mount --bind "$1" "$2" && shift 2 && exec "$@"`, "sh", own, same,
			testbin.Path(), "run", "-c", filepath.Join(same, "pairkeeper.yaml"), "--node", node, "--socket", filepath.Join(same, "sock"))
	}
	s.prometheus = lab.Host("prometheus", "10.0.0.9/24")
	write(t, filepath.Join(dir, "prometheus.yaml"), sitePrometheus)
	write(t, filepath.Join(dir, "rules.yaml"), string(read(t, "rules.yaml")))
	s.start(s.prometheus, "prometheus", "prometheus", "--config.file="+filepath.Join(dir, "prometheus.yaml"), "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address=127.0.0.1:9090", "--log.level=warn")
	return s
}

// folder is one that only root may write to, all the way up: hooks lie in it.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/run", "pairkeeper-test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func mkdir(t *testing.T, path string) {
	t.Helper()
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	mode := os.FileMode(0o600)
	if strings.HasSuffix(path, ".sh") {
		mode = 0o755
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// start runs a program in a host until the test ends, in order where that is possible.
func (s *site) start(host *netlab.Host, name string, argv ...string) *exec.Cmd {
	s.Helper()
	out := &testbin.Output{}
	s.logs[name] = out
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = out, out
	host.Start(cmd)
	s.Cleanup(func() {
		s.stop(cmd)
		if s.Failed() {
			s.Logf("%s:\n%s", name, out)
		}
	})
	return cmd
}

func (s *site) stop(cmd *exec.Cmd) {
	if cmd.ProcessState != nil {
		return
	}
	_ = cmd.Process.Signal(unix.SIGTERM)
	late := time.AfterFunc(soon, func() { _ = cmd.Process.Kill() })
	_ = cmd.Wait()
	late.Stop()
}

// api asks Prometheus.
func (s *site) api(path string, form url.Values, data any) error {
	client := &http.Client{Timeout: soon, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(context.Context, string, string) (c net.Conn, err error) {
			s.prometheus.Do(func() { c, err = net.Dial("tcp", "127.0.0.1:9090") })
			return c, err
		},
	}}
	resp, err := client.PostForm("http://prometheus/api/v1/"+path, form)
	if form == nil {
		resp, err = client.Get("http://prometheus/api/v1/" + path)
	}
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	answer := struct {
		Status, Error string
		Data          any
	}{Data: data}
	if err := json.Unmarshal(text, &answer); err != nil {
		return fmt.Errorf("%w: %s", err, text)
	}
	if answer.Status != "success" {
		return refused{answer.Error}
	}
	return nil
}

// refused is what Prometheus says of a query that it does not take.
type refused struct{ text string }

func (r refused) Error() string { return r.text }

// query is how many series an expression has.
func (s *site) query(expr string) (int, error) {
	var data struct{ Result []json.RawMessage }
	err := s.api("query", url.Values{"query": {expr}}, &data)
	return len(data.Result), err
}

// until waits for something, and says what else is there if it does not come.
func (s *site) until(what string, ok func() (bool, string)) {
	s.Helper()
	for end := time.Now().Add(soon); ; time.Sleep(200 * time.Millisecond) {
		good, text := ok()
		if good {
			return
		}
		if time.Now().After(end) {
			s.Fatalf("not within %s: %s: %s", soon, what, text)
		}
	}
}

// has waits until an expression has as many series.
func (s *site) has(expr string, want int) {
	s.Helper()
	s.until(expr, func() (bool, string) {
		n, err := s.query(expr)
		return err == nil && n == want, fmt.Sprint(n, " series, ", err)
	})
}

// empty are the panels that have nothing to show here, and why.
var empty = map[string]string{
	"Out, and why":            "nobody is out",
	"Refused":                 "no advert is refused",
	"Connections":             "the kernel has no IPVS",
	"Established connections": "the kernel has no IPVS",
	"Bytes of clients":        "the kernel has no IPVS",
}

// TestDashboardAndAlertsFitAPairThatRuns has a real Prometheus read a real pair and answer every
// query of the dashboard, and sees alerts come when something is wrong.
func TestDashboardAndAlertsFitAPairThatRuns(t *testing.T) {
	s := startSite(t)
	s.has(`up{job="pairkeeper"} == 1`, 2)
	s.has(`pairkeeper_router_state{state="ACTIVE"} == 1 and on (instance) pairkeeper_node_info{node="lb01", peer="lb02", pair="lb01/lb02"}`, 1)
	s.has(`pairkeeper_heartbeat_link_state{state="both-ways"} == 1`, 2)
	s.has(`pairkeeper_proxy_state{state="good"} == 1`, 2)
	s.has(`keepalived_vrrp_state{iname="web", intf="eth0", vrid="50", ip_address="10.0.0.3/24"} == 2`, 1)
	s.has(`keepalived_vrrp_state == 1`, 1)

	vars := strings.NewReplacer("$job", "pairkeeper", "$pair", "lb01/lb02", "$__rate_interval", "1m")
	asked := 0
	for _, p := range readDashboard(t).Panels {
		for _, q := range p.Targets {
			asked++
			expr := vars.Replace(q.Expr)
			s.until(p.Title+": "+expr, func() (bool, string) {
				n, err := s.query(expr)
				if errors.As(err, new(refused)) {
					t.Fatalf("%s: %s: %v", p.Title, expr, err)
				}
				return err == nil && (n > 0 || empty[p.Title] != ""), fmt.Sprint(n, " series, ", err)
			})
		}
	}
	if asked < 30 {
		t.Errorf("only %d queries were asked", asked)
	}
	s.zabbixFinds()
	s.rulesAreEvaluated()
	for _, alert := range []string{"PairkeeperSplitBrain", "PairkeeperNobodyHolds", "PairkeeperDown", "PairkeeperPeerUnheard", "PairkeeperGateStuck", "PairkeeperNodesDiffer", "PairkeeperConfigRefused"} {
		s.has(`ALERTS{alertname="`+alert+`"}`, 0)
	}
	s.until("the hook has written the status", func() (bool, string) {
		text, err := os.ReadFile(s.status)
		return string(text) == "INSTANCE web has transitioned to the MASTER state with a priority of 150\n", fmt.Sprint(string(text), err)
	})

	write(t, s.files["lb01"], "nodes: nonsense\n")
	s.has(`ALERTS{alertname="PairkeeperConfigRefused", alertstate="firing"}`, 1)
	s.has(`pairkeeper_router_state{state="ACTIVE"} == 1`, 1) // it keeps what it had
	s.stop(s.daemons["lb01"])
	s.has(`ALERTS{alertname="PairkeeperDown"}`, 1)
	s.has(`ALERTS{alertname="PairkeeperPeerUnheard"}`, 1)
	s.has(`pairkeeper_router_transitions_total{to="ACTIVE", reason=~"peer-released|peer-ended"} == 1`, 1)
}

// rulesAreEvaluated waits until Prometheus has evaluated every rule, without an error.
func (s *site) rulesAreEvaluated() {
	s.Helper()
	want := len(readRules(s.T).Groups[0].Rules)
	s.until("all rules are evaluated", func() (bool, string) {
		var data struct {
			Groups []struct {
				Rules []struct{ Name, Health, LastError string }
			}
		}
		if err := s.api("rules", nil, &data); err != nil {
			return false, err.Error()
		}
		var bad []string
		good := 0
		for _, g := range data.Groups {
			for _, r := range g.Rules {
				if r.Health == "ok" {
					good++
				} else {
					bad = append(bad, r.Name+": "+r.Health+" "+r.LastError)
				}
			}
		}
		slices.Sort(bad)
		return good == want && len(bad) == 0, strings.Join(bad, "\n")
	})
}

func TestEveryAlertHasItsLineInThePagesOfAlarms(t *testing.T) {
	for _, page := range []string{"../docs/alarms.md", "../docs/zh/alarms.md"} {
		text := string(read(t, page))
		for _, r := range readRules(t).Groups[0].Rules {
			if !strings.Contains(text, "| `"+r.Alert+"` |") {
				t.Errorf("%s does not say what to do about %s", page, r.Alert)
			}
		}
	}
}
