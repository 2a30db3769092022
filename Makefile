# Every target works from a clean clone: scripts/setup makes .venv first, and does nothing when nothing changed.
# What a target does is in scripts/; `scripts/<name> --help` says more.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PY := .venv/bin/python
PYTEST := $(PY) -m pytest

.PHONY: help setup up down demo status doctor install connect login build generate check format test test-fast contract conformance bench new lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Make or update .venv from requirements/
	@scripts/setup

up: ## Set up what is missing and start a door to the fleet; FLOTILLA_ENGINE, _DOOR, _SERVERS, _PORT choose
	@scripts/up

down: ## Stop the door and every container of ours; the data volume stays
	@scripts/down

demo: ## Watch a client do real work through a door: files, tables, PDF, mail
	@scripts/demo

status: ## Tell which door runs
	@scripts/status

doctor: ## Look at this machine, and say how to mend what is wrong
	@scripts/doctor

install: ## Put the catalog where Docker's gateway takes it from
	@scripts/install

connect: ## Write Flotilla into a client's settings: CLIENT=claude-desktop|vscode|cursor|…, HTTP=1, DRY_RUN=1
	@scripts/connect $(CLIENT) $(if $(HTTP),--http) $(if $(PROJECT),--project "$(PROJECT)") $(if $(DRY_RUN),--dry-run)

login: setup ## Connect an account: S=google, S=gmail; scripts/login -h for more
	@scripts/login $(S)

build: setup ## Build the images, or those named in S="filesystem export"
	@scripts/engine && scripts/build $(S)

generate: setup ## Write manifests, catalog, compose files and tables from the servers' code
	@scripts/generate

check: setup ## Formatting, lint, types, generated files, and the rules of registry and gateway
	@scripts/check

format: setup ## Format the code and mend what the linter can
	@.venv/bin/ruff check --quiet --fix . ; .venv/bin/ruff format --quiet .

test: ## Everything: checks, conformance, units, contracts, images, doors, clients
	@scripts/test

test-fast: setup ## What needs no Docker and no Node; S=email: one server, with its acceptance suite
	@$(if $(S),$(PYTEST) servers/$(S) -m "not docker and not node", \
		$(PYTEST) -n auto --dist loadgroup shared/tests servers tests/oauth tests/test_acceptance.py \
		--ignore-glob 'servers/*/test_acceptance.py' -m "not docker and not node and not slow") \
		--timeout 60

contract: setup ## Send every tool's examples and compare the requests with the vendors' contracts
	@$(PYTEST) tests/contract

conformance: setup ## The official MCP conformance suite, a row a server
	@scripts/conformance

bench: setup ## Measure; writes build/bench.json and prints a table
	@scripts/bench

new: setup ## Write a new server: S=acme, AUTH=bearer|basic|header|oauth, LAYOUT=single|modules
	@scripts/new $(S) $(if $(AUTH),--auth $(AUTH)) $(if $(LAYOUT),--layout $(LAYOUT))

lock: setup ## Pin the requirements anew; UPGRADE=1 takes newer versions
	@scripts/lock $(if $(UPGRADE),--upgrade)

clean: down ## Remove build/ and .venv, but no data
	@rm -rf build .venv
