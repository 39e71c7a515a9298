# The verbs are the same by hand and in CI.
PY := .venv/bin/python
SHELL := /bin/bash
ENGINE := $(shell command -v nvidia-smi >/dev/null 2>&1 && nvidia-smi -L >/dev/null 2>&1 && echo gpu || echo cpu)
STAMP := .venv/.restem-$(ENGINE)
SCHEMA := .restem/config.schema.json

.PHONY: setup demo check sandbox test test-heavy bench gpu images-test clean

setup: $(STAMP) $(SCHEMA)  ## make .venv, and the schema that configs name for editors; quick when nothing changed

$(STAMP): pyproject.toml infra/setup.sh infra/packages.sh infra/overrides.txt $(wildcard infra/constraints-$(ENGINE).txt)
	bash infra/setup.sh $(ENGINE)
	@touch $@

$(SCHEMA): $(STAMP) flows/config.py flows/config_schema.py flows/comparison/design.py $(wildcard tasks/domain/*settings.py)
	@.venv/bin/restem config schema $@ >/dev/null

demo: setup  ## the whole loop on built-in problems
	.venv/bin/restem demo

check: setup  ## lint, types, import contracts
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

sandbox: setup  ## what programs need to run: a Docker engine (installed and started where there is none) and the image
	bash infra/docker.sh start
	.venv/bin/restem sandbox build

# Tests that mostly wait run side by side (tests/side_by_side.py); those marked `alone` follow. WORKERS=0: one after the other.
WORKERS ?= 3
SIDE_BY_SIDE = $(PY) -m pytest -n $(WORKERS) --dist loadscope --no-loadscope-reorder

test: setup  ## everything that needs no long-running server
	$(SIDE_BY_SIDE) -m "not heavy and not alone" tests
	$(PY) -m pytest -m "not heavy and alone" tests

test-heavy: setup  ## kill tests, S3, real servers
	$(SIDE_BY_SIDE) -m "heavy and not alone" tests
	$(PY) -m pytest -m "heavy and alone" tests

bench: setup  ## slow measurements, by hand; NAMES=models writes docs/models.md
	$(PY) -m tests.benchmarks $(NAMES)

# PARTS="sleep sft" runs these alone; MODEL and PROBLEMS are folders; GPU_ARGS are further arguments (docs/gpu.md).
gpu: setup  ## a smoke test of one GPU, at most nine minutes
	$(PY) -m tests.gpu --parts "$(PARTS)" $(if $(MODEL),--model $(MODEL)) $(if $(PROBLEMS),--problems $(PROBLEMS)) $(GPU_ARGS)

# ARGS=--keep keeps the images' layers for the next time, ARGS=--clear removes them.
images-test: setup  ## build the images on a bare Debian and run the stack of infra/compose.yaml from them; root
	$(PY) -m infra.images_test $(ARGS)

clean:
	rm -rf .venv .restem
