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
	.venv-test/bin/python -m benchmarks.reliability.audit
	.venv-test/bin/python -m pytest -n 2

audit: .venv/installed  ## known weaknesses of the pinned dependencies (needs the network)
	.venv/bin/python -m benchmarks.reliability.audit --require-answer

clean:
	rm -rf .venv .venv-test
