# Everything runs in an environment of its own (.venv); the first target that needs it makes it.
PYTHON ?= $(shell for candidate in python3.13 python3.12 python3.11 python3 python; do \
	$$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$candidate; exit; }; done; echo python3)
RUN := .venv/bin/python
# Tests run in so many processes, a file in one; many of them wait for browsers and workers more than they compute.
WORKERS ?= 3

.PHONY: demo test again soak check format gpu-check bench tiny clean setup setup-dev

demo: setup  ## install what is needed and start the app
	@$(RUN) app.py

test: setup-dev  ## install what is needed and run the tests
	@$(RUN) -m pytest -n $(WORKERS) --dist loadfile

again: setup-dev  ## the tests that failed last time, alone; the first that fails again ends it
	@$(RUN) -m pytest -v --last-failed --last-failed-no-failures none --maxfail 1

soak: setup-dev  ## the long tests: every size and theme, every moment of a crash
	@$(RUN) -m pytest -n $(WORKERS) --dist loadfile -m soak

check: setup-dev  ## format, lint, types, contracts
	@$(RUN) -m ruff format --check .
	@$(RUN) -m ruff check .
	@$(RUN) -m mypy
	@.venv/bin/lint-imports --no-logo

format: setup-dev  ## put the code into shape
	@$(RUN) -m ruff check --fix .
	@$(RUN) -m ruff format .

gpu-check: setup-dev  ## what needs a CUDA device, with a table of figures
	@$(RUN) -m pytest -m gpu -s tests/gpu
	@$(RUN) -m benchmarks.ppo_against_trl --gpu

bench: setup-dev  ## measured comparisons; results land in benchmarks/results
	@for script in benchmarks/*.py; do case $$script in */__init__.py|*/machine.py|*/model.py) ;; \
		*) $(RUN) -m benchmarks.$$(basename $$script .py) || exit 1 ;; esac; done

tiny: setup-dev  ## make the bundled model and its data sets anew (about half an hour)
	@$(RUN) -m scripts.tiny.data
	@$(RUN) -m scripts.tiny.train

clean:  ## remove the environment and caches
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

setup:
	@$(PYTHON) scripts/bootstrap.py
setup-dev:
	@$(PYTHON) scripts/bootstrap.py --dev
