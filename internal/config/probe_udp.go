package config

import (
	"encoding/hex"
	"net"
	"regexp"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/pairkeeper/pairkeeper/probes"
)

const (
	hexExample = `{hex: "00 01 ff"}`
	bytesMost  = 1024 // what goes into one packet
)

// readUDP reads udp:, a host with a port or a mapping.
func (d *Document) readUDP(v value, p *probe) {
	var c probes.UDP
	if v.kind() == "a mapping" {
		f, ok := v.fields(portExample, "address", "send", "answer", "expect")
		if !ok {
			return
		}
		if at, ok := f.need("address", "127.0.0.1:53"); ok {
			d.readHostPort(at, &c.Address)
		}
		readSend(f, &c.Send)
		readAnswer(f, &c)
	} else {
		d.readHostPort(v, &c.Address)
	}
	host, _, _ := net.SplitHostPort(c.Address)
	p.Check, p.local = c, d.local(host)
	if c.Address != "" {
		p.Name = "udp:" + c.Address
	}
}

// readSend reads send:, a text or bytes.
func readSend(f fields, into *string) {
	v, ok := f.keys["send"]
	if !ok || v.kind() != "a mapping" {
		f.text("send", into, "a text such as \"ping\\n\", or "+hexExample)
		return
	}
	m, ok := v.fields(hexExample, "hex")
	if !ok {
		return
	}
	if h, ok := m.need("hex", `"00 01 ff"`); ok {
		raw, _ := hex.DecodeString(h.hexDigits(allHex, "hexadecimal digits such as \"00 01 ff\""))
		*into = string(raw)
	}
}

// readAnswer reads what has to come back; without send: and expect: nothing has to.
func readAnswer(f fields, c *probes.UDP) {
	if m, ok := readTextOr(f, "expect", &c.Expect, "hex"); ok && m.has("hex") {
		c.Begin = m.keys["hex"].hexDigits(someHex, "hexadecimal digits such as \"80 xx\"")
	}
	c.Answer = f.has("send") || f.has("expect")
	f.boolean("answer", &c.Answer)
	if f.has("expect") && !c.Answer {
		f.keys["answer"].errorf("false has no effect with expect: remove one")
	}
}

var (
	allHex  = regexp.MustCompile(`^([0-9a-f]{2})+$`)
	someHex = regexp.MustCompile(`^([0-9a-fx]{2})+$`)
)

// hexDigits reads bytes, in small digits without the spaces.
func (v value) hexDigits(like *regexp.Regexp, wanted string) string {
	s, ok := v.text(wanted)
	digits := strings.ToLower(strings.ReplaceAll(s, " ", ""))
	if ok && (!like.MatchString(digits) || len(digits) > 2*bytesMost) {
		v.errorf("%s is not %s, two for each of 1..%d bytes", show(s), wanted, bytesMost)
		return ""
	}
	return digits
}

func udpTree(c probes.UDP) *yaml.Node {
	t := block()
	t.set("address", text(c.Address))
	switch {
	case c.Send == "":
	case utf8.ValidString(c.Send):
		t.set("send", quote(c.Send))
	default:
		m := flow()
		m.set("hex", quote(hex.EncodeToString([]byte(c.Send))))
		t.set("send", m.Node)
	}
	t.set("answer", boolean(c.Answer))
	if c.Begin == "" {
		textTree(t, "expect", c.Expect)
		return t.Node
	}
	m := flow()
	m.set("hex", quote(c.Begin))
	if c.Expect.Contains != "" {
		m.set("contains", quote(c.Expect.Contains))
	}
	if c.Expect.Regexp != "" {
		m.set("regexp", quote(c.Expect.Regexp))
	}
	t.set("expect", m.Node)
	return t.Node
}
