//go:build linux

package hostlab

// nginxConf answers / and /healthz with the host's name.
const nginxConf = `user www-data;
worker_processes 1;
pid /run/nginx.pid;
error_log syslog:server=unix:/dev/log;
events { worker_connections 1024; }
http {
	access_log off;
	default_type text/plain;
	include /etc/nginx/conf.d/*.conf;
	server {
		listen 80 default_server;
		location / { return 200 "%[1]s\n"; }
		location = /healthz { return 200 "%[1]s\n"; }
	}
}
`

// haproxyConf is the same site served by HAProxy.
const haproxyConf = `global
	log /dev/log local0
	stats socket /run/haproxy/admin.sock mode 660 level admin
defaults
	mode http
	timeout client 5s
	timeout connect 1s
	timeout server 5s
frontend site
	bind :80
	http-request return status 200 content-type text/plain string "%[1]s\n"
`

// UseHAProxy lets HAProxy serve the host's site instead of nginx, now and at every
// later boot. Its configuration is /etc/haproxy/haproxy.cfg.
func (h *Host) UseHAProxy(t T) {
	t.Helper()
	h.Run(t, "systemctl", "disable", "--now", "nginx.service")
	h.Run(t, "systemctl", "enable", "--now", "haproxy.service")
}
