package bindings

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

func TestLinesThatBindAVirtualAddressAreFound(t *testing.T) {
	etc := t.TempDir()
	old := slices.Clone(folders)
	t.Cleanup(func() { folders = old })
	for i := range folders {
		folders[i].dir = filepath.Join(etc, folders[i].word)
	}
	for path, text := range map[string]string{
		"nginx/nginx.conf":              "http {\n  include sites-enabled/*;\n  server { listen 10.0.0.3:80 default_server; listen [fd00::3]:443 ssl; }\n}\n",
		"nginx/conf.d/old.conf.bak":     "server { listen 10.0.0.3:81; }\n",
		"nginx/conf.d/commented.conf":   "# listen 10.0.0.3:82;\n listen 80; listen [::]:80; listen 10.0.0.5:80; listen unix:/run/x;\n",
		"nginx/sites-available/b":       "listen 10.0.0.3:83;\n",
		"nginx/sites-available/c":       "server {\n\tlisten 10.0.0.3;\n}\n",
		"haproxy/haproxy.cfg":           "listen stats\n  bind 10.0.0.3:80,10.0.0.5:443 ssl\n  bind fd00::3:80\n  bind ipv4@10.0.0.3:81\n  bind 10.0.0.3:82 transparent\n  bind :80\n  source 10.0.0.3\n",
		"elsewhere/my.conf":             "listen 10.0.0.3:84;\n",
		"elsewhere/not-of-the-test.cfg": "bind 10.0.0.3:85\n",
	} {
		path = filepath.Join(etc, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(etc, "nginx/sites-enabled"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../sites-available/c", filepath.Join(etc, "nginx/sites-enabled/c")); err != nil {
		t.Fatal(err)
	}
	virtual := func(a netip.Addr) bool {
		return a == netip.MustParseAddr("10.0.0.3") || a == netip.MustParseAddr("fd00::3")
	}
	for name, c := range map[string]struct {
		proxy supervisor.Proxy
		want  []string
	}{
		"nginx":            {supervisor.Proxy{Unit: "nginx.service"}, []string{"nginx/nginx.conf:3 10.0.0.3", "nginx/nginx.conf:3 fd00::3", "nginx/sites-enabled/c:2 10.0.0.3"}},
		"haproxy":          {supervisor.Proxy{Command: []string{"/usr/sbin/haproxy"}}, []string{"haproxy/haproxy.cfg:2 10.0.0.3", "haproxy/haproxy.cfg:3 fd00::3", "haproxy/haproxy.cfg:4 10.0.0.3"}},
		"a file of a test": {supervisor.Proxy{Unit: "web.service", Test: []string{"/usr/sbin/web", "-t", "-c", filepath.Join(etc, "elsewhere/my.conf")}}, []string{"elsewhere/my.conf:1 10.0.0.3"}},
		"another proxy":    {supervisor.Proxy{Unit: "caddy.service"}, nil},
		"none":             {supervisor.Proxy{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, b := range Find(c.proxy, virtual) {
				path, err := filepath.Rel(etc, b.File)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, fmt.Sprintf("%s:%d %s", path, b.Line, b.Addr))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
