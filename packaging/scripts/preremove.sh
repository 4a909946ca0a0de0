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
# The other node is told, and takes the addresses; cleanup, as the unit has it, takes away what
# a daemon that was killed has left.
for unit in $units; do
	systemctl stop "$unit" || true
	systemctl reset-failed "$unit" 2>/dev/null || true
done
for unit in $units $files; do
	case "$unit" in
	*@.service) ;;
	*) systemctl disable "$unit" >/dev/null 2>&1 || true ;;
	esac
done
