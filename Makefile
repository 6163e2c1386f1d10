# `make example` and `make test` need Python 3.11 and make, nothing else.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
LOCK := requirements/lock.txt
PEERS := .venv-benchmarks
PEERS_LOCK := requirements/benchmarks.txt

.DEFAULT_GOAL := help
.PHONY: help setup setup-benchmarks example test slurm slurm-short quality format generate lock

help: ## List the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 18

setup: $(BIN)/.installed ## Create .venv from the lock file

$(BIN)/.installed: $(LOCK) pyproject.toml
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --requirement $(LOCK)
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

setup-benchmarks: $(PEERS)/.installed ## Create .venv-benchmarks, where the benchmarks find their peers

$(PEERS)/.installed: $(PEERS_LOCK) pyproject.toml
	$(PYTHON) -m venv --clear $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --require-hashes --requirement $(PEERS_LOCK)
	$(PEERS)/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

RESOLVE := .lock-venv/bin/uv pip compile --quiet --upgrade --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-emit-find-links --no-header --no-annotate pyproject.toml

lock: ## Resolve the lock files again (names, versions and hashes only)
	$(PYTHON) -m venv --clear .lock-venv
	.lock-venv/bin/python -m pip install --quiet uv
	$(RESOLVE) --group development --output-file $(LOCK)
	$(RESOLVE) --group benchmarks --constraint $(LOCK) --output-file $(PEERS_LOCK)
	rm -r .lock-venv

RUN := PATH="$(CURDIR)/$(BIN):$$PATH"
CORES ?= 2

example: setup ## Run the main job on a generated database, to results/example/merged.h5
	$(RUN) snakemake --cores $(CORES)
	$(BIN)/synreduce inspect results/example/merged.h5

test: setup quality ## Check style, types and import rules, then run the tests
	$(BIN)/python -m pytest --numprocesses $(CORES) --dist loadfile

slurm: setup ## Run the tests that need Slurm, on one started for them (Debian, root; 14 minutes)
	tests/slurm/run.sh

slurm-short: setup ## Two minutes of them; where Slurm cannot be started, say why
	tests/slurm/run.sh --short

quality: setup ## Style, types, import rules, workflow lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow/Snakefile rules
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(RUN) snakemake --lint

format: setup ## Rewrite Python and Snakemake files in house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile workflow/Snakefile rules

generate: setup ## Write the files that are generated from code
	$(BIN)/python -m synreduce.configuration.generate
	$(BIN)/python -m synreduce.cli.reference
