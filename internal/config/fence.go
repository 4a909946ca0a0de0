package config

import (
	"path/filepath"
	"regexp"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/fencing/fencingnet"
	"github.com/pairkeeper/pairkeeper/supervisor"
)

const (
	agentExample    = "{agent: /usr/sbin/fence_virsh, options: {ip: 10.0.0.1, username: root, plug: lb01}, password_file: /etc/pairkeeper/fence.pw}"
	agentsExample   = "{lb01: " + agentExample + ", lb02: {…}}"
	fenceExample    = "{agents: " + agentsExample + "}"
	programExample  = "/usr/sbin/fence_virsh"
	commandExample  = "[/usr/local/bin/poweroff-peer]"
	optionsFileName = "/etc/pairkeeper/fence.options"
	passwordName    = "/etc/pairkeeper/fence.pw"
)

// fence is how each node is fenced by the other one.
type fence struct {
	shared supervisor.Fence // but for the agents and the delay
	delay  time.Duration    // of the node that comes second
	agents map[string][]agent
}

// agent is one way, and where the file has it.
type agent struct {
	fencing.Agent
	line int
	path string
}

// readFence reads fence:, once the heartbeat is known.
func (d *Document) readFence(f fields) {
	v, ok := f.keys["fence"]
	if !ok {
		return
	}
	if !f.has("heartbeat") {
		v.errorf("needs heartbeat:, such as heartbeat: %s", heartbeatExample)
	}
	d.fence = &fence{delay: 5 * time.Second, agents: map[string][]agent{}, shared: supervisor.Fence{
		After: true, Timeout: 20 * time.Second, Monitor: 5 * time.Minute, Shot: fencing.ShotConfig{Armed: true, Retries: 1},
	}}
	k, ok := v.fields(fenceExample, "takeover", "action", "timeout", "retries", "delay", "monitor_interval", "agents")
	if !ok {
		return
	}
	s := &d.fence.shared
	if t, ok := k.keys["takeover"]; ok {
		word, _ := t.one("after_fence", "without")
		s.After = word == "after_fence"
	}
	if a, ok := k.keys["action"]; ok {
		word, _ := a.one("reboot", "off")
		s.Off = word == "off"
	}
	k.duration("timeout", &s.Timeout, time.Second, 10*time.Minute)
	k.integer("retries", &s.Shot.Retries, 0, 10)
	if k.duration("delay", &d.fence.delay, 0, time.Minute) && d.fence.delay == 0 {
		k.keys["delay"].warnf("0: two nodes that lose each other may fence each other")
	}
	if k.duration("monitor_interval", &s.Monitor, 0, 24*time.Hour) && s.Monitor > 0 && s.Monitor < 10*time.Second {
		k.keys["monitor_interval"].errorf("%s is not in 10s..24h; 0 never looks", printDuration(s.Monitor))
	}
	if a, ok := k.need("agents", agentsExample); ok {
		d.readAgents(a)
	}
}

// readAgents reads those of each node.
func (d *Document) readAgents(v value) {
	f, ok := v.fields(agentsExample, d.Nodes()...)
	if !ok {
		return
	}
	for _, n := range d.nodes {
		one, ok := f.keys[n.name]
		if !ok {
			f.errorf("says nothing of how %s is fenced: write %s: %s", n.name, n.name, agentExample)
			continue
		}
		levels := []value{one}
		if one.kind() == "a list" {
			if levels, ok = one.list(""); ok && len(levels) == 0 {
				one.errorf("is empty: write %s", agentExample)
			}
			one.atMost(len(levels), 8)
		}
		for _, level := range levels {
			d.fence.agents[n.name] = append(d.fence.agents[n.name], level.readAgent())
		}
	}
}

// readAgent reads one agent, or a command.
func (v value) readAgent() agent {
	a := agent{line: v.at(), path: v.path}
	f, ok := v.fields(agentExample, "agent", "options", "options_file", "password_file", "command")
	if !ok {
		return a
	}
	switch command, ok := f.keys["command"]; {
	case ok && f.has("agent"):
		command.errorf("stands beside agent:, remove one of the two")
	case ok:
		command.readCommand(&a.Command)
		for _, key := range []string{"options", "options_file", "password_file"} {
			if f.has(key) {
				f.keys[key].errorf("is for agent:; a command: has arguments, and files of its own")
			}
		}
	case !f.has("agent"):
		f.errorf("needs agent: or command:, such as agent: %s or command: %s", programExample, commandExample)
	default:
		if f.text("agent", &a.Program, "a program such as "+programExample) {
			f.keys["agent"].absolute(a.Program, programExample)
		}
	}
	if o, ok := f.keys["options"]; ok {
		a.Options = o.readOptions()
	}
	f.file("options_file", &a.OptionsFile, optionsFileName)
	f.file("password_file", &a.PasswordFile, passwordName)
	return a
}

