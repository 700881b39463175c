# Needs Python >= 3.11, git and make; everything else is installed into .venv.
#   PYTHON=/path/to/python   the interpreter of .venv
#   PIP_ARGS="..."           passed to pip, for example another package index

PYTHON ?= python3
PIP_ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
RECIPE := pyproject.toml constraints.txt
# Weights and results of the commands below stay in the checkout, so that a fresh clone starts fresh.
AXONAL := AXONAL_CACHE="$(CURDIR)/.cache/axonal" $(BIN)/axonal

.NOTPARALLEL:
.PHONY: help demo test check docs compare clean

help:
	@echo "make demo      compare the variants on two built-in datasets and write two reports"
	@echo "make test      run the tests"
	@echo "make check     lint, format, types, import contracts, documentation"
	@echo "make docs      build the documentation in docs/_build/html"
	@echo "make compare   the full comparisons behind the figures of the README"
	@echo "make clean     remove all that make has made, results/ excepted"

demo: $(VENV)/.core
	@start=$$(date +%s); \
	$(AXONAL) compare digits --quick --seeds 0,1 --system quad_chiplet --out results/digits && \
	middle=$$(date +%s) && \
	$(AXONAL) compare pydocs --quick --seeds 0 --system quad_chiplet --out results/pydocs && \
	end=$$(date +%s) && \
	echo && \
	echo "digits: $$((middle - start)) s, report: $(CURDIR)/results/digits/report.html" && \
	echo "pydocs: $$((end - middle)) s, report: $(CURDIR)/results/pydocs/report.html"

test: $(VENV)/.test
	$(BIN)/python -m pytest

check: $(VENV)/.check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html

docs: $(VENV)/.check
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "documentation: $(CURDIR)/docs/_build/html/index.html"

compare: $(VENV)/.core
	$(AXONAL) compare digits --system quad_chiplet --out results/compare/digits
	$(AXONAL) compare pydocs --system quad_chiplet --out results/compare/pydocs
	$(AXONAL) compare digits --system quad_serdes --out results/compare/digits_serdes
	$(AXONAL) compare pydocs --system quad_serdes --out results/compare/pydocs_serdes
	$(BIN)/python experiments/compare/collect.py

clean:
	rm -rf $(VENV) .cache build dist docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests experiments benchmarks docs -name __pycache__ -type d -prune -exec rm -rf {} +

# One stamp for each of the things that can be installed; a larger one holds the core, too.
$(VENV)/.core: $(RECIPE) | $(VENV)/.made
	$(call install,the core,.)
	@touch $@

$(VENV)/.test: $(RECIPE) | $(VENV)/.made
	$(call install,the core and what the tests need,.[test])
	@touch $(VENV)/.core $@

$(VENV)/.check: $(RECIPE) | $(VENV)/.made
	$(call install,the core and what the checks need,.[check])
	@touch $(VENV)/.core $@

$(VENV)/.made:
	@command -v "$(PYTHON)" >/dev/null || \
		{ echo "error: there is no $(PYTHON): install Python 3.11 or newer, or say where it is (PYTHON=...)" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "error: $(PYTHON) is $$("$(PYTHON)" --version), must be >= 3.11: name a newer one (PYTHON=...)" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "error: $(PYTHON) has no venv: install it (Debian: python3-venv), or name another (PYTHON=...)" >&2; exit 1; }
	@"$(PYTHON)" -m venv $(VENV)
	@touch $@

define install
@echo "axonal: installing $(1) into $(VENV) (torch is large: some minutes the first time)"
@start=$$(date +%s); $(PIP) install -c constraints.txt $(PIP_ARGS) -e "$(2)" && \
	echo "axonal: installed in $$(( $$(date +%s) - start )) s"
endef
