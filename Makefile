# Everything a newcomer needs: make run, make test, make bench.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
READY := $(VENV)/.ready

.PHONY: run test check bench picture recording clean

run: $(READY) ## serve; with no settings at all as a demo with a chat page in the browser
	$(BIN)/triage serve

test: check ## all checks and tests; a file stays with one process, so what it starts is started once
	$(BIN)/python -m pytest -n logical --maxprocesses 8 --dist loadfile

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
	$(BIN)/python -m bench.service --soak

picture: $(READY) ## docs/images/demo.png, by headless Chromium; Chinese fonts must be there
	$(BIN)/python -m tests.support.picture docs/images/demo.png

recording: $(READY) ## docs/images/simulate.svg; run it in a terminal
	$(INSTALL) --group recording
	$(BIN)/termtosvg docs/images/simulate.svg -g 100x32 -t window_frame -D 4000 -c '$(BIN)/python -m triage simulate --demo'

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "triage needs Python 3.11 or newer; name one with: make PYTHON=python3.12"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(INSTALL) --upgrade 'pip>=25.1'
	$(INSTALL) --editable . --group dev
	@touch $(READY)

clean:
	rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
