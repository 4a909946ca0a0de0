package daemon

import (
	"runtime"
	"slices"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/exposition"
	"github.com/pairkeeper/pairkeeper/supervisor"
)

// page is the daemon's metrics; false: it is stopping.
func (d *Daemon) page(names string) ([]byte, bool) {
	s, views, ok := d.survey()
	if !ok {
		return nil, false
	}
	var p exposition.Page
	if names != "keepalived" {
		ownPage(&p, &s, time.Now())
		balancePage(&p, ipvsStatus(s.Node, views))
	}
	if names == "keepalived" || names == "both" {
		keepalivedPage(&p, &s)
	}
	processPage(&p, s.Started)
	return p.Bytes(), true
}

// ownPage is what a status says, by our own names.
func ownPage(p *exposition.Page, s *Status, now time.Time) {
	nodePage(p, s)
	routersPage(p, s.Routers, now)
	proxyPage(p, s.Proxy)
	write(p, probeMetrics, s.Probes, func(t *ProbeStatus) []string { return []string{"probe", t.Name} })
	heartbeatPage(p, s.Heartbeat, now)
	fencePage(p, s.Fence)
	write(p, voterMetrics, s.Voters, func(v *VoterStatus) []string { return []string{"voter", v.Name} })
	write(p, notifyMetrics, s.Notify, func(n *NotifyStatus) []string { return []string{"receiver", n.Name} })
}

// metric is one family, of each thing of a kind.
type metric[T any] struct {
	kind       exposition.Kind
	name, help string
	say        func(t *T, put adder)
}

// adder writes a sample of one thing, with labels beside those that name it.
type adder func(value float64, labels ...string)

// write writes the families of all things of a kind; labels name a thing.
func write[T any](p *exposition.Page, metrics []metric[T], list []T, labels func(*T) []string) {
	named := make([][]string, len(list))
	for i := range list {
		named[i] = slices.Clip(labels(&list[i]))
	}
	for _, m := range metrics {
		p.Family(m.kind, m.name, m.help)
		for i := range list {
			m.say(&list[i], func(value float64, more ...string) { p.Add(value, append(named[i], more...)...) })
		}
	}
}

// value is a family with one sample of each thing.
func value[T any](of func(*T) float64) func(*T, adder) {
	return func(t *T, put adder) { put(of(t)) }
}

// instant is a family with the times of each thing that has one.
func instant[T any](of func(*T) time.Time) func(*T, adder) {
	return func(t *T, put adder) {
		if at := of(t); !at.IsZero() {
			put(exposition.Seconds(at))
		}
	}
}

// oneOf is a family with a sample for each word that something can be: 1 for the one that it
// is, 0 for the others.
func oneOf[T any](label string, words []string, of func(*T) string) func(*T, adder) {
	return func(t *T, put adder) {
		is := of(t)
		for _, w := range words {
			put(exposition.Bool(w == is), label, w)
		}
		if is != "" && !slices.Contains(words, is) {
			put(1, label, is)
		}
	}
}

// verdicts are the words of a node's health.
var verdicts = []string{"unknown", "healthy", "degraded", "failed"}

var nodeMetrics = []metric[Status]{
	{exposition.Gauge, "pairkeeper_build_info", "The version that runs; always 1.", func(s *Status, put adder) {
		put(1, "version", s.Version, "goversion", runtime.Version())
	}},
	{exposition.Gauge, "pairkeeper_node_info", "Which node of which pair this is; always 1. The pair is called the same on both nodes.", func(s *Status, put adder) {
		put(1, "node", s.Node, "peer", s.Peer, "pair", min(s.Node, s.Peer)+"/"+max(s.Node, s.Peer))
	}},
	{exposition.Gauge, "pairkeeper_config_last_load_successful", "Whether the configuration file was good when it was last read; if not, the last good one is in force.",
		value(func(s *Status) float64 { return exposition.Bool(s.Config.Problem == "") })},
	{exposition.Gauge, "pairkeeper_config_loaded_timestamp_seconds", "Since when the configuration in force is in force.",
		instant(func(s *Status) time.Time { return s.Config.Loaded })},
	{exposition.Gauge, "pairkeeper_config_pending", "Whether the file has changed and waits for pairkeeper reload (reload: manual).",
		value(func(s *Status) float64 { return exposition.Bool(s.Config.Pending) })},
	{exposition.Gauge, "pairkeeper_health", "The node's verdict on itself: 1 for the one that holds.",
		oneOf("verdict", verdicts, func(s *Status) string { return s.Health.Verdict })},
	{exposition.Gauge, "pairkeeper_health_since_timestamp_seconds", "Since when the verdict holds.",
		instant(func(s *Status) time.Time { return s.Health.Since })},
	{exposition.Gauge, "pairkeeper_mode", "Whether an operator has put this node into a mode.", func(s *Status, put adder) {
		for _, m := range []supervisor.Mode{supervisor.Maintenance, supervisor.Freeze} {
			on := func(is ModeStatus) bool { return is.Mode == m.String() && is.Node == s.Node }
			put(exposition.Bool(slices.ContainsFunc(s.Modes, on)), "mode", m.String())
		}
	}},
	{exposition.Counter, "pairkeeper_recorder_events_lost_total", "Events that the disk did not take from the flight recorder: no replay crosses them.",
		value(func(s *Status) float64 { return float64(s.Recorder.Lost) })},
}

func nodePage(p *exposition.Page, s *Status) {
	write(p, nodeMetrics, []Status{*s}, func(*Status) []string { return nil })
}

// probeWords are the opinions that a probe can have.
var probeWords = []string{"unknown", "good", "failed"}

