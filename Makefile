# Everything a developer does here. `make` alone lists it.
.DEFAULT_GOAL := help
.PHONY: help demo up test node chromium bench soak lint types layers lock clean
SHELL := /bin/bash

# The first Python that is new enough; say PYTHON=… to choose.
PYTHON ?= $(shell for it in python3 python3.13 python3.12 python3.11; do \
	$$it -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$it && break; done)
BIN := .venv/bin
NODE := tests/integration/node tests/browser/node
JUDGES := tests/integration/judges
PIP := $(BIN)/pip install -qq --disable-pip-version-check
COMPILE = $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--upgrade --quiet --exclude-newer "$$(date -u -d '7 days ago' +%F)" --custom-compile-command 'make lock'

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' Makefile

demo: .venv/ready  ## run the whole job on this machine and explain each step
	@$(BIN)/python deploy/demo.py

up: .venv/ready node  ## open the page in a browser, with all that it needs, until Ctrl-C
	@$(BIN)/python -m deploy.up

test: .venv/ready node chromium lint types layers  ## run every check and every test
	$(BIN)/python -m pytest --cov

# Without Node the tests that need it skip themselves, and say so.
node:
	@if ! node -e 'process.exit(+(parseInt(process.versions.node) < 20))' 2>/dev/null || ! command -v npm >/dev/null; \
	then echo 'Node 20 or newer with npm is not here: the tests with SDKs for JavaScript are left out.'; \
	else $(MAKE) --no-print-directory --silent $(NODE:=/node_modules/ready); fi

$(NODE:=/node_modules/ready): %/node_modules/ready: %/package.json %/package-lock.json
	@echo 'Installing the packages for JavaScript of $* for the tests, once…'
	@cd $* && npm ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@

# Without Chromium the tests in a browser skip themselves, and say so; with CI=true they fail.
chromium:
	@for it in chromium chromium-browser google-chrome; do command -v $$it >/dev/null && exit 0; done; \
	root=; test "$$(id -u)" = 0 || root='sudo -n'; \
	if command -v apt-get >/dev/null && $$root true 2>/dev/null; then \
		echo 'Installing Chromium for the tests in a browser, once…'; \
		{ $$root apt-get update -qq; \
		$$root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium; } >/dev/null 2>&1 && exit 0; \
	fi; \
	echo 'Chromium is not here and cannot be installed: the tests in a browser are left out.'; \
	test -z "$$CI"

bench: .venv/ready  ## measure what was promised, as ratios in one run
	@failed=0; for it in vend fresh small transfer; do $(BIN)/python -m tests.bench.$$it || failed=1; echo; done; exit $$failed

soak: .venv/ready  ## run what takes too long for every day
	$(BIN)/python -m pytest -m soak

lint: .venv/ready  ## check style and format
	$(BIN)/ruff check --quiet
	$(BIN)/ruff format --quiet --check

types: .venv/ready  ## check types, strictly
	$(BIN)/mypy

layers: .venv/ready  ## check that nothing imports upward
	$(BIN)/lint-imports

lock: .venv/ready  ## choose versions anew, none younger than a week
	$(COMPILE) pyproject.toml --extra dev --output-file requirements.lock
	$(COMPILE) $(JUDGES).in --no-deps --no-annotate --output-file $(JUDGES).lock
	$(COMPILE) pyproject.toml --extra server --no-annotate --constraint requirements.lock \
		--output-file deploy/container/requirements.lock
	printf 'hatchling\nsetuptools\n' | $(COMPILE) - --no-annotate --constraint requirements.lock \
		--output-file deploy/container/build.lock

clean:  ## remove what the other targets made
	rm -rf .venv $(NODE:=/node_modules) .coverage .*_cache .hypothesis

# The last of them are only judges: without one, the tests that need it skip themselves, and say so.
.venv/ready: requirements.lock $(JUDGES).lock pyproject.toml
	@test -n "$(PYTHON)" || { echo 'Python 3.11 or newer is needed; say PYTHON=/path/to/it'; exit 1; }
	@echo 'Installing into .venv, once…'
	@$(PYTHON) -m venv --clear .venv
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@$(PIP) --no-deps --only-binary :all: --require-hashes -r $(JUDGES).lock \
		|| echo 'Some judges of the sandbox cannot be installed here: their tests are left out.'
	@touch $@
