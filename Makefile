# `make demo` and `make test` set up everything they need: git, make and Python 3.11 are enough.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help setup demo test check format bench bench-history soak lock clean

help:  ## say what there is
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

setup: $(READY)  ## make .venv, with exactly what requirements.lock says

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("cachediff needs Python 3.11 or newer; say which: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(READY)  ## make a small upstream, take snapshots of it, compare two collections
	@rm -rf demo
	@$(BIN)/cachediff demo demo
	@echo "(cachediff is in $(BIN): run  . $(BIN)/activate  before you go there)"

test: $(READY)  ## run the tests
	$(BIN)/pytest -n auto

check: $(READY)  ## lint, types, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(READY)  ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY)  ## measure speed and memory, each against a baseline run beside it
	$(BIN)/python -m benchmarks

bench-history: $(READY)  ## measure taking in the past, and asking it
	$(BIN)/python -m benchmarks.history

soak: $(READY)  ## kill a run, and let its disk fail, at every point there is (half an hour)
	$(BIN)/python -m benchmarks.soak

lock: $(READY)  ## write requirements.lock anew from pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
	  --no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command 'make lock' \
	  --extra plots --extra dask --group build --group test --group lint --group bench --output-file requirements.lock pyproject.toml

clean:  ## remove everything that was generated
	rm -rf $(VENV) demo .benchmarks dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
