#!/bin/sh
# install.sh ROOT: install what is for systemd, polkit and the journal below a folder.
set -eu
root=$1
cd "$(dirname "$0")"
units=$root/usr/lib/systemd/system

install -D -m 644 -t "$units" pairkeeper.service pairkeeper-witness.service pairkeeper-metrics.socket
sed -f template.sed pairkeeper.service >"$units/pairkeeper@.service"
install -D -m 644 one-daemon.conf "$units/pairkeeper@nginx.service.d/one-daemon.conf"
install -D -m 644 -t "$root/usr/lib/systemd/catalog" pairkeeper.catalog pairkeeper.zh_CN.catalog
install -D -m 644 pairkeeper.sysusers "$root/usr/lib/sysusers.d/pairkeeper.conf"
install -D -m 644 -t "$root/usr/share/polkit-1/rules.d" pairkeeper.rules
install -D -m 644 -t "$root/usr/share/doc/pairkeeper/examples/systemd" unprivileged.conf
