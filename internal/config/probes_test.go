package config

import (
	"os"
	"path/filepath"
	"testing"
)

// Parse takes these; it is this host that cannot use them.
func TestThePolicyReachesEveryRouter(t *testing.T) {
	for file, want := range map[string]bool{"testdata/valid-probes.yaml": true, "testdata/valid-small.yaml": false} {
		for _, node := range []string{"lb01", "lb02"} {
			c, err := parse(t, read(t, file)).For(node)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range c.Routers {
				if r.VRRP.LastResort != want {
					t.Errorf("%s as %s: %s is a last resort: %t", file, node, r.Name, !want)
				}
			}
		}
	}
}

func TestAnUnusableProbeIsRefusedWhenTheFileIsLoaded(t *testing.T) {
	dir := t.TempDir()
	open := filepath.Join(dir, "open.sh")
	if err := os.WriteFile(open, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "pairkeeper.yaml")
	text := `nodes:
  lb01: {address: 10.0.0.5, priority: 150}
  lb02: {address: 10.0.0.6, priority: 100}
proxy: {unit: nginx.service}
probes:
  - exec: /bin/true
  - exec: ` + dir + `/none.sh
  - exec: [` + open + `, fast]
  - {exec: {command: [/bin/true], user: nobody-at-all}, name: as}
  - http: {url: https://127.0.0.1/, ca_file: ` + file + `}
`
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	want := file + ":7: probes[1].exec: " + dir + "/none.sh does not exist\n" +
		file + ":8: probes[2].exec: " + open + " can be written by everybody: chmod o-w " + open + "\n" +
		file + ":9: probes[3].exec: there is no user nobody-at-all\n" +
		file + ":10: probes[4].http: the CA file " + file + " has no certificate in PEM format"
	for name, load := range map[string]func(string, string) (*File, error){"Load": Load, "Check": Check} {
		if _, err := load(file, "lb01"); err == nil || err.Error() != want {
			t.Errorf("%s: %v\nwant\n%s", name, err, want)
		}
	}
}
