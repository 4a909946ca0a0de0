#!/bin/sh
# After files were removed. dpkg: remove, purge, or upgrade NEW VERSION; rpm: 0 at the last time,
# 1 at an upgrade. What the operator wrote goes with a purge only.
set -e
case "$1" in
remove | purge | 0) ;;
*) exit 0 ;;
esac

rm -rf /run/pairkeeper /run/pairkeeper-nginx /run/pairkeeper-haproxy
journalctl --update-catalog >/dev/null 2>&1 || true
[ ! -d /run/systemd/system ] || systemctl daemon-reload || true

if [ "$1" = purge ]; then
	rm -rf /var/lib/pairkeeper /var/lib/pairkeeper-nginx /var/lib/pairkeeper-haproxy
	rm -rf /etc/pairkeeper /etc/systemd/system/pairkeeper.service.d /etc/systemd/system/pairkeeper@*.service.d
	rm -f /etc/nginx/pairkeeper.yaml /etc/haproxy/pairkeeper.yaml
fi
