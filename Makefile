# `make run` starts everything, `make test` checks everything; the rest is one line each over `overround`.
# Debian's own Python first: it is built with profile-guided optimisation, a sixth quicker than most built by hand.
PYTHON := $(shell for python in /usr/bin/python3.11 python3.11 /usr/bin/python3 python3; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
PYTHON := $(or $(PYTHON),$(error Python 3.11 or later is needed: apt install python3))
# Names of files are UTF-8 whatever the locale.
export PYTHONUTF8 := 1
SETUP := $(PYTHON) -m infra.bootstrap
BIN := .venv/bin

.PHONY: run test test-long bench bench-odds accuracy status clean-data protos format lock

run:
	@$(SETUP) && exec $(BIN)/overround up
test:
	@$(SETUP) --tests && exec $(BIN)/python -m infra.checks
test-long:
	@$(SETUP) --tests && exec $(BIN)/python -m infra.checks --long
bench:
	@$(SETUP) && exec $(BIN)/python -m loadtests
bench-odds:
	@$(SETUP) --peers && exec $(BIN)/python -m tests.bench.odds
accuracy:
	@$(SETUP) && exec $(BIN)/python -m studies.accuracy
status:
	@$(BIN)/overround status
clean-data:
	@$(BIN)/overround clean-data
protos:
	@$(SETUP) && $(BIN)/python protos/generate.py
format:
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .
lock:
	@$(BIN)/uv pip compile -q --generate-hashes --no-emit-index-url --extra dev --python-version 3.11 pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile -q --generate-hashes --no-emit-index-url --group peers -c requirements.lock --python-version 3.11 -o requirements-peers.lock
