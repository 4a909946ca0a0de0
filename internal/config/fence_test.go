package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pairkeeper/pairkeeper/fencing"
)

func TestEachNodeGetsWhatFencesTheOther(t *testing.T) {
	d := parse(t, read(t, "testdata/valid-fence.yaml"))
	for s := range d.secrets {
		s.skipped = true
	}
	of := map[string][]fencing.Agent{}
	for name, delay := range map[string]time.Duration{"lb01": 0, "lb02": 8 * time.Second} {
		c, err := d.For(name)
		if err != nil {
			t.Fatal(err)
		}
		of[c.Peer] = c.Fence.Agents
		if c.Fence.After || !c.Fence.Off || c.Fence.Timeout != 40*time.Second || c.Fence.Shot != (fencing.ShotConfig{Armed: true, Delay: delay, Retries: 2}) {
			t.Errorf("%s: %+v", name, c.Fence)
		}
	}
	want := map[string][]fencing.Agent{
		"lb01": {
			{
				Program: "/usr/sbin/fence_ipmilan", PasswordFile: "/etc/pairkeeper/bmc.pw",
				Options: []fencing.Option{{Name: "ip", Value: "10.9.0.1"}, {Name: "username", Value: "admin"}, {Name: "lanplus", Value: "1"}},
			},
			{
				Program: "/usr/sbin/fence_apc_snmp", OptionsFile: "/etc/pairkeeper/apc.options",
				Options: []fencing.Option{{Name: "ip", Value: "10.9.0.9"}, {Name: "port", Value: "7"}},
			},
		},
		"lb02": {{Command: []string{"/usr/local/bin/poweroff", "lb02"}}},
	}
	if diff := cmp.Diff(want, of); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// Of a program that is missing only the node has to know that runs it.
func TestAnAgentThatCannotBeUsedIsAnError(t *testing.T) {
	dir := t.TempDir()
	key := filepath.Join(dir, "pair.key")
	if err := os.WriteFile(key, []byte("hex:"+strings.Repeat("5a", 32)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	conf := strings.ReplaceAll(string(read(t, "testdata/valid-fence-small.yaml")), "/etc/pairkeeper/pair.key", key)
	conf = strings.Replace(conf, "agent: /usr/sbin/fence_virsh, options: {ip: 10.0.0.1, username: root, plug: lb01, passwd_script: /etc/pairkeeper/pw}", "command: /bin/true", 1)
	conf = strings.Replace(conf, "/usr/sbin/fence_virsh", "/no/fence_virsh", 1)
	file := filepath.Join(dir, "pairkeeper.yaml")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(file, "lb02"); err != nil {
		t.Error(err)
	}
	if _, err := Load(file, "lb01"); err == nil || err.Error() != file+":13: fence.agents.lb02: /no does not exist" {
		t.Error(err)
	}
}
