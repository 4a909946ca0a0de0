# Makes the template pairkeeper@.service of pairkeeper.service: pairkeeper@nginx reads
# /etc/nginx/pairkeeper.yaml, and its control socket and what it keeps have folders of their own.
s|^Description=pairkeeper:|Description=pairkeeper beside %i:|
s|^Conflicts=.*|& pairkeeper.service|
s|^ExecStart=/usr/bin/pairkeeper run|& -c /etc/%i/pairkeeper.yaml --socket /run/pairkeeper-%i/control.sock|
s|^ExecReload=/usr/bin/pairkeeper check|& -c /etc/%i/pairkeeper.yaml|
s|^ExecReload=/usr/bin/pairkeeper reload|& --socket /run/pairkeeper-%i/control.sock|
s|^ExecStopPost=/usr/bin/pairkeeper cleanup|& -c /etc/%i/pairkeeper.yaml --socket /run/pairkeeper-%i/control.sock|
s|^RuntimeDirectory=pairkeeper$|&-%i|
s|^StateDirectory=pairkeeper$|&-%i|
