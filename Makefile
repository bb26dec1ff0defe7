# Each target makes the virtual environment that it needs in this folder, and then does its work.
PYTHON ?= python3
PYTEST_ARGS ?=
PIP = pip>=25.1
QUIET = --quiet --disable-pip-version-check
# Where bytecode is not written, each run compiles the tests again, and each process that they start
# the package.
unexport PYTHONDONTWRITEBYTECODE
# Spark needs a Java runtime.
SPARK = $(shell command -v java >/dev/null && echo --group spark)

.PHONY: demo test test-oldest nightly fresh-home lint hooks distributions faults bench scale docs clean

demo: .venv-demo/ready
	.venv-demo/bin/sectorsdf demo

test: .venv-test/ready test-oldest
	.venv-test/bin/python -m pytest -n 2 --dist loadscope $(PYTEST_ARGS)

# Test with the oldest supported pandas and pyarrow, without the tests that are marked `newest`.
test-oldest: .venv-test-oldest/ready
	.venv-test-oldest/bin/python -m pytest -n 2 --dist loadscope -m "not newest" $(PYTEST_ARGS)

# Give the property tests forty times as many examples, and new ones in each run.
nightly: .venv-test/ready
	HYPOTHESIS_PROFILE=nightly .venv-test/bin/python -m pytest -n 2 -m hypothesis $(PYTEST_ARGS)

# Run the `make` commands of the README in a clone with an empty home; this downloads what they need.
fresh-home: .venv-test/ready
	FRESH_HOME=1 .venv-test/bin/python -m pytest -k make_commands tests/project/test_packaging.py

lint: .venv-lint/ready
	.venv-lint/bin/ruff check .
	.venv-lint/bin/ruff format --check .
	.venv-lint/bin/mypy
	.venv-lint/bin/lint-imports

# Run the same tools before each commit.
hooks: .venv-lint/ready
	.venv-lint/bin/pre-commit install

# Build the source distribution and the wheel into dist/, check both, and import every public name
# from the wheel in a fresh environment.
distributions: .venv-distributions/ready
	rm -rf dist .venv-wheel
	.venv-distributions/bin/python -m build
	.venv-distributions/bin/twine check --strict dist/*
	$(PYTHON) -m venv .venv-wheel
	.venv-wheel/bin/python -m pip install --quiet --disable-pip-version-check dist/*.whl
	.venv-wheel/bin/python -I -W error -c "from sectorsdf import *"
	.venv-wheel/bin/sectorsdf --version

# Cause every fault over loopback and record the outcomes; writes docs/faults.md.
faults: .venv-test/ready
	.venv-test/bin/python -W error benchmarks/faults.py

# Compare this package with what a user would run instead; writes benchmarks/results.md.
# QUICK=1 runs every case in its smallest form, checks no goal, and writes nothing.
bench: .venv-bench/ready
	.venv-bench/bin/python benchmarks/bench.py

# Query a hundred million rows on disk with DuckDB and Polars; writes docs/howto/scale.md.
scale: .venv-test/ready
	.venv-test/bin/python benchmarks/scale.py --write

# Build the documentation into docs/_build/html.
docs: .venv-test/ready
	.venv-test/bin/python docs/sitebuild.py

.venv-demo/ready: setup.cfg pyproject.toml
	$(PYTHON) -m venv .venv-demo
	.venv-demo/bin/python -m pip install $(QUIET) -e .
	touch $@

# The other environments need a pip that knows dependency groups.
.venv-test/ready: setup.cfg pyproject.toml
	$(PYTHON) -m venv .venv-test
	.venv-test/bin/python -m pip install $(QUIET) --upgrade "$(PIP)"
	.venv-test/bin/python -m pip install $(QUIET) -e ".[all,notebooks]" --group docs $(SPARK)
	touch $@

.venv-test-oldest/ready: setup.cfg pyproject.toml constraints-oldest.txt
	$(PYTHON) -m venv .venv-test-oldest
	.venv-test-oldest/bin/python -m pip install $(QUIET) --upgrade "$(PIP)"
	.venv-test-oldest/bin/python -m pip install $(QUIET) \
		-e ".[units]" --group test -c constraints-oldest.txt
	touch $@

.venv-bench/ready: setup.cfg pyproject.toml
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install $(QUIET) --upgrade "$(PIP)"
	.venv-bench/bin/python -m pip install $(QUIET) -e . --group bench
	touch $@

.venv-lint/ready: setup.cfg pyproject.toml
	$(PYTHON) -m venv .venv-lint
	.venv-lint/bin/python -m pip install $(QUIET) --upgrade "$(PIP)"
	.venv-lint/bin/python -m pip install $(QUIET) -e . --group lint
	touch $@

.venv-distributions/ready: setup.cfg pyproject.toml
	$(PYTHON) -m venv .venv-distributions
	.venv-distributions/bin/python -m pip install $(QUIET) --upgrade "$(PIP)"
	.venv-distributions/bin/python -m pip install $(QUIET) --group distributions
	touch $@

clean:
	rm -rf .venv-demo .venv-test .venv-test-oldest .venv-bench .venv-lint .venv-distributions .venv-wheel
	rm -rf build dist docs/_build docs/notebooks docs/api/getters *.egg-info
