#!/bin/sh
# keepalived_status.sh FILE TYPE NAME STATE PRIORITY - a notify hook that writes the last transition into a
# file, where templates of Zabbix for keepalived look for it:
#
#     hooks:
#       notify: [/etc/pairkeeper/keepalived_status.sh, /run/keepalived_status]
#
# The file is replaced at once: who reads it never sees a half.
set -eu
umask 022
echo "$2 $3 has transitioned to the $4 state with a priority of $5" >"$1.new"
mv "$1.new" "$1"
