package doctornet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/doctor"
	"github.com/pairkeeper/pairkeeper/internal/packetfilter"
)

// filter reads the packet filter as nft tells it, and as iptables does where its rules are
// not nft's.
func (r *reader) filter(ctx context.Context) {
	text, err := output(ctx, "nft", "-j", "list", "ruleset")
	if err != nil {
		why := "the packet filter: " + err.Error()
		if errors.Is(err, exec.ErrNotFound) {
			why = "the packet filter: nft is not installed (apt-get install nftables)"
		} else if os.Geteuid() != 0 {
			why = "the packet filter: run doctor as root"
		}
		r.unread(doctor.AreaFilter, why)
	} else if r.Filter, err = packetfilter.ParseNFT(text); err != nil {
		r.unread(doctor.AreaFilter, "the packet filter: "+err.Error())
	}
	if r.Filter == nil {
		r.Filter = &packetfilter.Ruleset{}
	}
	for _, f := range []struct{ family, names, nft, legacy, plain string }{
		{"ip", "/proc/net/ip_tables_names", "iptables-nft", "iptables-legacy", "iptables"},
		{"ip6", "/proc/net/ip6_tables_names", "ip6tables-nft", "ip6tables-legacy", "ip6tables"},
	} {
		if bytes.Contains(text, []byte(`"xt"`)) {
			r.iptables(ctx, f.family, packetfilter.IPTables, f.nft)
		}
		// To list a table that is not there would make it.
		if names, _ := os.ReadFile(f.names); strings.Contains(string(names), "filter") {
			r.iptables(ctx, f.family, packetfilter.Legacy, f.legacy, f.plain)
		}
	}
}

// iptables adds the table filter as the first of some programs that is there prints it.
func (r *reader) iptables(ctx context.Context, family string, tool packetfilter.Tool, programs ...string) {
	for _, program := range programs {
		text, err := output(ctx, program, "-S")
		if errors.Is(err, exec.ErrNotFound) {
			continue
		}
		if err != nil {
			r.unread(doctor.AreaFilter, err.Error())
			return
		}
		r.Filter.AddIPTables(string(text), family, tool)
		return
	}
	r.unread(doctor.AreaFilter, fmt.Sprintf("there are rules of iptables, and no %s to read them", programs[0]))
}

// output is what a program prints.
func output(ctx context.Context, name string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, find(name), args...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(complaint.String()))
	}
	return text, nil
}

// find looks where root's programs are, too: an operator's PATH may be without them.
func find(name string) string {
	if _, err := exec.LookPath(name); err == nil {
		return name
	}
	for _, dir := range []string{"/usr/sbin/", "/sbin/"} {
		if _, err := os.Stat(dir + name); err == nil {
			return dir + name
		}
	}
	return name
}
