package keepalived

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

func (p *plan) writeServers(w *writer) {
	if len(p.servers) > 0 {
		w.line("\nvirtual_servers:")
	}
	for _, s := range p.servers {
		writeServer(w, s)
	}
	if p.sync == nil && p.tcp+p.fin+p.udp == "" || len(p.servers) == 0 {
		return
	}
	w.line("\nipvs:")
	if d := p.sync; d != nil {
		text := "interface: " + quoted(d.Interface)
		if d.ID >= 1 && d.ID <= 255 {
			text += ", id: " + strconv.Itoa(d.ID)
		}
		for _, r := range p.routers {
			if r.isOf(d.Instance) {
				if d.ID == 0 {
					text += ", id: " + strconv.Itoa(r.vrid)
				}
				text += ", router: " + quoted(r.name)
				break
			}
		}
		w.line("  sync: {%s}", text)
	}
	var list []string
	for _, one := range [][2]string{{"tcp", p.tcp}, {"tcp_fin", p.fin}, {"udp", p.udp}} {
		if one[1] != "" {
			list = append(list, one[0]+": "+one[1])
		}
	}
	if len(list) > 0 {
		w.line("  timeouts: {%s}", strings.Join(list, ", "))
	}
}

func writeServer(w *writer, s *server) {
	w.line("  - name: %s", quoted(s.name))
	if s.service.Mark != 0 {
		w.line("    fwmark: %d", s.service.Mark)
		if s.service.IPv6 {
			w.line("    family: ipv6")
		}
	} else {
		w.line("    address: %s", quoted(s.service.Address.String()))
		w.line("    ports: [%d]", s.service.Port)
		if s.protocol != "tcp" {
			w.line("    protocol: %s", s.protocol)
		}
	}
	w.line("    scheduler: %s", s.scheduler)
	if len(s.flags) > 0 {
		w.line("    flags: %s", wordsYAML(s.flags))
	}
	if s.onePacket {
		w.line("    one_packet: true")
	}
	writePersistence(w, s)
	w.line("    forward: %s", s.forward)
	if s.tunnel != "" {
		w.line("    tunnel: %s", s.tunnel)
	}
	switch {
	case s.always:
		w.line("    when: always")
	case s.router != "":
		w.line("    router: %s", quoted(s.router))
	}
	if s.quorum != 1 {
		w.line("    quorum: %d", s.quorum)
	}
	if s.hysteresis > 0 {
		w.line("    hysteresis: %d", s.hysteresis)
	}
	if s.alpha {
		w.line("    alpha: true")
	}
	if s.omega {
		w.line("    omega: true")
	}
	if s.sorry != "" {
		w.line("    sorry_server: %s", s.sorry)
	}
	if len(s.hooks) > 0 {
		w.line("    hooks:")
		for _, h := range s.hooks {
			w.line("      %s", h.yaml())
		}
	}
	writeReals(w, s)
}

func writePersistence(w *writer, s *server) {
	switch {
	case s.persistence == 0:
	case s.prefix == 0 && s.engine == "":
		w.line("    persistence: %s", duration(s.persistence))
	default:
		text := "timeout: " + duration(s.persistence)
		if s.prefix > 0 {
			text += ", prefix: " + strconv.Itoa(s.prefix)
		}
		if s.engine != "" {
			text += ", engine: " + s.engine
		}
		w.line("    persistence: {%s}", text)
	}
}

// writeReals writes the servers; a check that all have stands above them.
func writeReals(w *writer, s *server) {
	common := s.reals[0].checks
	for _, r := range s.reals {
		if !slices.Equal(r.checks, common) {
			common = nil
		}
	}
	writeChecks(w, "    ", common)
	w.line("    servers:")
	for _, r := range s.reals {
		text := "address: " + quoted(r.address.String())
		if r.port != 0 {
			text += fmt.Sprintf(", port: %d", r.port)
		}
		text += fmt.Sprintf(", weight: %d", r.weight)
		if r.forward != "" {
			text += ", forward: " + r.forward
		}
		if r.tunnel != "" {
			text += ", tunnel: " + r.tunnel
		}
		if r.upper > 0 {
			text += fmt.Sprintf(", upper: %d, lower: %d", r.upper, r.lower)
		}
		if r.inhibit {
			text += ", inhibit_on_failure: true"
		}
		if common == nil && len(r.checks) > 0 {
			text += ", check: " + checkYAML(r.checks)
		}
		w.line("      - {%s}", text)
	}
}

func writeChecks(w *writer, indent string, checks []string) {
	switch len(checks) {
	case 0:
	case 1:
		w.line("%scheck: %s", indent, checks[0])
	default:
		w.line("%scheck:", indent)
		for _, c := range checks {
			w.line("%s  - %s", indent, c)
		}
	}
}

func checkYAML(checks []string) string {
	if len(checks) == 1 {
		return checks[0]
	}
	return "[" + strings.Join(checks, ", ") + "]"
}
