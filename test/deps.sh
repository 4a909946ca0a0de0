#!/bin/sh
# deps.sh demo|test|vm|page - install what the target needs from Debian, where that is allowed.
# Says what is missing otherwise; the demo then uses a web server of its own.
set -eu

# What runs the virtual machine, and what the tests in it run.
vm="qemu-system-x86:qemu-system-x86_64 busybox-static:busybox kmod:depmod xz-utils:xz lz4:lz4 nginx-light:nginx nftables:nft iproute2:ip ipvsadm:ipvsadm"

case ${1:-} in
demo) packages="nginx-light:nginx" ;;
test) packages="nginx-light:nginx haproxy:haproxy keepalived:keepalived nftables:nft iproute2:ip dbus:dbus-daemon systemd:systemctl polkitd:pkaction util-linux:nsenter curl:curl rpm:rpm stress-ng:stress-ng prometheus:prometheus fence-agents:fence_ipmilan ipmitool:ipmitool openipmi:ipmi_sim $vm" ;;
vm) packages=$vm ;;
page) packages="chromium:chromium fonts-dejavu-core:fc-cache iproute2:ip nftables:nft" ;;
*) echo "usage: deps.sh demo|test|vm|page" >&2; exit 64 ;;
esac

PATH=$PATH:/usr/sbin:/sbin
missing=
for p in $packages; do
	command -v "${p#*:}" >/dev/null 2>&1 || missing="$missing ${p%:*}"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
	echo "not installed:$missing (apt-get install$missing)" >&2
	exit 0
fi

# The packages' own services must not start here.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
	trap 'rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # a list
apt-get install -y -q --no-install-recommends $missing >/dev/null 2>&1 ||
	{ apt-get update -q >/dev/null && apt-get install -y -q --no-install-recommends $missing >/dev/null; }
