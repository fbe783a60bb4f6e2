# make demo   see it work                 make test    everything that has to hold
# make build  .build/release/fairlead     make bench   how fast it is, into docs/benchmarks.md
# make manuals  man pages and completions of shells, into .build/share
# make lint   format and import rules     make churn   ten minutes of random changes, kills and edits
# make instructions  what the hot paths cost, by callgrind
# make fuzz   a minute for each fuzz target (FUZZ_SECONDS)    make sanitize  the tests with sanitizers
# make attacks  for 20 s each, and 100,000 gRPC calls    make churn-http  a minute of changes under load
# make bench-kernel bench-cluster bench-operation  the node role, with more rounds than make bench has
# make bench-http  the ingress role beside nginx, HAProxy and Envoy    make profile-http  where its time goes
# make bench-stream  the userspace balancer beside HAProxy and nginx    make profile-stream  where its time goes
# make clean  make protobuf (Sources/KubernetesMessages/Generated from its .proto files)

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

SUDO := $(if $(filter 0,$(shell id -u)),,sudo)

.PHONY: help setup build manuals demo test instructions lint format bench bench-kernel bench-cluster bench-operation bench-http profile-http bench-stream \
    profile-stream churn churn-http attacks fuzz sanitize protobuf clean

help:
	@sed -n '/^#/!q; s/^# //p' Makefile

setup:
	@.ci/setup

# The Swift runtime is linked in: the program runs on hosts without Swift.
RELEASE := .ci/quiet swift build -c release --static-swift-stdlib --product

build: setup
	@$(RELEASE) fairlead
	@echo "built .build/release/fairlead"

# For packagers: .build/share/man/man1/*.1 and .build/share/completions for bash, zsh and fish, from the program's own options.
manuals: setup
	@.ci/quiet swift build --product fairlead
	@.ci/manual-generator
	@.ci/manuals .build/debug/fairlead .build/generate-manual .build/share

demo: setup
	@echo "building (the first time takes up to ten minutes) ..."
	@$(RELEASE) fairlead
	@$(RELEASE) fairlead-demo
	@$(SUDO) .build/release/fairlead-demo --fairlead .build/release/fairlead

# All of it: the kernel and end-to-end tests make network namespaces, so they need root.
test: setup lint
	@echo "building ..."
	@.ci/quiet swift build --build-tests
	@.ci/manual-generator
	@.ci/instructions
	@$(SUDO) env "PATH=$$PATH" .ci/test

# What the hot paths cost, held against integration/instructions/limits.
instructions: setup
	@.ci/instructions

lint:
	@swift format lint --strict --recursive --parallel Package.swift Sources Tests integration
	@.ci/check-imports
	@echo "lint: clean"

format:
	@swift format --in-place --recursive --parallel Package.swift Sources Tests integration

# Every measure with fewer rounds than its part by itself has: a quarter of an hour.
bench: setup
	@$(RELEASE) fairlead
	@$(RELEASE) fairlead-fake-apiserver
	@$(RELEASE) fairlead-bench
	@.ci/setup-bench stream && envoy=$$(.ci/setup-bench http) && $(SUDO) env "PATH=$$PATH:/usr/sbin:/sbin" \
	    .build/release/fairlead-bench --all --fairlead .build/release/fairlead --envoy "$$envoy" --report docs/benchmarks.md

bench-kernel bench-cluster bench-operation: setup
	@$(RELEASE) fairlead
	@$(RELEASE) fairlead-fake-apiserver
	@$(RELEASE) fairlead-bench
	@$(SUDO) .build/release/fairlead-bench $(@:bench-%=--%) --fairlead .build/release/fairlead --report docs/benchmarks.md

# OPTIONS="--only a,f --rounds 5 --without envoy" for a look at a part, which is not written down.
bench-http: setup
	@$(RELEASE) fairlead
	@$(RELEASE) fairlead-bench
	@envoy=$$(.ci/setup-bench http); $(SUDO) env "PATH=$$PATH:/usr/sbin:/sbin" .build/release/fairlead-bench --http \
	    --fairlead .build/release/fairlead --envoy "$$envoy" $(or $(OPTIONS),--report docs/benchmarks.md)

profile-http: setup
	@.ci/setup-bench http-profile
	@$(RELEASE) fairlead
	@$(RELEASE) fairlead-bench
	@$(SUDO) .build/release/fairlead-bench --http --profile --fairlead .build/release/fairlead \
	    $(OPTIONS)

bench-stream: setup
	@.ci/setup-bench stream
	@$(RELEASE) fairlead
	@$(RELEASE) fairlead-bench
	@$(SUDO) env "PATH=$$PATH:/usr/sbin:/sbin" .build/release/fairlead-bench --stream --fairlead .build/release/fairlead \
	    $(or $(OPTIONS),--report docs/benchmarks.md)

profile-stream: setup
	@.ci/setup-bench stream-profile
	@$(RELEASE) fairlead
	@$(RELEASE) fairlead-bench
	@$(SUDO) .build/release/fairlead-bench --stream --profile --fairlead .build/release/fairlead $(OPTIONS)

churn: setup
	@.ci/quiet swift build --build-tests
	@$(SUDO) env "PATH=$$PATH" FAIRLEAD_CHURN_SECONDS=600 \
		swift test --skip-build --disable-xctest --filter 'EndToEndTests.Churn/'

# Ingresses: 2,000 requests a second of a release build, for a minute.
churn-http: setup
	@$(RELEASE) fairlead
	@.ci/quiet swift build --build-tests
	@$(SUDO) env "PATH=$$PATH" FAIRLEAD_BINARY=.build/release/fairlead FAIRLEAD_CHURN_SECONDS=60 FAIRLEAD_CHURN_RATE=2000 \
		swift test --skip-build --disable-xctest --filter IngressChurnTests

# The tests of HTTP/2 at their full length, and all attacks with the latency of others, by a release build.
attacks: setup
	@$(RELEASE) fairlead
	@.ci/quiet swift build --build-tests
	@$(SUDO) env "PATH=$$PATH" FAIRLEAD_BINARY=.build/release/fairlead FAIRLEAD_ATTACK_SECONDS=20 FAIRLEAD_GRPC_CALLS=100000 \
		swift test --skip-build --disable-xctest --filter 'EndToEndTests.EndToEnd/(HTTP2|Ingress/Hurried/AttackTests)'

fuzz: setup
	@Tests/Fuzz/run

# With AddressSanitizer, then with ThreadSanitizer: minutes and gigabytes each.
sanitize: setup
	@.ci/manual-generator
	@$(SUDO) env "PATH=$$PATH" .ci/sanitize address
	@$(SUDO) env "PATH=$$PATH" .ci/sanitize thread

protobuf:
	@Sources/KubernetesMessages/proto/generate

clean:
	@rm -rf .build
