# Everything installs itself into .venv; only Python 3.11+ and make are needed.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint format soak bench lock clean

help:  ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

$(READY): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("portcfg needs Python 3.11 or newer; try make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv --clear $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/dev.txt
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

setup: $(READY)  ## create .venv with the locked dependencies

demo: $(READY)  ## the customer's Cursor integration on an embedded Port, start to end
	$(PY) -m portcfg demo

test: $(READY) lint  ## linters, types and tests
	$(PY) -m pytest -q -n auto --dist worksteal

lint: $(READY)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

format: $(READY)  ## reformat the code
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

soak: $(READY)  ## the long fault and soak matrices
	$(PY) -m pytest -q -n auto --dist worksteal --timeout 3600 --soak

bench: $(READY)  ## measure speed against baselines in the same run
	$(PY) -m benchmarks

LOCK := uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
# What checks IRIs in JSON: nothing here does, and with it every `import jsonschema` takes half a second more.
LEFT_OUT := --no-emit-package rfc3987-syntax --no-emit-package lark

lock:  ## refresh what is in requirements/ (needs uv)
	$(LOCK) $(LEFT_OUT) --extra emulator --group dev pyproject.toml -o requirements/dev.txt
	$(LOCK) --group release -o requirements/release.txt
	$(LOCK) --extra emulator pyproject.toml -o requirements/runtime.txt

clean:  ## remove the virtual environment and caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis dist build
