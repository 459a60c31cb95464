# What a developer types; `make help` lists it. Needs make and Python >= 3.11, nothing else:
# everything is installed into .venv, from the hashed locks in requirements/.

PYTHON ?= python3
WORKERS ?= 2
BASE ?= main
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command "make lock" $(UPGRADE)
UPGRADE ?=

.DEFAULT_GOAL := help
.PHONY: help run test lint fix gen bench breaking lock clean

help: ## List these targets.
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  ARGS=... is handed on by run, test and bench; PYTHON=... chooses the Python for .venv."

run: $(VENV)/.run ## Serve on loopback (ARGS="--config antiphon.yaml" for your own configuration).
	@exec $(BIN)/antiphon serve $(ARGS)

test: $(VENV)/.dev ## Run all tests (ARGS="tests/unit -k codec" for some).
	@$(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

lint: $(VENV)/.dev ## Check style, types, the contract's rules and that generated code is fresh.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/buf lint
	$(BIN)/buf format --diff --exit-code --path protos/antiphon
	$(BIN)/python -m pytest --quiet tests/unit/test_generated_code.py

fix: $(VENV)/.dev ## Repair what the linters can repair themselves.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/buf format --write --path protos/antiphon

gen: $(VENV)/.dev ## Generate the contract's code and the pages made from code anew, after a change of what they are made from.
	$(BIN)/python protos/generate.py
	$(BIN)/python -m server.telemetry.registry
	$(BIN)/python -m server.testing.capabilities
	$(BIN)/python -m server.checking.page
	$(BIN)/python -m server.testing.fields

bench: $(VENV)/.dev ## Measure the codec and the CPU per request and per event, and print tables.
	@$(BIN)/python -m bench $(ARGS)

breaking: $(VENV)/.dev ## Compare the contract with BASE (default main) for changes that break callers.
	$(BIN)/buf breaking --against '.git#branch=$(BASE)'

lock: $(VENV)/.dev ## Resolve the dependencies anew (UPGRADE=--upgrade for the newest of each).
	$(LOCK) pyproject.toml --output-file requirements/run.lock
	$(LOCK) --constraint requirements/run.lock --group pyproject.toml:build --output-file requirements/build.lock
	$(LOCK) --constraint requirements/run.lock --constraint requirements/build.lock pyproject.toml --group dev \
		--output-file requirements/dev.lock

clean: ## Remove .venv and every cache.
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist

# The stamps are written last, so an interrupted installation is taken up again.

$(VENV)/.made:
	@command -v $(PYTHON) >/dev/null || { \
		echo "$(PYTHON) is not on PATH. Install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) -V 2>&1). Name another: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make virtual environments with pip. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) -V)"
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@

# The build backend comes from the lock too, hence --no-build-isolation.
$(VENV)/.run: $(VENV)/.made requirements/run.lock requirements/build.lock pyproject.toml
	@echo "Installing the locked dependencies into $(VENV)"
	@$(PIP) install --require-hashes --no-deps --only-binary :all: -r requirements/run.lock -r requirements/build.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.made requirements/dev.lock pyproject.toml
	@echo "Installing the locked dependencies and tools into $(VENV)"
	@$(PIP) install --require-hashes --no-deps --only-binary :all: -r requirements/dev.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $(VENV)/.run $@
