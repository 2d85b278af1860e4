# make demo      three engines on Old Faithful, compared: needs python3 (3.11 or later) and a package index
# make test      lint, types, every fast test and doctest, in both backends
# make slow      the tests that take minutes
# make coverage  the fast tests again, with the lines that none of them runs; HTML in htmlcov/
# make bench     timings beside the peers
# make gpu       the same models on a GPU, where there is one
# make clean     remove everything that make created

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
REPORT := reports/old_faithful.html
# topics.py runs the other scripts on topics; report.py and memory.py are shared by the benchmarks
BENCHMARKS := $(filter-out $(addprefix benchmarks/,gpu.py topics_%.py peers.py report.py memory.py),$(wildcard benchmarks/*.py))

export PIP_DISABLE_PIP_VERSION_CHECK := 1
# empty means that bytecode is kept, also where it is switched off: processes that tests start read it
export PYTHONDONTWRITEBYTECODE :=
# folder of fetched data sets; empty means the user's cache folder
export ZOO_DATA ?= $(abspath $(wildcard ../shared/data))

.PHONY: demo test types fast slow coverage bench gpu clean
.DELETE_ON_ERROR:

demo: $(VENV)/.core
	$(BIN)/zoo compare gaussian_mixture --engines em,svi,nuts --set K=2 --data faithful --report $(REPORT)

test: $(VENV)/.all
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	@$(MAKE) --no-print-directory -j 2 types fast  # the check of types has one process: the tests begin beside it

types: $(VENV)/.all
	$(BIN)/pyright

# --dist worksteal: tests of one file run in one process, which keeps what they share
fast: $(VENV)/.all
	$(BIN)/pytest -n 2 --dist worksteal

# without this condition pytest would fail where no test is slow
slow: $(VENV)/.all
	@if grep -rqs "mark\.slow" tests; then $(BIN)/pytest -n 2 --dist worksteal -m "slow and not gpu"; else echo "no slow tests"; fi

coverage: $(VENV)/.all
	$(BIN)/pytest -n 2 --dist worksteal --cov --cov-report=term --cov-report=html

bench: $(VENV)/.all
	@for benchmark in $(BENCHMARKS); do echo "== $$benchmark"; PYTHONPATH=. $(BIN)/python $$benchmark || exit 1; done

# a GPU build of jax is installed by the user, in the Python named by PYTHON or in .venv
GPU_PYTHON = $(if $(filter file,$(origin PYTHON)),$(firstword $(wildcard $(BIN)/python) $(PYTHON)),$(PYTHON))
gpu:
	@if $(GPU_PYTHON) -c "import jax, numpyro" 2>/dev/null; \
	then PYTHONPATH=. $(GPU_PYTHON) benchmarks/gpu.py; \
	else echo "$(GPU_PYTHON) has no jax and numpyro: name a Python that has them, make gpu PYTHON=..."; fi

# stamp files: install again only when pyproject.toml or constraints.txt changes
$(VENV)/.core: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing NumPyro and the zoo into $(VENV)"
	@$(BIN)/python -m pip install --quiet --editable . --constraint constraints.txt
	@touch $@

$(VENV)/.all: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing both backends and the development tools into $(VENV)"
	@$(BIN)/python -m pip install --quiet --editable '.[pyro,dev]' --constraint constraints.txt
	@touch $@ $(VENV)/.core

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=...")'
	@$(PYTHON) -m venv $(VENV)

clean:
	rm -rf $(VENV) .cache .coverage .hypothesis .pytest_cache .ruff_cache htmlcov reports build dist *.egg-info
