# Each target does all its own set-up: a virtual environment in this folder, then the work.
PYTHON ?= python3
PYTEST_ARGS ?=

.PHONY: demo test test-oldest docs lint faults bench scale clean

demo: .venv-demo/ready
	.venv-demo/bin/sectorsdf demo

test: .venv-test/ready test-oldest
	.venv-test/bin/python -m pytest -n 2 $(PYTEST_ARGS)

# The oldest pandas and pyarrow that the package supports. Tests marked `newest` touch neither.
test-oldest: .venv-test-oldest/ready
	.venv-test-oldest/bin/python -m pytest -n 2 -m "not newest" $(PYTEST_ARGS)

lint: .venv-lint/ready
	.venv-lint/bin/ruff check .
	.venv-lint/bin/ruff format --check .
	.venv-lint/bin/mypy
	.venv-lint/bin/lint-imports

# Everything that can go wrong, over loopback; writes docs/faults.md.
faults: .venv-test/ready
	.venv-test/bin/python -W error benchmarks/faults.py

# This package side by side with what a user would run instead; writes benchmarks/results.md.
# QUICK=1 runs every case in its smallest form and judges nothing.
bench: .venv-bench/ready
	.venv-bench/bin/python benchmarks/bench.py

# A hundred million rows on disk, asked by DuckDB and Polars; writes docs/howto/scale.md.
scale: .venv-test/ready
	.venv-test/bin/python benchmarks/scale.py --write

# The documentation, into docs/_build/html.
docs: .venv-test/ready
	.venv-test/bin/python docs/sitebuild.py

.venv-demo/ready: setup.cfg pyproject.toml
	$(PYTHON) -m venv .venv-demo
	.venv-demo/bin/python -m pip install --quiet --disable-pip-version-check -e .
	touch $@

.venv-test/ready: setup.cfg pyproject.toml
	$(PYTHON) -m venv .venv-test
	.venv-test/bin/python -m pip install --quiet --disable-pip-version-check -e ".[docs]"
	touch $@

.venv-test-oldest/ready: setup.cfg pyproject.toml constraints-oldest.txt
	$(PYTHON) -m venv .venv-test-oldest
	.venv-test-oldest/bin/python -m pip install --quiet --disable-pip-version-check \
		-e ".[test,units]" -c constraints-oldest.txt
	touch $@

.venv-bench/ready: setup.cfg pyproject.toml
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check -e ".[test,bench]"
	touch $@

.venv-lint/ready: setup.cfg pyproject.toml
	$(PYTHON) -m venv .venv-lint
	.venv-lint/bin/python -m pip install --quiet --disable-pip-version-check -e ".[lint]"
	touch $@

clean:
	rm -rf .venv-demo .venv-test .venv-test-oldest .venv-bench .venv-lint
	rm -rf build dist docs/_build docs/notebooks *.egg-info