var probeMetrics = []metric[ProbeStatus]{
	{exposition.Gauge, "pairkeeper_probe_state", "What a probe says: 1 for what it does.",
		oneOf("state", probeWords, func(t *ProbeStatus) string { return t.State })},
	{exposition.Gauge, "pairkeeper_probe_since_timestamp_seconds", "Since when it says so.",
		instant(func(t *ProbeStatus) time.Time { return t.Since })},
	{exposition.Counter, "pairkeeper_probe_looks_total", "Looks of a probe.",
		value(func(t *ProbeStatus) float64 { return float64(t.Looks) })},
	{exposition.Counter, "pairkeeper_probe_looks_failed_total", "Looks of a probe that were bad.",
		value(func(t *ProbeStatus) float64 { return float64(t.Failed) })},
	{exposition.Counter, "pairkeeper_probe_look_seconds_total", "What all looks of a probe took; divided by their number it is its latency.",
		value(func(t *ProbeStatus) float64 { return t.Seconds })},
}

// voterWords are the answers of a voter.
var voterWords = []string{"free", "granted", "refused", "just-begun", "failed"}

var voterMetrics = []metric[VoterStatus]{
	{exposition.Gauge, "pairkeeper_voter_up", "Whether a witness or the disk answers.",
		value(func(v *VoterStatus) float64 { return exposition.Bool(v.Answer != "" && v.Problem == "") })},
	{exposition.Gauge, "pairkeeper_voter_answer", "What a voter said last: 1 for that.",
		oneOf("answer", voterWords, func(v *VoterStatus) string { return v.Answer })},
	{exposition.Gauge, "pairkeeper_voter_heard_timestamp_seconds", "When a voter last answered.",
		instant(func(v *VoterStatus) time.Time { return v.Heard })},
}

var notifyMetrics = []metric[NotifyStatus]{
	{exposition.Counter, "pairkeeper_notify_sent_total", "Messages that a receiver took.", value(func(n *NotifyStatus) float64 { return float64(n.Sent) })},
	{exposition.Counter, "pairkeeper_notify_failed_total", "Tries that failed.", value(func(n *NotifyStatus) float64 { return float64(n.Failed) })},
	{exposition.Counter, "pairkeeper_notify_dropped_total", "Messages that were given up.", value(func(n *NotifyStatus) float64 { return float64(n.Dropped) })},
	{exposition.Gauge, "pairkeeper_notify_waiting", "Messages that wait for a receiver.", value(func(n *NotifyStatus) float64 { return float64(n.Waiting) })},
	{exposition.Gauge, "pairkeeper_notify_failing", "Whether the last try failed.", value(func(n *NotifyStatus) float64 { return exposition.Bool(n.Failing) })},
}

// proxyWords are the phases of the guard, proxyConfigWords those of its configuration's.
var (
	proxyWords       = []string{"waiting", "good", "testing", "reloading", "restarting", "settling", "given-up", "stopped", "missing", "returning"}
	proxyConfigWords = []string{"unknown", "unchanged", "changed", "tested", "bad", "pending", "reloaded", "reload-failed", "unwatched"}
)

var proxyMetrics = []metric[ProxyStatus]{
	{exposition.Gauge, "pairkeeper_proxy_state", "What the guard says of the proxy: 1 for that.",
		oneOf("state", proxyWords, func(x *ProxyStatus) string { return x.State })},
	{exposition.Gauge, "pairkeeper_proxy_since_timestamp_seconds", "Since when it says so.",
		instant(func(x *ProxyStatus) time.Time { return x.Since })},
	{exposition.Counter, "pairkeeper_proxy_restarts_total", "Restarts of the proxy by the ladder.", value(func(x *ProxyStatus) float64 { return float64(x.Restarts) })},
	{exposition.Counter, "pairkeeper_proxy_reloads_total", "Reloads of the proxy by the ladder.", value(func(x *ProxyStatus) float64 { return float64(x.Reloads) })},
	{exposition.Gauge, "pairkeeper_proxy_restarts_left", "Restarts that the budget still allows.", value(func(x *ProxyStatus) float64 { return float64(x.Budget) })},
	{exposition.Counter, "pairkeeper_proxy_start_limits_cleared_total", "Start limits of systemd that were cleared.", value(func(x *ProxyStatus) float64 { return float64(x.LimitHits) })},
	{exposition.Gauge, "pairkeeper_proxy_config_state", "How the proxy's configuration on disk is: 1 for that.", func(x *ProxyStatus, put adder) {
		if x.Config != nil {
			oneOf("state", proxyConfigWords, func(*ProxyStatus) string { return x.Config.State })(x, put)
		}
	}},
}

func proxyPage(p *exposition.Page, x *ProxyStatus) {
	if x != nil {
		write(p, proxyMetrics, []ProxyStatus{*x}, func(x *ProxyStatus) []string { return []string{"proxy", x.Name} })
	}
}

var fenceMetrics = []metric[FenceStatus]{
	{exposition.Gauge, "pairkeeper_fence_state", "What became of fencing the other node: 1 for that.",
		oneOf("state", []string{"none", "armed", "pending", "done", "failed"}, func(f *FenceStatus) string { return f.State })},
	{exposition.Gauge, "pairkeeper_fence_usable", "Whether the agents could be used when they were last tried.",
		value(func(f *FenceStatus) float64 { return exposition.Bool(f.Broken == "") })},
}

func fencePage(p *exposition.Page, f *FenceStatus) {
	if f != nil {
		write(p, fenceMetrics, []FenceStatus{*f}, func(*FenceStatus) []string { return nil })
	}
}
