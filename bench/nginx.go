//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// nginx is a host's proxy. Every answer is the host's name.
type nginx struct{ host *host }

const nginxConf = `user root;
worker_processes 1;
pid %[1]s/nginx.pid;
error_log %[1]s/error.log;
events {}
http {
	access_log off;
	client_body_temp_path %[1]s/body;
	proxy_temp_path %[1]s/proxy;
	fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi;
	scgi_temp_path %[1]s/scgi;
	server {
		listen 80;
		location / { return 200 "%[2]s\n"; }
	}
}
`

func newNginx(h *host) *nginx {
	n := &nginx{h}
	h.write("nginx.conf", fmt.Sprintf(nginxConf, h.dir, h.name), 0o644)
	return n
}

// argv is the command line; more is added to it.
func (n *nginx) argv(more ...string) []string {
	dir := n.host.dir
	return append([]string{"nginx", "-p", dir, "-e", filepath.Join(dir, "error.log"), "-c", filepath.Join(dir, "nginx.conf")}, more...)
}

// start starts it as the init script does: it goes to the background.
func (n *nginx) start() {
	argv := n.argv()
	n.host.run(argv[0], argv[1:]...)
}

// kill is kill -9 of the master with its workers right after it, which systemd does
// when a unit's main process dies: orphaned workers alone would go on answering.
func (n *nginx) kill() { signalAll(n.host.processes("nginx"), unix.SIGKILL) }

// spoil makes a restart impossible.
func (n *nginx) spoil() {
	n.host.lab.must(os.WriteFile(filepath.Join(n.host.dir, "nginx.conf"), []byte("listen 80\n"), 0o644))
}
