# Each target does its own set-up; options go through ARGS: make demo ARGS="--once --fast"
PY := .venv/bin/python
ARGS ?=
export PYTHON

# What decides about money and wakes people is covered to the last branch.
WHOLE := */core/*,*/venues/*/normalise.py,*/notify/render.py

# No hosts in the lock files: which index serves the pins is the machine's own setting.
LOCK := --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	--no-emit-index-url --no-emit-find-links

.PHONY: help setup-run setup-dev demo test lint coverage check bench screenshots schemas lock clean

help: ## This list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 12

setup-run:
	@sh .ci/setup requirements-run.lock

setup-dev:
	@sh .ci/setup requirements.lock

demo: setup-run ## Watch simulated accounts go into a margin call and out of it
	@.venv/bin/marginwatch demo $(ARGS)

test: lint ## All that a contribution must pass
	$(PY) -m pytest -n auto --cov --cov-report= $(ARGS)
	@$(if $(ARGS),true,$(MAKE) --no-print-directory coverage)

lint: setup-dev ## Style, types and the direction of imports
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	.venv/bin/lint-imports

coverage: ## The gates, over the last test run
	$(PY) -m coverage report --fail-under=90
	$(PY) -m coverage report --fail-under=100 --include='$(WHOLE)'

check: setup-run ## Check a config: make check ARGS="--config my.toml"
	@.venv/bin/marginwatch check $(ARGS)

bench: setup-dev ## What the README says of speed, measured on this machine
	@$(PY) benchmarks/run.py $(ARGS)

screenshots: setup-dev ## The guide's pictures of the page, taken anew from the demo in Chromium
	@$(PY) tests/screenshots.py

schemas: setup-dev ## The schemas for editors, written anew after a change of keys
	@for each in config rules tests; do .venv/bin/marginwatch schema $$each --output schemas/$$each.schema.json; done

lock: ## Pin the newest versions that pyproject.toml allows
	@command -v uv >/dev/null || { echo 'uv is missing: install it, for example with pip install uv' >&2; exit 1; }
	uv pip compile $(LOCK) --all-extras --group dev --upgrade pyproject.toml --output-file requirements.lock
	uv pip compile $(LOCK) --all-extras --group build --constraint requirements.lock \
		pyproject.toml --output-file requirements-run.lock

clean: ## Remove all that can be made again
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.*
