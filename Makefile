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

# Another target, or the machine itself, may be installing at the same moment: wait for the locks instead of failing.
APT := apt-get -qq -o DPkg::Lock::Timeout=300

define install_or_say # (1) what it is for, (2) Debian packages
sudo=""; [ "$$(id -u)" = 0 ] || sudo="sudo -n"; \
if command -v apt-get >/dev/null && $$sudo true 2>/dev/null; then \
  echo "Installing $(2) for $(1) …"; \
  for attempt in 1 2 3 4 5 6; do $$sudo $(APT) update >/dev/null && break; sleep 10; done; \
  $$sudo env DEBIAN_FRONTEND=noninteractive $(APT) install -y --no-install-recommends $(2) >/dev/null; \
else \
  echo "I need $(2) for $(1), and I may not install it here."; \
  echo "Run: sudo apt-get install $(2)   (or the same for your system), then make test again."; exit 1; \
fi
endef

chromium:
	@command -v chromium >/dev/null || { $(call install_or_say,the browser tests,chromium fonts-noto-core fonts-liberation); }

postgresql:
	@command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || \
	{ $(call install_or_say,the tests that run on PostgreSQL (each on a private cluster of its own),postgresql); }

lock: $(BIN)/python ## Pin the dependencies anew, with hashes
	@$(BIN)/pip install --quiet --disable-pip-version-check uv
	@for f in requirements requirements-dev requirements-bench; do \
	  $(BIN)/uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-header $$f.in -o $$f.txt; done
