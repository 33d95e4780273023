# What a developer does here. Each of these works from a fresh clone on a machine with
# Go 1.26 and Node 20.

GO ?= go
NPM ?= npm
ARGS ?=
FUZZTIME ?= 10s

VERSION := $(shell git describe --always --dirty 2>/dev/null || echo devel)
NODE_MODULES := web/node_modules/.package-lock.json
PAGES := web/dist/index.html
CLIENT := clientfiles/files/VERSION
GO_FILES = $(shell find . -name '*.go' -not -path '*/node_modules/*')

.PHONY: help run build test check check-guarantees fmt bench bench-quick bench-go fuzz clean web go-check web-check go-test web-test packages

help:
	@echo "make run     build the server and start it (ARGS='--addr :4000')"
	@echo "make build   leave bin/kachi, with pages and client script inside"
	@echo "make test    all tests; installs missing Debian packages where it may, fetches a MySQL"
	@echo "make check   format, vet, lint, the import rule: seconds"
	@echo "make fmt     format everything"
	@echo "make bench   this server beside its peers, an hour and a half (ARGS='-rounds 3 -cases fanout')"
	@echo "make bench-quick   the same in two minutes"
	@echo "make bench-go      benchmarks of the Go packages"
	@echo "make check-guarantees   100,000 random schedules against docs/guarantees.md (SCHEDULES=n)"
	@echo "make fuzz    every fuzz target for FUZZTIME (10s)"
	@echo "make clean   remove what was built"

run: build
	@exec bin/kachi serve $(ARGS)

build: web
	@mkdir -p bin
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/kachi ./cmd/kachi

test: packages build web-test go-test

check: go-check web-check

fmt: $(NODE_MODULES)
	gofmt -w $(GO_FILES)
	$(NPM) --prefix web run --silent format

# The pages and the client files, which the server embeds.

web: $(PAGES) $(CLIENT)

$(NODE_MODULES): web/package.json web/package-lock.json web/.npmrc
	$(NPM) --prefix web ci --no-audit --no-fund --loglevel=error
	@touch $@

$(PAGES): $(NODE_MODULES) web/index.html web/vite.config.ts web/tsconfig.json $(shell find web/src web/public web/scripts -type f)
	$(NPM) --prefix web run --silent build -- --logLevel warn
	@touch $@

$(CLIENT): $(NODE_MODULES) web/scripts/client-files.mjs
	node web/scripts/client-files.mjs

# Checks

go-check:
	@unformatted=$$(gofmt -l $(GO_FILES)); if [ -n "$$unformatted" ]; then echo "gofmt would change:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) test ./internal/imports

web-check: $(NODE_MODULES)
	$(NPM) --prefix web run --silent check

# A quarter of an hour on two cores. A schedule that fails is named by its seed.
SCHEDULES ?= 100000
check-guarantees:
	$(GO) test ./socketio -run 'TestGuarantees' -count=1 -timeout 2h -v -schedules $(SCHEDULES) | grep -v '^=== '

# Tests

# What takes clients' bytes apart is fuzzed for a moment; make fuzz does it for longer.
# Then once more without the race detector, under which allocations cannot be counted.
go-test: web
	$(GO) test -race -timeout 10m ./...
	$(GO) test -timeout 10m ./engineio/... ./socketio/... ./internal/...
	@scripts/fuzz 3000x ./engineio/... ./socketio/... ./cmd/kachi/connect/...

web-test: $(NODE_MODULES)
	$(NPM) --prefix web run --silent test

packages:
	@scripts/debian-packages
	@scripts/mysql

# Both write to bench/results; bench/README.md says what is measured, and how.
bench:
	$(GO) run ./bench/run $(ARGS)

bench-quick:
	$(GO) run ./bench/run -quick $(ARGS)

bench-go:
	$(GO) test -run '^$$' -bench . -benchmem ./...

fuzz:
	@scripts/fuzz $(FUZZTIME)

clean:
	rm -rf bin web/node_modules bench/peers/node/node_modules
	find web/dist -mindepth 1 -not -name placeholder.html -delete
	find clientfiles/files -mindepth 1 -not -name placeholder.txt -delete
