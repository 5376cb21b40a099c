# `make site` and `make test` do everything on a fresh machine: Python 3.11 or newer is all they need.
PYTHON ?= python3
VENV := .venv
KB := $(VENV)/bin/kb
# The starter knowledge base lives here; `make site KB_HOME=DIR` builds from another one.
KB_HOME ?= .kb
CONSTRAINTS ?= constraints.txt
READY := $(VENV)/.installed

.PHONY: help site serve test lint kernels clean
.DEFAULT_GOAL := help

help: ## Show what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/'

$(READY): pyproject.toml $(CONSTRAINTS) Makefile
	@$(PYTHON) -c 'import sys; sys.exit("Papertide needs Python 3.11 or newer; try: make PYTHON=python3.12 ...") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --constraint $(CONSTRAINTS) --editable . --group dev
	@touch $@

site: $(READY) ## Install, fill the starter knowledge base, build the site into public/
	@if [ "$(KB_HOME)" = ".kb" ]; then $(KB) --home .kb refresh --source starter; fi
	$(KB) --home $(KB_HOME) site build --out public
	@echo "Look at it with: make serve   (http://127.0.0.1:8000/)"

serve: site ## Build the site and show it at http://127.0.0.1:8000/
	$(KB) --home $(KB_HOME) site serve --out public

test: $(READY) ## Run all tests
	$(VENV)/bin/python -m pytest -n auto --dist loadgroup

lint: $(READY) ## Style, types, and which module may import which
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports --no-logo 2>/dev/null || $(VENV)/bin/lint-imports

# Beside the environment, not in it: on a machine without a GPU Triton adds nothing to torch but a farewell at every exit.
$(VENV)/triton/.installed: $(READY)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --target $(@D) 'triton>=3.2,<4'
	@touch $@

kernels: $(VENV)/triton/.installed ## Run the kernels for GPUs on the processor, in Triton's interpreter (Linux)
	PYTHONPATH=$(VENV)/triton $(VENV)/bin/python -m pytest tests/kb/embedding/test_packed_triton.py

clean: ## Remove the environment, the starter knowledge base and the built site
	rm -rf $(VENV) .kb public
