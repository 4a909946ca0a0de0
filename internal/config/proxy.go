package config

import (
	"regexp"
	"strings"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

// defaultProxy is how a proxy is guarded where the file does not say otherwise.
func defaultProxy() supervisor.Proxy {
	return supervisor.Proxy{
		TestTimeout:    5 * time.Second,
		RestartTimeout: 10 * time.Second,
		StopTimeout:    5 * time.Second,
		Wait:           3 * time.Second,
		Attempts:       2,
		Budget:         5,
		Window:         10 * time.Minute,
		Retry:          time.Minute,
		RetryMax:       10 * time.Minute,
		Rise:           2,
		Look:           500 * time.Millisecond,
	}
}

func readProxy(v value) *supervisor.Proxy {
	p := defaultProxy()
	f, ok := v.fields("a mapping such as {unit: nginx.service}", "unit", "command", "test", "watch", "reload", "test_timeout",
		"restart_timeout", "stop_timeout", "ladder", "wait", "attempts", "budget", "window", "retry", "retry_max", "give_up", "rise", "look")
	if !ok {
		return &p
	}
	readGuarded(f, &p)
	f.words("test", &p.Test, "[nginx, -t, -q]")
	f.readWatch(&p)
	f.duration("test_timeout", &p.TestTimeout, 10*time.Millisecond, time.Hour)
	f.duration("restart_timeout", &p.RestartTimeout, 10*time.Millisecond, time.Hour)
	f.duration("stop_timeout", &p.StopTimeout, 0, time.Hour)
	if f.has("stop_timeout") && p.Unit != "" {
		f.keys["stop_timeout"].errorf("is for command: only, remove it: a unit goes on when pairkeeper ends")
	}
	readLadder(f, &p.Ladder)
	f.duration("wait", &p.Wait, 10*time.Millisecond, time.Hour)
	f.integer("attempts", &p.Attempts, 1, 100)
	f.integer("budget", &p.Budget, 1, 1000)
	f.duration("window", &p.Window, time.Second, 24*time.Hour)
	f.duration("retry", &p.Retry, 0, 24*time.Hour)
	if !f.duration("retry_max", &p.RetryMax, 0, 24*time.Hour) {
		p.RetryMax = max(p.RetryMax, p.Retry)
	} else if p.RetryMax < p.Retry {
		f.keys["retry_max"].errorf("%s is less than retry, which is %s", printDuration(p.RetryMax), printDuration(p.Retry))
	}
	if v, ok := f.keys["give_up"]; ok {
		word, _ := v.one("leave", "stop")
		p.GiveUpStops = word == "stop"
	}
	f.integer("rise", &p.Rise, 1, 1000)
	f.duration("look", &p.Look, 10*time.Millisecond, time.Hour)
	if p.Budget < p.Attempts && (!p.Ladder.SkipRestart || !p.Ladder.SkipKill) {
		f.warnf("allows %d restarts within %s (budget), so %d attempts in a row are never made", p.Budget, printDuration(p.Window), p.Attempts)
	}
	return &p
}

// readGuarded reads what is guarded: a unit or a command.
func readGuarded(f fields, p *supervisor.Proxy) {
	unit, command := f.has("unit"), f.has("command")
	switch {
	case unit && command:
		f.errorf("has both unit: and command:, remove one: unit for a service of systemd, command for a child of pairkeeper")
	case !unit && !command:
		f.errorf("needs unit: nginx.service, or command: [nginx, -g, daemon off;] where there is no systemd")
	}
	if f.text("unit", &p.Unit, "a unit such as nginx.service") {
		f.keys["unit"].checkUnit(p.Unit)
	}
	if f.words("command", &p.Command, "[haproxy, -W, -f, /etc/haproxy/haproxy.cfg]") && len(p.Command) == 0 {
		f.keys["command"].errorf("is empty: write a list of arguments such as [haproxy, -W, -f, /etc/haproxy/haproxy.cfg]")
	}
}

// unitName is what systemd takes as a name (systemd.unit(5)).
var unitName = regexp.MustCompile(`^[A-Za-z0-9:_.\\-]+(@[A-Za-z0-9:_.\\-]+)?\.service$`)

func (v value) checkUnit(name string) {
	dot := strings.LastIndexByte(name, '.')
	switch {
	case dot < 0 && unitName.MatchString(name+".service"):
		v.errorf("%s has no suffix: write %s.service", name, name)
	case strings.HasSuffix(name, "@.service"):
		v.errorf("%s is a template: write an instance of it, such as %s", show(name), show(strings.Replace(name, "@", "@main", 1)))
	case !unitName.MatchString(name) || len(name) > 255:
		v.errorf("%s is not the name of a service: write one such as nginx.service", show(name))
	}
}
