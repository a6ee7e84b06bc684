# Everything a person types here: `make` alone lists it.

SHELL := /bin/sh
.DEFAULT_GOAL := help
PYTHON := .venv/bin/python
# A virtual environment holds absolute paths, so one that was copied from another folder is made anew.
PLACE := $(shell pwd -P | cksum | cut -d ' ' -f 1)
MADE := .venv/made-for-$(PLACE)
RUNTIME := .venv/installed-for-run-$(PLACE)
DEVELOPMENT := .venv/installed-for-test-$(PLACE)
INSTALL := sh dev/launcher/install.sh

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(RUNTIME) ## start the whole demo; Ctrl-C stops it (PORT=8001 and HOST choose where it listens)
	@exec $(PYTHON) -m dev.launcher run --starter make

test: $(DEVELOPMENT) ## run all tests but the sweeps (ARGS="tests/dev/launcher -k port" reaches pytest)
	@$(PYTHON) -m pytest -n 3 --dist loadgroup -m "not sweep" $(ARGS)

sweep: $(DEVELOPMENT) ## run the tests that go through every page, list and way of the back-office
	@$(PYTHON) -m pytest -n 2 --dist loadgroup -m sweep $(ARGS)

chaos: $(DEVELOPMENT) ## kill everything at random under load and count the ledger (ARGS="--seconds 600 --seed 7")
	@$(PYTHON) -m tests.chaos $(ARGS)

fuzz: $(DEVELOPMENT) ## have a schema fuzzer look for failures (ARGS="--seconds 600 --seed 7")
	@$(PYTHON) -m tests.fuzz $(ARGS)

abuse: $(DEVELOPMENT) ## send 50,000 malformed requests at a server (ARGS="--count 2000 --seed 7")
	@$(PYTHON) -m tests.abuse $(ARGS)

bench: $(DEVELOPMENT) ## measure everything beside what the database can do, within 15 minutes
	@$(PYTHON) -m dev.benchmarks $(ARGS)

bench-quick: $(DEVELOPMENT) ## the same within 3 minutes (ARGS="--only events --repetitions 3")
	@$(PYTHON) -m dev.benchmarks --quick $(ARGS)

bench-growth: $(DEVELOPMENT) ## the same questions at 10 thousand and up to 5 million rewards (ARGS="--size 1000000")
	@$(PYTHON) -m dev.benchmarks.growth $(ARGS)

bench-special: $(DEVELOPMENT) ## what each departure from plain Django and DRF is worth (ARGS="--turns 30")
	@$(PYTHON) -m dev.benchmarks.special_paths $(ARGS)

check: lint types imports migrations translations openapi-check ## run every static check

lint: $(DEVELOPMENT) ## check style and formatting
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .

types: $(DEVELOPMENT) ## check the types
	@$(PYTHON) -m dev.launcher.throwaway $(PYTHON) -m mypy .

imports: $(DEVELOPMENT) ## check that calls only descend
	@.venv/bin/lint-imports

migrations: $(DEVELOPMENT) ## check that every change of a model has its migration
	@$(PYTHON) -m dev.launcher.throwaway $(PYTHON) manage.py makemigrations --check --dry-run --skip-checks

translations: $(DEVELOPMENT) ## check that every text has its Russian translation
	@$(PYTHON) -m dev.translations

openapi: $(DEVELOPMENT) ## write docs/openapi.json anew, and name what changes for callers
	@$(PYTHON) -m dev.launcher.throwaway $(PYTHON) manage.py openapi

openapi-check: $(DEVELOPMENT) ## check that docs/openapi.json is what the code makes
	@$(PYTHON) -m dev.launcher.throwaway $(PYTHON) manage.py openapi --check

screenshots: $(DEVELOPMENT) ## take the pictures of the handbooks anew (needs Chromium; ARGS="--theme dark --folder /tmp/x")
	@$(PYTHON) -m tests.screenshots $(ARGS)

audit: $(DEVELOPMENT) ## look for known vulnerabilities of the pinned packages (ARGS=--strict)
	@$(PYTHON) -m dev.audit $(ARGS)

clean: ## remove what set-up, runs and tests have made, the demo's database included
	@if [ -x $(PYTHON) ]; then $(PYTHON) -m dev.launcher clean; fi
	rm -rf .venv .run .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis staticfiles
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(MADE):
	@$(INSTALL) environment $@

$(RUNTIME): requirements.txt $(MADE)
	@$(INSTALL) requirements.txt $@

$(DEVELOPMENT): requirements.txt requirements-dev.txt $(MADE)
	@$(INSTALL) requirements-dev.txt $@ $(RUNTIME)

.PHONY: help run test sweep chaos fuzz abuse bench bench-quick bench-growth bench-special check lint types imports migrations translations openapi openapi-check screenshots audit clean
