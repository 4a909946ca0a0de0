#!/bin/sh
# Before files are removed. dpkg: remove, or upgrade NEW VERSION; rpm: 0 at the last time, 1 at
# an upgrade.
set -e
case "$1" in
remove | 0) ;;
*) exit 0 ;;
esac

[ -d /run/systemd/system ] || exit 0
units=$(systemctl list-units --all --plain --no-legend 'pairkeeper*' | cut -d ' ' -f 1)
files=$(systemctl list-unit-files --no-legend 'pairkeeper*' | cut -d ' ' -f 1)
# The other node is told, and takes the addresses.
for unit in $units; do
	systemctl stop "$unit" || true
	systemctl reset-failed "$unit" 2>/dev/null || true
done
# What a daemon has left that was killed, and was not cleaned up after.
for file in /etc/pairkeeper/pairkeeper.yaml /etc/nginx/pairkeeper.yaml /etc/haproxy/pairkeeper.yaml; do
	[ -e "$file" ] || continue
	for run in /run/pairkeeper /run/pairkeeper-nginx /run/pairkeeper-haproxy; do
		[ ! -d "$run" ] || pairkeeper cleanup -c "$file" --socket "$run/control.sock" >/dev/null 2>&1 || true
	done
done
for unit in $units $files; do
	case "$unit" in
	*@.service) ;;
	*) systemctl disable "$unit" >/dev/null 2>&1 || true ;;
	esac
done
