.DEFAULT_GOAL := help
.PHONY: help setup gen lint test clean
PYTHON ?= python3
BIN := .venv/bin

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Make the virtual environment; a second run only compares a stamp
	@$(PYTHON) tools/setup.py

gen: setup ## Regenerate everything that is generated
	$(BIN)/python tools/gen.py

lint: setup ## Every static check, fastest first
	$(BIN)/python tools/lint.py

test: setup ## Set up, then every test
	$(BIN)/python -m pytest

clean: ## Remove the virtual environment, caches and development data
	rm -rf .venv .cache .data .pytest_cache .mypy_cache .ruff_cache
