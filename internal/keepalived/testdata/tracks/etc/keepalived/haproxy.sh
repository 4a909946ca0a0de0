#!/bin/sh
echo "show info" | socat - /run/haproxy/admin.sock | grep -q Uptime
