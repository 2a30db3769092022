# Shortcuts for scripts/flotilla, which lists and explains every command: `scripts/flotilla --help`.
# Every target works from a clean clone: scripts/setup creates .venv first, and does nothing when nothing has changed.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PY := .venv/bin/python
PYTEST := $(PY) -m pytest
FLOTILLA := @scripts/flotilla

.PHONY: help setup up down demo status doctor assist add remove install connect login tenant site build generate check \
	format test test-fast contract conformance bench new lock release registry-tree clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Create or update the Python environment in .venv
	@scripts/setup

up: ## Set up what is missing and start the gateway; FLOTILLA_ENGINE, _GATEWAY, _SERVERS and _PORT choose how
	$(FLOTILLA) up

down: ## Stop the gateway and every container of Flotilla; your data stays
	$(FLOTILLA) down

demo: ## Watch a client do real work through a gateway: files, tables, PDF, mail
	$(FLOTILLA) demo

status: ## Show whether the gateway runs
	$(FLOTILLA) status

doctor: ## Check this machine and your settings, and say how to correct what is wrong
	$(FLOTILLA) doctor

assist: ## Set everything up step by step: servers, accounts, clients; the same as scripts/install
	@scripts/install

add: ## Connect one server: S=facturation-pro
	$(FLOTILLA) add $(S)

remove: ## Disconnect one server, and forget the keys of its account: S=facturation-pro
	$(FLOTILLA) remove $(S)

install: ## Copy the catalog to where Docker's gateway reads it
	$(FLOTILLA) install

connect: ## Add Flotilla to a client's settings: CLIENT=claude-desktop|vscode|cursor|…, HTTP=1, PROJECT=folder, DRY_RUN=1
	$(FLOTILLA) connect $(CLIENT) $(if $(HTTP),--http) $(if $(PROJECT),--project "$(PROJECT)") $(if $(DRY_RUN),--dry-run)

login: ## Connect an account: S=google, S=gmail; `scripts/flotilla login --help` says more
	$(FLOTILLA) login $(S)

tenant: ## Create a customer of the switchboard, whose accounts nobody else sees: T=acme
	$(FLOTILLA) tenant create $(T)

build: setup ## Build the images, or those of S="filesystem export"
	@scripts/engine && scripts/build $(S)

site: ## Write the documentation as a site to build/site
	@scripts/site

generate: ## Write manifests, catalog, compose files and tables from the servers' code
	$(FLOTILLA) generate

check: setup ## Check formatting, lint, types, generated files and manifests
	@scripts/check

format: setup ## Format the code and fix what the linter can
	@.venv/bin/ruff check --quiet --fix . ; .venv/bin/ruff format --quiet .

test: ## Run everything: checks, conformance, units, contracts, images, gateways, clients
	@scripts/test

test-fast: setup ## Run what needs neither Docker nor Node; S=email: one server, with its acceptance suite
	@$(if $(S),$(PYTEST) servers/$(subst -,_,$(S)) -m "not docker and not node", \
		$(PYTEST) -n auto --dist loadgroup shared/tests servers tests/oauth tests/test_acceptance.py \
		--ignore-glob 'servers/*/test_acceptance.py' -m "not docker and not node and not slow") \
		--timeout 60

contract: setup ## Send every tool's examples and compare the requests with the vendors' contracts
	@$(PYTEST) servers -k test_contract --every-tool

conformance: setup ## Run the official MCP conformance suite
	@scripts/conformance

bench: setup ## Measure; write build/bench.json and print a table
	@scripts/bench

new: ## Create a new server: S=acme, AUTH=bearer|basic|header|oauth, LAYOUT=single|modules
	$(FLOTILLA) new $(S) $(if $(AUTH),--auth $(AUTH)) $(if $(LAYOUT),--layout $(LAYOUT))

lock: setup ## Pin the requirements again; UPGRADE=1 takes newer versions
	@scripts/lock $(if $(UPGRADE),--upgrade)

release: ## Release a version: VERSION=1.2.3, REGISTRY=…, S=a,b, KEY=cosign.key, BUILDER=…, PLATFORMS=…, DRY_RUN=1
	@scripts/release-tools
	$(FLOTILLA) release $(VERSION) $(if $(REGISTRY),--registry $(REGISTRY)) $(if $(S),--servers $(S)) $(if $(KEY),--key $(KEY)) \
		$(if $(BUILDER),--builder $(BUILDER)) $(if $(PLATFORMS),--platforms $(PLATFORMS)) $(if $(DRY_RUN),--dry-run)

registry-tree: ## Write the pull request for docker/mcp-registry, or that of S="filesystem export"
	$(FLOTILLA) registry-tree $(S)

clean: down ## Remove build/ and .venv, but no data
	@rm -rf build .venv
