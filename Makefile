# Two commands for a newcomer: make demo, make test. The rest is for those who change the code.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
CORE := $(VENV)/core.stamp
ALL := $(VENV)/all.stamp
# LiteLLM, 600 MB in an environment of its own, for one test: `make test PROXY=` leaves it out and that test skips.
PROXY ?= $(VENV)/litellm.stamp
export PIP_DISABLE_PIP_VERSION_CHECK = 1
export PYTHONDONTWRITEBYTECODE =

.PHONY: demo test check system bench lock clean

demo: $(CORE) ## scan the bundled sample exports, write a report, print the top findings
	@$(BIN)/threelines demo --out demo-output

test: system $(ALL) $(PROXY) check ## set up everything and run every test
	$(BIN)/python -m pytest -n 2 --dist worksteal -p no:cacheprovider

check: $(ALL) ## formatting, types, the vocabulary's own examples: what pre-commit runs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/threelines vocabulary check

system: ## Chromium, Java, PostgreSQL, Tesseract, fonts: from Debian where we may, else a loud line
	@sh scripts/system-packages

bench: $(ALL) ## the tables of docs/benchmark.md (needs ../shared/data)
	$(BIN)/threelines bench --data ../shared/data --write docs/benchmark.md

lock: ## pin versions and hashes anew, without addresses
	sh scripts/lock

$(VENV)/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "threelines needs Python 3.11 or newer: set PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(CORE): $(VENV)/bin/python requirements/core.txt pyproject.toml
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/core.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(ALL): $(CORE) requirements/all.txt
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/all.txt
	@touch $@

$(VENV)/litellm.stamp: $(VENV)/bin/python requirements/litellm.txt
	$(PYTHON) -m venv $(VENV)/litellm
	$(VENV)/litellm/bin/python -m pip install --quiet --require-hashes --no-deps --no-compile -r requirements/litellm.txt
	@touch $@

clean:
	rm -rf $(VENV) demo-output .pytest_cache .mypy_cache .ruff_cache .hypothesis
