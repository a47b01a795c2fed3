# Two commands are enough: `make demo` runs the main job, `make test` passes all tests.
GO       ?= go
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS   = -s -w -X main.version=$(VERSION)
STATICCHECK = $(GO) tool -modfile=.ci/tools.mod staticcheck
FUZZTIME ?= 5s
SOAK     ?= 24h
ROUNDS   ?= 100
NODES    ?= 1

.PHONY: build demo check test soak lint vuln bench scale fuzz packages clean

build: ## one static binary
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)' -o bin/sallyport ./cmd/sallyport

demo: build ## the main job on embedded defaults; NODES=3 for a cluster whose leader can be killed
	bin/sallyport demo --nodes $(NODES) $(DEMOFLAGS)

check: ## the quick lane, for every commit
	$(GO) vet ./...
	$(GO) test -race ./...

test: packages build ## everything: quick lane, real servers, fuzz targets for a short time
	$(GO) test -race ./...
	$(GO) test -race -tags e2e -count=1 -timeout 20m ./e2e/...
	$(MAKE) fuzz

soak: packages ## 10,000 simulated schedules, three nodes under faults for $(SOAK), $(ROUNDS) rounds of each single fault
	$(GO) test -count=1 -timeout 0 ./cluster -run TestSimulation -seeds 10000
	$(GO) test -count=1 -timeout 0 ./login -run TestSingleUse -seeds 10000
	SALLYPORT_SOAK=$(SOAK) $(GO) test -tags e2e -count=1 -timeout 0 -v -run 'WhateverFails' ./e2e/cluster
	SALLYPORT_SOAK_ROUNDS=$(ROUNDS) $(GO) test -tags e2e -count=1 -timeout 0 -v -skip 'WhateverFails' ./e2e/cluster

lint: ## what review should not have to say
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "gofmt needed: $$unformatted"; exit 1; }
	$(GO) vet ./...
	$(GO) vet -tags e2e ./e2e/...
	$(STATICCHECK) ./...
	$(STATICCHECK) -tags e2e ./e2e/...

vuln: ## known vulnerabilities in what the program calls, where the database can be reached
	.ci/vuln

bench: packages build ## side by side with FreeRADIUS; takes some minutes
	$(GO) run ./e2e/bench

scale: ## a cluster with a million people: memory, disk, joining, logins while snapshots are written; a quarter of an hour
	$(GO) run ./e2e/scale

fuzz: ## each fuzz target for $(FUZZTIME)
	.ci/fuzz $(FUZZTIME)

packages: ## the Debian packages that tests talk to, and a mail server, when they are missing
	.ci/packages
	.ci/mailpit

clean:
	rm -rf bin .cache
