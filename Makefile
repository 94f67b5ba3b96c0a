# Everything here needs only Python (3.11 or newer), make and the package registries.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp-installed
ARGS ?=

.PHONY: help demo test check audit chaos bench sandbox kit format lock clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: make PYTHON=python3.11 …")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(STAMP)  ## sandbox up, pull, import, reconcile, report, and the score against the ground truth
	$(BIN)/python -m ledgerbridge.cli.demo $(ARGS)

test: $(STAMP)  ## all tests (needs no server; uses PostgreSQL and RabbitMQ where they answer)
	$(BIN)/python -m pytest $(ARGS)

check: $(STAMP)  ## lint, types, layering, sizes, known vulnerabilities
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python .ci/house_rules.py
	$(BIN)/python .ci/audit.py

audit: $(STAMP)  ## known vulnerabilities of the pinned packages; LEDGERBRIDGE_AUDIT=required fails where nobody can be asked
	$(BIN)/python .ci/audit.py

chaos: $(STAMP)  ## random edits, drift, kill -9 at size, e.g. make chaos ARGS='--seeds 200 --kills 50'
	$(BIN)/python -m tests.chaos $(ARGS)

bench: $(STAMP)  ## benchmarks beside their peers; without ARGS the list, e.g. make bench ARGS='pull --small'
	$(BIN)/python benchmarks $(ARGS)

sandbox: $(STAMP)  ## the emulated far sides on loopback until Ctrl-C, e.g. make sandbox ARGS='--customers 200'
	$(BIN)/ledgerbridge sandbox $(ARGS)

kit: $(STAMP)  ## the acceptance kit for one connector, e.g. make kit SYSTEM=zoho_crm
	$(BIN)/python -m pytest tests/contract -k '$(SYSTEM)' $(ARGS)

format: $(STAMP)  ## let ruff put things in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(STAMP)  ## write constraints.txt anew from what is installed
	$(BIN)/python -m pip freeze --exclude-editable --exclude pip --exclude setuptools > constraints.txt

clean:  ## remove what the other targets made
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
