package config

import (
	"time"

	"gopkg.in/yaml.v3"

	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/supervisor/notifynet"
)

const (
	hookExample  = "/etc/pairkeeper/notify.sh"
	hooksExample = "{notify: " + hookExample + "}"
)

// hookPlace is where the file has a hook.
type hookPlace struct {
	hook supervisor.Hook
	line int
	path string
}

// hookKey is a kind of hook under its key.
type hookKey struct {
	key      string
	of       func(*supervisor.Hooks) *supervisor.Hook
	defaults supervisor.Hook
	own      string // a key that only this kind has
}

var hookKeys = []hookKey{
	{"notify", func(h *supervisor.Hooks) *supervisor.Hook { return &h.Notify }, usualHook, ""},
	{"active", func(h *supervisor.Hooks) *supervisor.Hook { return &h.Active }, usualHook, ""},
	{"backup", func(h *supervisor.Hooks) *supervisor.Hook { return &h.Backup }, usualHook, ""},
	{"fault", func(h *supervisor.Hooks) *supervisor.Hook { return &h.Fault }, usualHook, ""},
	{"stop", func(h *supervisor.Hooks) *supervisor.Hook { return &h.Stop }, usualHook, ""},
	{"before_active", func(h *supervisor.Hooks) *supervisor.Hook { return &h.BeforeActive },
		supervisor.Hook{Timeout: 10 * time.Second, Retry: 10 * time.Second}, "retry"},
	{"reassert", func(h *supervisor.Hooks) *supervisor.Hook { return &h.Reassert },
		supervisor.Hook{Timeout: 30 * time.Second, Every: time.Minute}, "every"},
}

var usualHook = supervisor.Hook{Timeout: 30 * time.Second}

// readHooks reads hooks:, of the pair or of a router.
func (d *Document) readHooks(v value, into *supervisor.Hooks) {
	var keys []string
	for _, k := range hookKeys {
		keys = append(keys, k.key)
	}
	f, ok := v.fields(hooksExample, keys...)
	if !ok {
		return
	}
	for _, k := range hookKeys {
		one, ok := f.keys[k.key]
		if !ok {
			continue
		}
		h := k.defaults
		one.readHook(&h, k.own)
		*k.of(into) = h
		if h.Set() {
			d.hookAt = append(d.hookAt, hookPlace{h, one.at(), one.path})
		}
	}
}

// readHook reads a program, a list with its arguments, or a mapping.
func (v value) readHook(h *supervisor.Hook, own string) {
	if v.kind() != "a mapping" {
		v.readCommand(&h.Command)
		return
	}
	keys := []string{"command", "user", "timeout"}
	if own != "" {
		keys = append(keys, own)
	}
	f, ok := v.fields("{command: ["+hookExample+"]}", keys...)
	if !ok {
		return
	}
	if command, ok := f.need("command", "["+hookExample+"]"); ok {
		command.readCommand(&h.Command)
	}
	if f.text("user", &h.User, "a user such as nobody") && !printable(h.User) {
		f.keys["user"].errorf("%s is not a user", show(h.User))
	}
	f.duration("timeout", &h.Timeout, 100*time.Millisecond, time.Hour)
	f.duration("retry", &h.Retry, time.Second, time.Hour)
	f.duration("every", &h.Every, time.Second, 24*time.Hour)
}

// giveHooks gives the routers the hooks of the pair, where they have none of their own. A
// router that may be vetoed does not rise by itself.
func (d *Document) giveHooks() {
	for i := range d.routers {
		r := &d.routers[i]
		r.shared.Hooks = d.hooks
		for _, k := range hookKeys {
			if h := k.of(&r.hooks); h.Set() {
				*k.of(&r.shared.Hooks) = *h
			}
		}
		if r.shared.Hooks.BeforeActive.Set() {
			r.shared.VRRP.Grouped = true
		}
	}
}

// CheckPrograms tells which probes, hooks and receivers this host cannot use, for instance
// because a program is missing.
func (d *Document) CheckPrograms() error {
	var errs Errors
	errs = append(errs, d.checkProbes()...)
	for _, p := range d.hookAt {
		if err := notifynet.Usable(p.hook); err != nil {
			errs = append(errs, Error{d.file, p.line, p.path, err.Error()})
		}
	}
	for _, r := range d.receivers {
		if err := notifynet.UsableReceiver(r.shared); err != nil {
			errs = append(errs, Error{d.file, r.line, r.path, err.Error()})
		}
	}
	if len(errs) > 0 {
		return errs.sort()
	}
	return nil
}

func hookTree(h *supervisor.Hook) tree {
	t := flow()
	t.set("command", words(h.Command))
	if h.User != "" {
		t.set("user", text(h.User))
	}
	t.set("timeout", duration(h.Timeout))
	return t
}

// hooksTree is nil where there are no hooks.
func hooksTree(h *supervisor.Hooks) *yaml.Node {
	t := block()
	for _, k := range hookKeys {
		one := k.of(h)
		if !one.Set() {
			continue
		}
		m := hookTree(one)
		switch k.own {
		case "retry":
			m.set("retry", duration(one.Retry))
		case "every":
			m.set("every", duration(one.Every))
		}
		t.set(k.key, m.Node)
	}
	if len(t.Content) == 0 {
		return nil
	}
	return t.Node
}
