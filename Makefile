PYTHON ?= python3

.PHONY: demo test audit clean

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --constraint constraints.txt --editable .
	touch $@

demo: .venv/installed  ## install and run the whole path on a simulated cohort
	.venv/bin/respllm demo

test:  ## every check, in a fresh environment
	rm -rf .venv-test
	$(PYTHON) -m venv .venv-test
	.venv-test/bin/python -m pip install --quiet --constraint constraints.txt --editable ".[test]"
	.venv-test/bin/ruff check src tests benchmarks
	.venv-test/bin/ruff format --check src tests benchmarks
	.venv-test/bin/mypy
	.venv-test/bin/lint-imports
	.venv-test/bin/python -m pytest -n 2

audit:  ## known weaknesses of the pinned dependencies (needs the network)
	$(PYTHON) -m pip install --quiet pip-audit
	$(PYTHON) -m pip_audit -r constraints.txt

clean:
	rm -rf .venv .venv-test
