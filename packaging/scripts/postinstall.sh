#!/bin/sh
# After files were installed. dpkg: configure [OLD VERSION]; rpm: 1 at the first time, 2 at an
# upgrade.
set -e
case "$1" in
configure) [ -n "$2" ] && upgrade=yes || upgrade= ;;
1) upgrade= ;;
2) upgrade=yes ;;
*) exit 0 ;;
esac

journalctl --update-catalog >/dev/null 2>&1 || true
systemd-sysusers pairkeeper.conf >/dev/null 2>&1 || true

[ -d /run/systemd/system ] || exit 0
systemctl daemon-reload || true
# What runs is replaced; the addresses stay where they are meanwhile. What does not, stays so.
[ -z "$upgrade" ] || systemctl try-restart pairkeeper.service 'pairkeeper@*.service' pairkeeper-witness.service || true
