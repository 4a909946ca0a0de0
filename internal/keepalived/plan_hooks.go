package keepalived

import (
	netmail "net/mail"
	"slices"
	"strconv"
	"strings"
	"time"
)

// hooks are the programs of a router.
type hooks []hook

type hook struct {
	key   string
	words []string
	user  string
}

// kinds are what keepalived's scripts are called here.
func (h *Hooks) kinds() []struct {
	key, theirs string
	command     *Command
} {
	return []struct {
		key, theirs string
		command     *Command
	}{
		{"notify", "notify", h.Any}, {"active", "notify_master", h.Master}, {"backup", "notify_backup", h.Backup},
		{"fault", "notify_fault", h.Fault}, {"stop", "notify_stop", h.Stop},
	}
}

func (h hooks) has(key string) bool {
	return slices.ContainsFunc(h, func(o hook) bool { return o.key == key })
}

// makeHooks takes the notify scripts over: of each router, and of each group.
func (p *plan) makeHooks() {
	for _, r := range p.routers {
		if r.lead != nil {
			continue
		}
		for k, i := range r.from {
			if i == nil {
				continue
			}
			for _, one := range i.Hooks.kinds() {
				if one.command.set() && !r.hooks.has(one.key) {
					p.hook(r, one.key, one.theirs, one.command, min(k, len(p.configs)-1))
				}
			}
			if i.Hooks.Lower.set() {
				p.left(i.Hooks.Lower.Pos, "notify_master_rx_lower_pri: hooks.reassert runs while the node is Active, when another one is heard no more, and again and again")
			}
		}
	}
	for k, c := range p.configs {
		for _, g := range c.Groups {
			p.groupHooks(g, k)
		}
	}
}

// hook adds one, if this host can run it; else it stands in the file as a comment.
func (p *plan) hook(r *router, key, theirs string, c *Command, at int) {
	words, user := p.absolute(c.Words), p.user(c.User, at)
	h := hook{key, words, user}
	if err := p.usable(words, user); err != nil {
		p.wrong(c.Pos, "notify-dropped", "%s: %s: %s: on a host where that is so keepalived goes on without it", theirs, shown(strings.Join(words, " ")), err)
		p.idea("virtual_routers", "of "+r.name+":", "    hooks: {"+h.yaml()+"}")
		return
	}
	r.hooks = append(r.hooks, h)
	p.taken(c.Pos, "%s: virtual_routers.%s.hooks.%s", theirs, r.name, key)
}

// groupHooks gives what a group runs to its first member.
func (p *plan) groupHooks(g *SyncGroup, at int) {
	for _, one := range g.Hooks.kinds() {
		if !one.command.set() {
			continue
		}
		i := slices.IndexFunc(p.routers, func(r *router) bool {
			return r.lead == nil && slices.ContainsFunc(g.Members, r.isOf)
		})
		if i < 0 || p.routers[i].hooks.has(one.key) {
			if i < 0 || at == 0 {
				p.left(one.command.Pos, "%s of vrrp_sync_group %s: its first member has one of its own", one.theirs, shown(g.Name))
			}
			continue
		}
		p.hook(p.routers[i], one.key, one.theirs, one.command, at)
		if one.key == "notify" {
			p.changed(one.command.Pos, "notify of vrrp_sync_group %s is told INSTANCE and the name of %s, not GROUP: as hooks.notify of the pair, at the top, it is told of both", shown(g.Name), p.routers[i].name)
		} else {
			p.changed(one.command.Pos, "%s of vrrp_sync_group %s runs for its first router, %s: all move together", one.theirs, shown(g.Name), p.routers[i].name)
		}
	}
}

// mail is a receiver of transitions.
type mail struct {
	server, from string
	to           []string
	timeout      time.Duration
}

func (p *plan) makeMail() {
	c := p.configs[0]
	m := c.Global.Mail
	if len(m.To) == 0 || m.Server == "" {
		return
	}
	alerts := slices.ContainsFunc(p.configs, func(c *Config) bool {
		return c.Global.SMTPAlert || slices.ContainsFunc(c.Instances, func(i *Instance) bool { return i.SMTPAlert })
	})
	out := &mail{server: m.Server + ":" + strconv.Itoa(m.Port), from: m.From}
	if strings.Contains(m.Server, ":") {
		out.server = "[" + m.Server + "]:" + strconv.Itoa(m.Port)
	}
	if out.from == "" {
		out.from = "keepalived@" + p.nodes[0].name
	}
	for _, to := range m.To {
		if goodMail(to) {
			out.to = append(out.to, to)
		} else {
			p.wrong(m.Pos, "bad-mail", "%s is not a mail address: it is left out", shown(to))
		}
	}
	out.timeout = within(m.Timeout, 100*time.Millisecond, time.Minute)
	if m.Timeout == 0 {
		out.timeout = 0
	}
	switch {
	case len(out.to) == 0 || !goodMail(out.from) || !hostName.MatchString(m.Server) && !strings.Contains(m.Server, ":"):
		p.left(m.Pos, "notification_email: notify: [{mail: …}] needs a server, and mail addresses to send from and to")
	case !alerts:
		p.wrong(m.Pos, "mail-never-sent", "notification_email without smtp_alert: keepalived never sends mail of a VRRP transition")
		p.idea("", append([]string{"Mail of transitions, which the original had addresses for but never sent:"}, out.lines()...)...)
	default:
		p.mail = out
		p.changed(m.Pos, "notification_email: notify: one mail for routers that move within a second, tried again for ten minutes; TLS and a login are there if you want them (mail.tls)")
	}
}

func goodMail(s string) bool {
	a, err := netmail.ParseAddress(s)
	return err == nil && a.Address == s && len(s) <= 255 && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}
