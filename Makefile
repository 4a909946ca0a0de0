# Every target says what it is for: make help. The tests that take longest come first.

GO       ?= go
RELEASE  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unreleased)
BINARY   := bin/pairkeeper
TESTS    := ./test/hosts ./...
FUZZTIME ?= 1m
SUDO     := $(if $(filter 0,$(shell id -u)),,sudo)

export CGO_ENABLED := 0

.DEFAULT_GOAL := help
.PHONY: help build demo test vm vm-shell page quick race bench lint storm mutants fuzz install package reproducible clean

help: ## show this
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/pairkeeper
	$(GO) build -trimpath -ldflags '-s -w -X main.release=$(RELEASE)' -o $(BINARY) ./cmd/pairkeeper

demo: build ## show the main job on a throw-away pair, in under a minute
	@sh test/deps.sh demo
	@$(BINARY) demo

test: build ## everything: tables, simulator, kernel, keepalived, two hosts with systemd, a virtual machine
	@sh test/deps.sh test
	PAIRKEEPER_BINARY=$(abspath $(BINARY)) $(GO) test -count=1 -timeout 28m $(TESTS)

vm: build ## the tests in a virtual machine, whose kernel has IPVS; needs no root; RUN=TestName
	@sh test/deps.sh vm
	PAIRKEEPER_BINARY=$(abspath $(BINARY)) $(GO) test -count=1 -timeout 20m -v -run '$(RUN)' ./test/vm

vm-shell: build ## a shell in that machine, with the tests in it
	@sh test/deps.sh vm
	$(GO) test -c -o bin/vm.test ./test/vm
	@cd test/vm && PAIRKEEPER_VM_SHELL=1 PAIRKEEPER_BINARY=$(abspath $(BINARY)) $(abspath bin/vm.test)

page: build ## the status page in a headless Chromium; PICTURES=folder keeps what it looked like
	@sh test/deps.sh page
	PAIRKEEPER_BINARY=$(abspath $(BINARY)) PAIRKEEPER_PICTURES=$(PICTURES) $(GO) test -count=1 -tags browser -v ./test/page

quick: ## what needs no network and no root: tables, properties, the simulator
	$(GO) test -short ./vrrp ./probes ./fencing ./ipvs ./supervisor ./supervisor/sim ./internal/config .

race: ## the packages with goroutines under the race detector
	CGO_ENABLED=1 $(GO) test -race -count=1 ./supervisor/... ./probes/... ./vrrp/... ./fencing/... ./ipvs/...

bench: build ## measure against keepalived; needs root; BENCH='-only guard' for the proxy's guard
	@sh test/deps.sh test
	$(GO) run ./bench -binary $(abspath $(BINARY)) $(BENCH)

lint: ## gofmt, vet and golangci-lint
	@test -z "$$(gofmt -l .)" || { gofmt -l .; exit 1; }
	$(GO) vet ./...
	$(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.5.0 run ./...

storm: ## a million storms of random faults in the simulator
	$(GO) test ./supervisor/sim -run Storm -seeds 60000 -timeout 12h

mutants: ## plant a bug in each rule of the arbiter's table; the tests have to find it
	$(GO) test ./fencing -run Mutant -count=1 -v

fuzz: ## fuzz every parser for a minute each
	@grep -r '^func Fuzz' --include='*_test.go' . | sed -E 's|/[^/]*:func ([A-Za-z0-9_]+).*| \1|' | while read -r dir name; do \
		echo "$$dir $$name"; $(GO) test -run '^$$' -fuzz "^$$name$$" -fuzztime $(FUZZTIME) "$$dir" || exit 1; done

install: build ## install the binary, the units and what journalctl -x says
	install -D -m 755 $(BINARY) $(DESTDIR)/usr/bin/pairkeeper
	sh systemd/install.sh $(DESTDIR)/
	[ -n "$(DESTDIR)" ] || ! command -v journalctl >/dev/null || journalctl --update-catalog

package: ## packages for Debian and for RPM, for amd64 and arm64, in dist
	@rm -f dist/*.deb dist/*.rpm
	@sh packaging/build.sh dist $(ARCH)

reproducible: ## make the packages twice and compare them
	@sh packaging/build.sh dist/first && sh packaging/build.sh dist/second
	diff -r dist/first dist/second && rm -rf dist/first dist/second

clean: ## remove what was built
	rm -rf bin dist