func (f fields) file(key string, into *string, example string) {
	if f.text(key, into, "a file such as "+example) && !filepath.IsAbs(*into) {
		f.keys[key].errorf("%s is not an absolute path such as %s", show(*into), example)
	}
}

// secretName is an option that nobody else should read.
var secretName = regexp.MustCompile(`(?i)(passw|secret|token)`)

// scriptName is one that names a program which prints the secret.
var scriptName = regexp.MustCompile(`(?i)_script$`)

// readOptions reads what the agent is given, in the file's order.
func (v value) readOptions() (list []fencing.Option) {
	if _, ok := v.mapping("a mapping such as {ip: 10.0.0.1, username: root, plug: lb01}", nil); !ok {
		return nil
	}
	for _, kv := range v.pairs() {
		text, ok := kv.value.word("a value")
		if !ok {
			continue
		}
		switch fault := fencingnet.OptionFault(kv.name, text); {
		case fault != "":
			kv.key.errorf("%s", fault)
		case secretName.MatchString(kv.name) && !scriptName.MatchString(kv.name):
			kv.key.errorf("does not belong into this file: write password_file: %s, or options_file: with a line %s=… in it", passwordName, kv.name)
		default:
			list = append(list, fencing.Option{Name: kv.name, Value: text})
		}
	}
	return list
}

// arm gives a node what it fences the other one with. The one that comes first does so at
// once, the other one waits, so that two standbys do not fence each other.
func (f *fence) arm(c *supervisor.Config, self, peer node) {
	if f == nil {
		return
	}
	c.Fence = f.shared
	for _, a := range f.agents[peer.name] {
		c.Fence.Agents = append(c.Fence.Agents, a.Agent)
	}
	rank := func(n node) fencing.Rank { return fencing.Rank{Priority: uint8(n.priority), Address: n.address} }
	if rank(peer).Before(rank(self)) {
		c.Fence.Shot.Delay = f.delay
	}
}

// checkFence tells which agents a node cannot use to fence the other one.
func (d *Document) checkFence(self string) error {
	if d.fence == nil {
		return nil
	}
	var errs Errors
	for _, n := range d.nodes {
		if n.name == self {
			continue
		}
		for _, a := range d.fence.agents[n.name] {
			if err := fencingnet.Usable(&a.Agent); err != nil {
				errs = append(errs, Error{d.file, a.line, a.path, err.Error()})
			}
		}
	}
	if len(errs) > 0 {
		return errs.sort()
	}
	return nil
}

func (d *Document) fenceTree() *yaml.Node {
	f := d.fence
	t := block()
	t.set("takeover", text(map[bool]string{true: "after_fence", false: "without"}[f.shared.After]))
	t.set("action", text(f.shared.Action()))
	t.set("timeout", duration(f.shared.Timeout))
	t.set("retries", number(f.shared.Shot.Retries))
	t.set("delay", duration(f.delay))
	t.set("monitor_interval", duration(f.shared.Monitor))
	agents := block()
	for _, n := range d.nodes {
		levels := list()
		for _, a := range f.agents[n.name] {
			levels.Content = append(levels.Content, agentTree(a.Agent))
		}
		agents.set(n.name, levels)
	}
	t.set("agents", agents.Node)
	return t.Node
}

func agentTree(a fencing.Agent) *yaml.Node {
	t := block()
	if a.Program == "" {
		t.set("command", words(a.Command))
		return t.Node
	}
	t.set("agent", text(a.Program))
	options := flow()
	for _, o := range a.Options {
		options.set(o.Name, quote(o.Value))
	}
	t.set("options", options.Node)
	if a.OptionsFile != "" {
		t.set("options_file", quote(a.OptionsFile))
	}
	if a.PasswordFile != "" {
		t.set("password_file", quote(a.PasswordFile))
	}
	return t.Node
}
