# make demo    the podcast site, with a tunnel in the middle of its download
# make test    the tests, under five minutes on two cores
# make docs    docs/ as a site, in .venv/site; a warning is an error
# make pictures  the pictures in docs/, from runs of today
# make check   the linters, conformance, make test and make docs
# make mutation  the tests' own test: up to half an hour on two cores; MUTATION=--tenth one mutant of ten, as CI does,
#                --continue goes on where a run stopped, --survivors tries what survived again
# make torture TARGET=frames|kills|servers MINUTES=N SEED=S  attacks on what must hold, on all cores; it goes on counting
#                where the last run stopped
# make soak MINUTES=N SEED=S  a long life: what of it stays in memory, counted at each quarter of the time
# make bench    swruntime beside its peers, on a machine that has nothing else to do: some twenty minutes; installs them (Debian
#                packages) where it can, and keeps the table in benchmarks/RESULTS.md. BENCH="--before CHECKOUT" measures an
#                older version beside it, BENCH="--only big" one row
# Each sets up what it needs in .venv, from the package registry alone.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: pictures demo test test-slow mutation torture soak bench lint conformance docs check coverage clean

$(STAMP): pyproject.toml
	@command -v $(PYTHON) >/dev/null 2>&1 || { echo "make: $(PYTHON) is not there; make PYTHON=python3.12, say" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

demo: $(STAMP)
	@rm -rf $(VENV)/demo
	$(BIN)/python -m swruntime run examples/podcast --scenario examples/podcast/tunnel.toml --profile $(VENV)/demo
	$(BIN)/python -m swruntime cache examples/podcast episodes --profile $(VENV)/demo

test: $(STAMP)
	$(BIN)/python -m pytest -q -n auto

test-slow: $(STAMP)
	$(BIN)/python -m pytest -q -n auto -m slow

mutation: $(STAMP)
	$(BIN)/python -m tests.specs.mutation $(MUTATION)

TARGET ?= frames
MINUTES ?= 10
SEED ?= 0
torture: $(STAMP)
	$(BIN)/python -m tests.torture $(TARGET) --minutes $(MINUTES) --seed $(SEED)

soak: $(STAMP)
	$(BIN)/python -m tests.soak --minutes $(MINUTES) --seed $(SEED)

bench: $(STAMP)
	$(BIN)/python -m benchmarks --install --results benchmarks/RESULTS.md $(BENCH)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

coverage: $(STAMP)
	$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run --source=swruntime/machines,swruntime/algorithms -m pytest -q tests/machines tests/algorithms
	$(BIN)/python -m coverage report --fail-under=100

conformance: $(STAMP)
	$(BIN)/python -m swruntime conformance

docs: $(STAMP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict --site-dir $(VENV)/site

pictures: $(STAMP)
	$(BIN)/python docs/pictures.py

check: lint conformance test coverage docs

clean:
	rm -rf $(VENV) .coverage .mypy_cache .ruff_cache .pytest_cache .import_linter_cache dist mutants
