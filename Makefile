# `make` lists the targets. Each installs what it needs by itself, and says so.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
CLUSTER_TOOL := $(BIN)/python -m tools.cluster
# Most tests wait for the clock: more workers than cores. Their clusters take less of those with one thread each.
WORKERS ?= 5
test-cluster test-kubernetes: export GOMAXPROCS ?= 1
PYTEST := $(BIN)/pytest --durations=20
UNIT_TESTS := $(wildcard tests/unit tests/hostile/test_*.py tests/oracle)
TEST_UNIT = $(PYTEST) -q -n 2 --dist loadgroup $(UNIT_TESTS)
# Real servers and short time limits: by themselves.
TEST_HTTP = $(PYTEST) -q -n 4 --dist loadgroup $(wildcard tests/http)
# hypothesis costs each worker seconds, and no cluster test needs it. The tests are in the order in which to begin.
CLUSTER_PYTEST := $(PYTEST) -v -p no:hypothesispytest --no-loadscope-reorder
CLUSTER_TESTS := $(wildcard tests/integration tests/hostile/tenant tests/e2e tests/kubernetes)
# The tests that any cluster can run, also one that is not of this harness.
POD_TESTS := $(wildcard tests/e2e tests/kubernetes)
.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  CLUSTER=existing|kind|native chooses the cluster, else: KUBECONFIG, a Docker engine, Linux and root."

.PHONY: venv
venv: $(STAMP) ## Make .venv with the operator and all development tools
$(STAMP): pyproject.toml
	@if ! $(PYTHON) -m venv --help >/dev/null 2>&1 || ! $(PYTHON) -m ensurepip --version >/dev/null 2>&1; then \
	  echo "installing python3-venv"; apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null; fi
	@test -x $(BIN)/python || { echo "making $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "installing the development tools into $(VENV)"
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

.PHONY: demo
demo: $(STAMP) ## Cluster, image, chart, samples: an agent runs by schedule and by hand
	@$(CLUSTER_TOOL) demo

.PHONY: test
test: $(STAMP) ## All tests; most of those that need no cluster run beside those on one, which wait at first
	@$(TEST_HTTP)
	@$(MAKE) --no-print-directory --jobs 2 --keep-going test-beside test-cluster

.PHONY: test-beside
test-beside: $(STAMP)
	@mkdir -p build
	@echo "beside the others, with what is left of the processors: $(UNIT_TESTS) (build/test-unit.log)"
	@nice -n 19 $(TEST_UNIT) >build/test-unit.log 2>&1; status=$$?; cat build/test-unit.log; exit $$status

.PHONY: test-full
test-full: export AGENTSCHEDULE_FULL := 1
test-full: export AGENTSCHEDULE_HISTORIES ?= 10000
test-full: test ## All tests, with more rounds of each race and larger numbers than `make test`

.PHONY: test-unit
test-unit: $(STAMP) ## The tests that need no cluster; Go judges the due times, real servers the HTTP runner
	@$(TEST_HTTP)
	@$(TEST_UNIT)

.PHONY: test-time
test-time: $(STAMP) ## The due times against Go's library, a million times, and more histories of the ledger
	@AGENTSCHEDULE_TIME_CASES=1000000 AGENTSCHEDULE_TIME_MUTATIONS=150000 AGENTSCHEDULE_HISTORIES=50000 \
	  $(PYTEST) -q -n 2 tests/oracle tests/unit/plan/schedule/test_plan_simulation.py

.PHONY: benchmark
benchmark: $(STAMP) ## How fast due times are found and counted, and how long one namespace waits for a noisy one
	@$(BIN)/python benchmarks/time.py
	@$(BIN)/python -m benchmarks.decisions
	@$(BIN)/python benchmarks/fairness.py

.PHONY: benchmark-cluster
benchmark-cluster: $(STAMP) ## What objects and runs cost, and how long they take beside a bare client, on a real control plane
	@$(BIN)/python -m benchmarks.memory
	@$(BIN)/python -m benchmarks.foreign
	@$(BIN)/python -m benchmarks.life
	@$(BIN)/python -m benchmarks.trigger
	@$(BIN)/python -m benchmarks.converge
	@$(BIN)/python -m benchmarks.storm

.PHONY: test-cluster
test-cluster: $(STAMP) ## Integration, a hostile tenant, e2e and Kubernetes' own behaviour, on a real cluster
	@$(CLUSTER_TOOL) prepare
	@$(CLUSTER_PYTEST) -n $(WORKERS) --dist loadgroup $(CLUSTER_TESTS)

.PHONY: test-kubernetes
test-kubernetes: $(STAMP) ## What the design leans on in Kubernetes; KUBERNETES_VERSION=v1.37.0 judges another one
	@$(CLUSTER_TOOL) prepare
	@$(CLUSTER_PYTEST) -n $(WORKERS) --dist loadgroup tests/kubernetes

.PHONY: test-kind
test-kind: export CLUSTER := kind
test-kind: $(STAMP) ## e2e and Kubernetes tests on kind, one after the other: they share the one cluster
	@$(CLUSTER_TOOL) prepare
	@$(CLUSTER_PYTEST) $(POD_TESTS)

.PHONY: check
check: $(STAMP) ## Format, lint, types, layers, generated files, lock, chart
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.generate --check
	$(BIN)/python -m tools.lock --check
	$(BIN)/python -m tools.cluster.check_chart

.PHONY: generate
generate: $(STAMP) ## Write CRDs, the chart's generated parts and manifests/install.yaml
	@$(BIN)/python -m tools.generate

.PHONY: lock
lock: $(STAMP) ## Pin what the image is made of, as pyproject.toml asks; UPGRADE=1 takes the newest of everything
	@$(BIN)/python -m tools.lock $(if $(UPGRADE),--upgrade)

.PHONY: fmt
fmt: $(STAMP) ## Format, and mend what the linter can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

.PHONY: cluster-up
cluster-up: $(STAMP) ## Start a cluster that stays; the last line is its `export KUBECONFIG=…`
	@$(CLUSTER_TOOL) up

.PHONY: image
image: $(STAMP) ## Build the image and its SBOM (dist/), and load it into the cluster if one is up
	@$(CLUSTER_TOOL) image

.PHONY: down
down: $(STAMP) ## Remove what demo and cluster-up made, and what crashed test runs left
	@$(CLUSTER_TOOL) down
