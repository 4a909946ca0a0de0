#!/bin/bash
VIP=10.0.0.3
MASTER=10.0.0.5
code=$(curl -I -s -o /dev/null -w '%{http_code}' http://$MASTER/)
if [ "$code" = 200 ] && ip a | grep -q "$VIP"; then
    systemctl stop nginx
    systemctl stop keepalived
fi
