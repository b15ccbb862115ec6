# `make run` shows the board at work; `make test` is what decides whether a change may go in.

PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$name" && break; done)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
INSPECTOR := $(VENV)/inspector/.installed
BROWSER := $(VENV)/browser/.installed
SYNAPSE := $(VENV)/synapse/.installed
TELEGRAM := $(VENV)/telegram/.installed
WEB := hermes_kanban/surfaces/web
WEB_INSTALLED := $(WEB)/node_modules/.installed
NPM := PATH="$(CURDIR)/$(BIN):$$PATH" npm
JOBS ?= auto
STORE ?= sqlite
SEEDS ?= 1000
FROM ?= 0
STEPS ?= 200

.DEFAULT_GOAL := help
.PHONY: help setup run check web reference wheel install-test test test-stores test-clients bench docs links import-10000 screenshots torture torture-hosts simulate mutants clean

help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## /  make \1|/p' Makefile | column -t -s '|' 2>/dev/null

setup: $(INSTALLED) $(INSPECTOR) $(WEB_INSTALLED) $(BROWSER) $(SYNAPSE) $(TELEGRAM) ## make .venv with everything pinned; redone only when the pins change

$(INSTALLED): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: make setup PYTHON=/path/to/python3" >&2; exit 1; }
	@test -x $(BIN)/python || "$(PYTHON)" -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt setuptools
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation -c constraints.txt -e '.[dev]'
	@touch $@

# MCP's own inspector, by which the tests look at our server.
$(INSPECTOR): $(INSTALLED) tests/mcp/inspector/package-lock.json
	@mkdir -p $(@D)
	@cp tests/mcp/inspector/package.json tests/mcp/inspector/package-lock.json tests/mcp/inspector/.npmrc $(@D)
	cd $(@D) && $(CURDIR)/$(BIN)/npm ci --silent
	@touch $@

# What the page of the board is built with; node and npm themselves come with .venv.
$(WEB_INSTALLED): $(INSTALLED) $(WEB)/package-lock.json
	cd $(WEB) && $(NPM) ci --silent
	@touch $@

# The browser by which the tests look at the page, and the fonts it draws with.
$(BROWSER): $(INSTALLED) $(wildcard tests/browser/chromium/*)
	@mkdir -p $(@D)
	@cp tests/browser/chromium/package.json tests/browser/chromium/package-lock.json \
		tests/browser/chromium/.npmrc tests/browser/chromium/unpack.mjs $(@D)
	cd $(@D) && $(NPM) ci --silent
	$(BIN)/node $(@D)/unpack.mjs
	@touch $@

# The Matrix server by which the tests look at the chats, in a .venv of its own for its pins.
$(SYNAPSE): $(INSTALLED) tests/chat/synapse/constraints.txt
	@test -x $(@D)/bin/python || $(BIN)/python -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check \
		-c tests/chat/synapse/constraints.txt matrix-synapse
	@touch $@

# What stands in for Telegram in the tests.
$(TELEGRAM): $(INSTALLED) tests/chat/telegram/package-lock.json
	@mkdir -p $(@D)
	@cp tests/chat/telegram/package.json tests/chat/telegram/package-lock.json tests/chat/telegram/.npmrc $(@D)
	cd $(@D) && $(NPM) ci --silent
	@touch $@

run: $(INSTALLED) ## watch real workers do a sample plan (ARGS=--exit-when-idle ends by itself)
	@$(BIN)/python -m hermes_kanban.demo $(ARGS)

check: $(INSTALLED) $(WEB_INSTALLED) ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	cd $(WEB) && $(NPM) run --silent check

web: $(WEB_INSTALLED) ## build the page of the board into hermes_kanban/surfaces/static
	$(BIN)/python -m tests.browser.built

reference: $(INSTALLED) ## write docs/reference from the code that it describes
	$(BIN)/python -m hermes_kanban.reference

wheel: $(INSTALLED) ## the wheel and the sdist into dist/, with their sizes
	$(BIN)/python -m tests.install.built

install-test: $(INSTALLED) ## the wheel in a fresh home on every Python here (ARGS="--debian bookworm sid": in roots too)
	$(BIN)/python -m tests.install.everywhere $(ARGS)

test: check $(INSPECTOR) $(BROWSER) $(SYNAPSE) $(TELEGRAM) ## style, types and the tests
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(ARGS)

test-stores: $(INSTALLED) $(SYNAPSE) $(TELEGRAM) ## every room's tests that touch a board, on PostgreSQL (ROOMS="gateway rest", else all)
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal --store postgres --every-room $(addprefix tests/,$(ROOMS)) $(ARGS)

test-clients: $(INSTALLED) ## real agent clients against a scripted model (CLIENTS="continue hermes", else all)
	$(BIN)/python -m tests.agents.fetch $(CLIENTS)
	CLIENTS="$(CLIENTS)" $(BIN)/python -m pytest -m clients tests/agents tests/clients $(ARGS)

bench: $(INSTALLED) $(BROWSER) $(SYNAPSE) ## what the verbs cost, beside a floor and beside other queues (STORE=postgres: on PostgreSQL)
	$(BIN)/python -m tests.bench --store $(STORE) $(ARGS)

docs: $(INSTALLED) ## build the documentation into build/site, strictly; open its index.html
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

links: $(INSTALLED) ## ask every address that README and docs link to whether it is there
	$(BIN)/python -m tests.docs.links

import-10000: $(INSTALLED) ## import a Hermes board of 10,000 tasks, counted, compared and timed
	$(BIN)/python -m tests.porting.ten_thousand

screenshots: $(BROWSER) ## every view of the web board and story of the tutorial, into docs/images (VIEWS="board solo")
	$(BIN)/python -m tests.browser.pictures $(VIEWS)

torture: $(INSTALLED) $(SYNAPSE) ## the long forms of the kill, race, power-loss, full-disk and upgrade tests
	$(BIN)/python -m pytest -m torture $(ARGS)

torture-hosts: $(INSTALLED) ## of these, that of three hosts and one PostgreSQL, with what befell them (ARGS="-k 2")
	$(BIN)/python -m pytest -n 0 -s -m torture tests/hosts $(ARGS)

simulate: $(INSTALLED) ## seeded histories of the whole board (SEEDS=10000 FROM=0 STEPS=200 JOBS=2)
	$(BIN)/python -m tests.simulation --seeds $(SEEDS) --from $(FROM) --steps $(STEPS) \
		$(if $(filter-out auto,$(JOBS)),--jobs $(JOBS)) $(ARGS)

mutants: $(INSTALLED) ## switch the kernel's rules off one by one, and see the simulation miss each
	$(BIN)/python -m tests.simulation.mutants $(if $(filter-out auto,$(JOBS)),--jobs $(JOBS)) $(ARGS)

clean: ## remove what the other targets made, .venv included
	rm -rf $(VENV) $(WEB)/node_modules .venv-bench .clients .install build dist *.egg-info .board .simulation .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
