# Everything a newcomer needs: make run, make test, make bench.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
LOCKED := --build-constraint requirements-dev.lock
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --custom-compile-command 'make lock'
READY := $(VENV)/.ready

.PHONY: run test check bench lock picture pictures recording clean

run: $(READY) ## serve; with no settings at all as a demo with a chat page in the browser
	$(BIN)/triage serve

test: check ## all checks and tests; a file stays with one process, so what it starts is started once, the longest first
	$(BIN)/python -m pytest -n logical --maxprocesses 8 --dist loadfile --no-loadscope-reorder

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/triage rules check
	$(BIN)/triage rules test

bench: $(READY) ## the measurements that docs/benchmarks.md explains
	$(INSTALL) --group bench
	$(BIN)/python -m bench
	$(BIN)/python -m bench.parsing
	$(BIN)/python -m bench.matching
	$(BIN)/python -m bench.logs
	$(BIN)/python -m bench.console
	$(BIN)/python -m bench.service --soak
	$(BIN)/python -m bench.pictures

lock: ## the lock files anew from pyproject.toml; with UPGRADE=--upgrade the newest releases too
	$(INSTALL) --group lock
	$(LOCK) $(UPGRADE) --all-extras --group dev --output-file requirements-dev.lock pyproject.toml
	$(LOCK) --extra pictures --extra postgresql --constraint requirements-dev.lock --output-file requirements.lock pyproject.toml

picture: $(READY) ## docs/images/demo.png, by headless Chromium; fonts for Chinese and emoji must be there
	$(BIN)/python -m tests.support.picture docs/images/demo.png

pictures: $(READY) ## docs/images/console: every page of the console, by headless Chromium; fonts for Chinese and emoji must be there
	$(BIN)/python -m tests.support.console_pictures docs/images/console

recording: $(READY) ## docs/images/simulate.svg; run it in a terminal
	$(INSTALL) --group recording
	$(BIN)/termtosvg docs/images/simulate.svg -g 100x32 -t window_frame -D 4000 -c '$(BIN)/python -m triage simulate --demo'

$(READY): pyproject.toml requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "triage needs Python 3.11 or newer; name one with: make PYTHON=python3.12"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(INSTALL) --upgrade 'pip>=25.3'
	$(INSTALL) $(LOCKED) --no-deps --require-hashes --requirement requirements-dev.lock
	$(INSTALL) $(LOCKED) --no-deps --editable .
	@touch $(READY)

clean:
	rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
