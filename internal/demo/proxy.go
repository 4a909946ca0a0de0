package demo

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// proxy is what serves on both hosts. Its answer is the name of the host.
type proxy struct {
	name          string // as the time line calls it
	title         string // with its version
	conf          string // its configuration file, in the host's folder
	command, test []string
	text          string // of the configuration file, with a place for the host's name
	mistake       string // a line that makes it bad
}

const nginxConf = `user root;
worker_processes 1;
pid nginx.pid;
error_log error.log;
events {}
http {
	access_log off;
	client_body_temp_path body;
	proxy_temp_path proxy;
	fastcgi_temp_path fastcgi;
	uwsgi_temp_path uwsgi;
	scgi_temp_path scgi;
	server {
		listen 80;
		location / { return 200 "%s\n"; }
		location = /healthz { return 200 "ok\n"; }
	}
}
`

// sbin is where nginx lies too, though an ordinary user's PATH does not have it.
const sbin = ":/usr/sbin:/usr/local/sbin:/usr/local/nginx/sbin"

// findProxy is nginx, or the built-in web server.
func findProxy(o Options) proxy {
	if !o.BuiltIn {
		if out, err := exec.Command("nginx", "-v").CombinedOutput(); err == nil {
			return nginx(string(out))
		}
	}
	return builtIn()
}

// nginx takes what nginx -v says: "nginx version: nginx/1.22.1".
func nginx(said string) proxy {
	_, version, _ := strings.Cut(strings.TrimSpace(said), "/")
	argv := []string{"nginx", "-p", ".", "-c", "nginx.conf"}
	return proxy{
		name: "nginx", title: "nginx " + version, conf: "nginx.conf", text: nginxConf, mistake: "worker_prozesses 1;\n",
		command: append(argv[:len(argv):len(argv)], "-g", "daemon off;"),
		test:    append(argv[:len(argv):len(argv)], "-t", "-q"),
	}
}

func builtIn() proxy {
	return proxy{
		name: "the web server", title: "a small built-in web server", conf: "web.conf",
		text: "listen :80\nanswer %s\n", mistake: "answwer 42\n",
		command: []string{webProgram, "demo", "web", "web.conf"},
		test:    []string{webProgram, "demo", "web", "--test", "web.conf"},
	}
}

// write makes the host's configuration file, good or bad.
func (p proxy) write(h *host, good bool) error {
	text := fmt.Sprintf(p.text, h.name)
	if !good {
		text = p.mistake + text
	}
	return os.WriteFile(filepath.Join(h.dir, p.conf), []byte(text), 0o644)
}

const pairkeeperConf = `nodes:
  lb01: {address: 10.99.0.5, priority: 150}
  lb02: {address: 10.99.0.6, priority: 100}
proxy:
  command: %s
  test: %s
  retry: 2s                # the demo is in a hurry, here and below
probes:
  - http: http://127.0.0.1/healthz
    interval: 100ms
virtual_routers:
  - name: web
    interface: eth0
    vrid: 50
    addresses: [10.99.0.3/24]
    preempt_delay: 1s
`

// configuration is the same on both hosts; the daemons' folders differ.
func (p proxy) configuration() string {
	return fmt.Sprintf(pairkeeperConf, list(p.command), list(p.test))
}

// list is a list of YAML, as JSON is.
func list(argv []string) string {
	text, _ := json.Marshal(argv) // strings always can
	return string(text)
}
