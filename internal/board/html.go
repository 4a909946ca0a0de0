package board

import (
	"html"
	"strings"
	"time"
)

// markup writes a board for a browser. Whatever is not its own goes through text.
type markup struct{ strings.Builder }

func (m *markup) text(s string) { m.WriteString(html.EscapeString(s)) }

// el writes an element with a text in it; open is its tag with attributes, all of them our own.
func (m *markup) el(open, text string) {
	m.WriteString("<" + open + ">")
	m.text(text)
	name, _, _ := strings.Cut(open, " ")
	m.WriteString("</" + name + ">")
}

// HTML is what stands between <main> and </main>.
func (b *Board) HTML() string {
	var m markup
	m.WriteString("<header>")
	m.el("h1", b.Nodes[0].Name+" and "+b.Nodes[1].Name)
	m.el("p", "as of "+b.At.Format("15:04:05 MST"))
	m.el(`p class="lost"`, "No answer any more. Below is what was said last.")
	m.WriteString("</header>")
	m.alarms(b.Alarms)
	m.WriteString(`<h2>Nodes</h2><section class="pair">`)
	for i := range b.Nodes {
		m.node(&b.Nodes[i])
	}
	m.WriteString("</section>")
	if len(b.Routers) > 0 {
		m.WriteString(`<h2>Virtual routers</h2><section class="routers">`)
		for i := range b.Routers {
			m.router(b, &b.Routers[i])
		}
		m.WriteString("</section>")
	}
	if b.Proxy != nil {
		m.lines("Proxy", []Line{*b.Proxy})
	}
	m.lines("Probes", b.Probes)
	m.lines("Heartbeat", b.Links)
	m.lines("Third vote", b.Voters)
	m.lines("Virtual servers", b.Servers)
	m.events(b)
	return m.String()
}

func (m *markup) alarms(list []string) {
	if len(list) == 0 {
		m.el(`p class="calm"`, "Nothing that an operator should look at.")
		return
	}
	m.WriteString(`<ul class="alarms">`)
	for _, a := range list {
		m.el("li", a)
	}
	m.WriteString("</ul>")
}

func (m *markup) node(n *Node) {
	m.WriteString(`<article class="card ` + string(n.Level) + `"><h3>`)
	m.text(n.Name)
	if n.Here {
		m.WriteString(" <small>this node</small>")
	}
	m.WriteString("</h3>")
	m.el(`p class="state dot"`, n.State)
	m.WriteString(`<ul class="facts">`)
	for _, f := range n.Facts {
		m.el("li", f)
	}
	m.WriteString("</ul></article>")
}

func (m *markup) router(b *Board, r *Router) {
	m.WriteString(`<article class="card ` + string(r.Level) + `"><h3>`)
	m.text(r.Name)
	m.WriteString(" ")
	m.el("small", strings.Join(r.Addresses, " "))
	m.WriteString(`</h3><p class="state dot">`)
	m.text(r.Holder)
	m.el("span", r.Since)
	m.WriteString("</p><dl>")
	m.el("dt", b.Nodes[0].Name)
	m.el("dd", r.Here)
	m.el("dt", b.Nodes[1].Name)
	m.el("dd", r.There)
	if r.Arbiter != "" {
		m.el("dt", "arbiter")
		m.el("dd", r.Arbiter)
	}
	m.WriteString("</dl></article>")
}

func (m *markup) lines(head string, list []Line) {
	if len(list) == 0 {
		return
	}
	m.el("h2", head)
	m.WriteString(`<ul class="rows">`)
	for _, l := range list {
		m.WriteString(`<li class="` + string(l.Level) + `"><span class="dot"></span>`)
		m.el(`span class="name"`, l.Name)
		m.el(`span class="word"`, l.State)
		m.el(`span class="more"`, l.Detail)
		m.WriteString("</li>")
	}
	m.WriteString("</ul>")
}

func (m *markup) events(b *Board) {
	m.el("h2", "What happened last")
	m.WriteString(`<ol class="rows events">`)
	for _, e := range b.Events {
		m.WriteString(`<li class="` + string(e.Level) + `"><span class="dot"></span>`)
		m.el(`time datetime="`+e.Time.UTC().Format(time.RFC3339)+`"`, eventTime(b.At, e.Time))
		text := e.Text
		if e.Router != "" {
			text = e.Router + ": " + text
		}
		m.el(`span class="more"`, text)
		m.WriteString("</li>")
	}
	m.WriteString("</ol>")
}

// eventTime is when something happened, with the day if that is not today.
func eventTime(now, at time.Time) string {
	at = at.In(now.Location())
	if at.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return at.Format("15:04:05")
	}
	return at.Format("01-02 15:04:05")
}
