#!/bin/sh
# build.sh FOLDER [ARCH…]: write the packages, deb and rpm, for each architecture (amd64, arm64).
#
# The same commit gives the same bytes: all times are the commit's, and no path of this machine
# gets into the binary. PAIRKEEPER_VERSION names another version than git does.
set -eu
cd "$(dirname "$0")/.."
out=$1
shift
[ $# -gt 0 ] || set -- amd64 arm64

# git describe says v1.2.3-4-gabcdef, 4 commits after v1.2.3: 1.2.3+4.gabcdef sorts after 1.2.3.
# Without any tag the number of commits orders the versions.
described=$(git describe --tags --match 'v[0-9]*' 2>/dev/null | sed 's/^v//; s/-\([0-9]*\)-g/+\1.g/') || described=
[ -n "$described" ] || described="0.0.0+$(git rev-list --count HEAD).g$(git rev-parse --short=12 HEAD)"
VERSION=${PAIRKEEPER_VERSION:-$described}
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
CGO_ENABLED=0
export VERSION SOURCE_DATE_EPOCH CGO_ENABLED
umask 022

build() { # of the program, for an architecture
	GOARCH=$1 go build -trimpath -buildvcs=false -ldflags "-s -w -buildid= -X main.release=$VERSION" -o "$2" ./cmd/pairkeeper
}
nfpm=$(command -v nfpm || ls "$(go env GOPATH)/bin/nfpm" 2>/dev/null) || nfpm="go run github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.43.0"

# nfpm knows one place to take files from: several builds at once have several.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
stage=$work/stage
native=$work/pairkeeper
host=$(go env GOHOSTARCH)
build "$host" "$native"

doc=$stage/usr/share/doc/pairkeeper
mkdir -p "$stage/usr/share/man/man8" "$stage/usr/share/man/man5" "$doc"
"$native" manual | gzip -n9 >"$stage/usr/share/man/man8/pairkeeper.8.gz"
go run ./packaging/manual pairkeeper.yaml 5 "pairkeeper $VERSION" "the configuration of a pair of hosts" <docs/configuration.md |
	gzip -n9 >"$stage/usr/share/man/man5/pairkeeper.yaml.5.gz"

mkdir -p "$stage/usr/share/bash-completion/completions" "$stage/usr/share/fish/vendor_completions.d"
"$native" completion bash >"$stage/usr/share/bash-completion/completions/pairkeeper"
"$native" completion fish >"$stage/usr/share/fish/vendor_completions.d/pairkeeper.fish"
"$native" completion zsh >"$stage.zsh"

sh systemd/install.sh "$stage"
gzip -n9 <CHANGELOG.md >"$doc/changelog.gz"
cp LICENSE "$doc/copyright"
cp -r examples docs SECURITY.md "$doc/"
mkdir "$doc/monitoring"
cp monitoring/*.json monitoring/*.yaml "$doc/monitoring/"
install -D -m 644 schema/pairkeeper.schema.json "$stage/usr/share/pairkeeper/pairkeeper.schema.json"

find "$stage" -type d -exec chmod 755 {} +
find "$stage" -type f -exec chmod 644 {} +
mkdir -p "$out"
for arch in "$@"; do
	mkdir -p "$stage/usr/bin"
	if [ "$arch" = "$host" ]; then
		cp "$native" "$stage/usr/bin/pairkeeper"
	else
		build "$arch" "$stage/usr/bin/pairkeeper"
	fi
	chmod 755 "$stage/usr/bin/pairkeeper"
	find "$stage" "$stage.zsh" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
	for kind in deb rpm; do
		sed "s|dist/stage|$stage|" packaging/nfpm.yaml >"$work/nfpm.yaml"
		ARCH=$arch $nfpm package --config "$work/nfpm.yaml" --packager "$kind" --target "$out/" >/dev/null
	done
done
ls "$out"
