.DEFAULT_GOAL := help
.PHONY: help setup dev demo gen lint test bench fuzz clean
PYTHON ?= python3
BIN := .venv/bin
WORKERS ?= 2

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Make the virtual environment; a second run only compares a stamp
	@$(PYTHON) tools/setup.py

demo: setup ## The main job on real input; the platform stays up (ONCE=1: stops at the end)
	$(BIN)/python tools/demo.py $(if $(ONCE),--once)

dev: setup ## Start the platform until Ctrl-C (CHECK=1: start, wait for ready, stop)
	$(BIN)/python tools/dev.py $(if $(CHECK),--check)

gen: setup ## Regenerate everything that is generated
	$(BIN)/python tools/gen.py

lint: setup ## Every static check, fastest first
	$(BIN)/python tools/lint.py

# Threads that wait for each other on busy cores take three times as long.
test: export OMP_NUM_THREADS ?= 1
test: setup ## Set up, then every test (WORKERS=1: one after another)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup

bench: setup ## Measure beside the peers: make bench NAME=spine
	@$(BIN)/python -m pip install -q --no-deps --require-hashes -r benchmarks/requirements.txt
	$(BIN)/python benchmarks/$(NAME).py

fuzz: setup ## Send broken files to be verified, for MINUTES=10 of one core
	@$(BIN)/python -m pip install -q --no-deps --require-hashes -r tests/fuzz/requirements.txt || true
	$(BIN)/python tests/fuzz/nightly.py --minutes $(or $(MINUTES),10)

clean: ## Remove the virtual environment, caches and development data
	rm -rf .venv .cache .data .pytest_cache .mypy_cache .ruff_cache libs/hamming/src/hamming/*.so
