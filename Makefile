# make benchmark   set up, train, evaluate, print the F1 table
# make test        set up, run the tests
# make report      the scores of `make benchmark` as a page, opened in the browser
# make wheel       try the wheel in empty environments, outside the clone
# make fuzz        damaged input for every reader, ten minutes (FUZZ_SECONDS) in all
# make kills       kill trainings at random moments, damage their checkpoints, and compare the weights
# make speed       time our training, scoring and tagging against the tools that others use
PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable

FUZZ_SECONDS ?= 600

.PHONY: benchmark test report lint data wheel fuzz kills speed

benchmark: .venv/train.stamp
	$(BIN)/python -m train configs/cpu-small.yaml
	$(BIN)/python -m evaluate runs/cpu-small

test: .venv/dev.stamp
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder

report: runs/cpu-small/report.html
	$(BIN)/python -m webbrowser -t file://$(CURDIR)/$<

runs/cpu-small/report.html:
	$(MAKE) benchmark

lint: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/thidua-ner check

wheel: .venv/dev.stamp
	$(BIN)/python -m pytest -m slow tests/test_wheel.py

fuzz: .venv/dev.stamp
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.fuzz --seconds $(FUZZ_SECONDS)

kills: .venv/dev.stamp
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m slow tests/train/test_kills.py tests/tagging/test_clusters.py

speed: .venv/dev.stamp runs/cpu-small/report.html
	$(BIN)/python -m benchmarks.training
	$(BIN)/python -m benchmarks.scoring
	$(BIN)/thidua-ner export runs/cpu-small
	$(BIN)/python -m benchmarks.tagging runs/cpu-small
	$(BIN)/python -m benchmarks.scale runs/cpu-small

data: .venv/train.stamp
	$(BIN)/thidua-ner agreement
	$(BIN)/thidua-ner build

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv

.venv/train.stamp: pyproject.toml constraints.txt | .venv/bin/python
	@echo "installing (a few minutes the first time)"
	$(INSTALL) '.[train]'
	@touch $@

.venv/dev.stamp: .venv/train.stamp
	$(INSTALL) '.[train,dev]'
	@touch $@
