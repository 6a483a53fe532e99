# Everything a newcomer needs; `make help` lists it. Set-up happens by itself and only when something is missing.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000

.PHONY: help run test test-whoosh lint bench format lock messages setup setup-dev setup-bench chromium postgresql clean

help: ## List what can be run
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 14

run: setup ## Set up what is missing, publish the articles and serve them on http://127.0.0.1:$(PORT)
	@PORT=$(PORT) $(BIN)/flask kb serve --demo

test: setup-dev chromium postgresql test-whoosh ## Set up and run every test, the browser's included
	@$(BIN)/python -m pytest -n auto --dist loadfile

test-whoosh: setup-dev $(VENV)-whoosh/.ready ## The search tests on Whoosh 2.7.4, the way back
	@PYTHONPATH=$(VENV)-whoosh $(BIN)/python -c 'import whoosh; assert whoosh.__version__ == (2, 7, 4), whoosh.__version__'
	@PYTHONPATH=$(VENV)-whoosh $(BIN)/python -m pytest -n auto -W ignore::SyntaxWarning tests/search

lint: setup-dev ## Style and types
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

format: setup-dev ## Put the code into the agreed shape
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

messages: setup ## Bring the portal's own texts to the translators' files
	@$(BIN)/python -m app.web.messages

bench: setup-bench ## Benchmarks, the results as ratios in one run; make bench QUICK=--quick for a short one
	@$(BIN)/python -m benchmarks $(QUICK)

setup: $(VENV)/.run-ready ## Virtual environment with the pinned dependencies
	@$(BIN)/python -m app.web.assets

setup-dev: $(VENV)/.dev-ready
	@$(BIN)/python -m app.web.assets

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Hylla needs Python 3.11 or newer; this is " + sys.version.split()[0])'
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "Python's venv module is missing or incomplete: on Debian, apt-get install python3-venv"; exit 1; }

$(VENV)/.run-ready: requirements.txt | $(BIN)/python
	@echo "Installing the pinned dependencies …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.dev-ready: requirements-dev.txt | $(BIN)/python
	@echo "Installing the pinned dependencies for tests …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@ $(VENV)/.run-ready

$(VENV)/.bench-ready: requirements-bench.txt | $(BIN)/python
	@echo "Installing the pinned dependencies for benchmarks …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.txt
	@touch $@

setup-bench: setup-dev $(VENV)/.bench-ready

# In a folder of its own, found before the one we run on: everything else in the environment stays the same.
$(VENV)-whoosh/.ready: requirements-whoosh.txt | $(BIN)/python
	@echo "Installing Whoosh 2.7.4 beside ours …"
	@rm -rf $(VENV)-whoosh
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes --target $(VENV)-whoosh -r requirements-whoosh.txt
	@touch $@

clean: ## Remove everything that can be made again; articles, database and uploads stay
	@rm -rf $(VENV) $(VENV)-whoosh .pytest_cache .ruff_cache .mypy_cache app/static/dist

chromium:
	@if command -v chromium >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "Installing Chromium for the browser tests …"; \
	  { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends chromium fonts-noto-core fonts-liberation; } >/dev/null; \
	elif sudo -n true 2>/dev/null && command -v apt-get >/dev/null; then \
	  echo "Installing Chromium for the browser tests …"; \
	  { sudo -n apt-get -qq update && sudo -n apt-get -qq install -y --no-install-recommends chromium fonts-noto-core fonts-liberation; } >/dev/null; \
	else \
	  echo "The browser tests need Chromium, and I may not install it here."; \
	  echo "Run: sudo apt-get install chromium fonts-noto-core   (or the same for your system), then make test again."; exit 1; \
	fi

postgresql:
	@if command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "Installing PostgreSQL for the tests that run on it …"; \
	  { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends postgresql; } >/dev/null; \
	elif sudo -n true 2>/dev/null && command -v apt-get >/dev/null; then \
	  echo "Installing PostgreSQL for the tests that run on it …"; \
	  { sudo -n apt-get -qq update && sudo -n apt-get -qq install -y --no-install-recommends postgresql; } >/dev/null; \
	else \
	  echo "The tests also run on PostgreSQL, each on a private cluster of its own, and I may not install it here."; \
	  echo "Run: sudo apt-get install postgresql   (or the same for your system), then make test again."; exit 1; \
	fi

lock: $(BIN)/python ## Pin the dependencies anew, with hashes
	@$(BIN)/pip install --quiet --disable-pip-version-check uv
	@for f in requirements requirements-dev requirements-bench; do \
	  $(BIN)/uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-header $$f.in -o $$f.txt; done
