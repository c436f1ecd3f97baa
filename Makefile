# `make help` lists what there is. Everything runs in $(VENV), which the first target that needs it makes.

# The one place that names the PyTorch release; PYTHON and VENV can be given: make test PYTHON=python3.13.
# Python 3.11 comes first, for it has all four simulators; later ones have SafetyGym and highway driving.
TORCH_VERSION ?= 2.13.0
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
# An index with CPU builds of PyTorch, if pip does not find one by itself (PyTorch's selector shows it).
TORCH_INDEX ?=

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# One thread a process is faster than two for networks of this size.
export OMP_NUM_THREADS ?= 1
# Processes that share the tests, a file each at a time: what a file's tests share is made once, and
# they run as they do alone.
TEST_PROCESSES ?= 2

# Datasets by their recipe's name, datasets/recipes/NAME.toml; there are recipes for all environments.
DATASETS := ball-run ball-circle car-run car-circle
SIMULATOR_DATASETS := point-goal1-hard point-circle1 half-cheetah-velocity swimmer-velocity drone-run \
	metadrive-easysparse highway-safe
FILMED := point-goal1 point-circle1 half-cheetah-velocity car-circle metadrive-easysparse highway-safe

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help install install-dev quickstart quickstart-pictures test coverage lint format type docs datasets simulator-datasets example-dataset datasets-card benchmark-core benchmark-sensitivity benchmark-comparison benchmark-few-labels paper-datasets benchmark-paper comparison-tables simulator-videos wheel wheel-test clean

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z_-]+:.*## / {printf "  make %-24s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# What is installed where: a stamp is newer than the files that name the dependencies, so a second run
# installs nothing.
REQUIREMENTS := setup.py pyproject.toml Makefile sb3_presa/envs/simulators.py

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "No Python found: install Python 3.11 or later, or say make PYTHON=/path/to/python" >&2; exit 1; }
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else f"sb3_presa needs Python 3.11 or later, and {sys.executable} is {sys.version.split()[0]}")'
	$(PYTHON) -m venv $(VENV)

# Without a GPU the CPU build (its version carries +cpu), a tenth of the download; where pip knows no such
# build, and wherever nvidia-smi works, the ordinary one.
$(VENV)/.torch: Makefile | $(BIN)/python
	@if ! nvidia-smi >/dev/null 2>&1 && $(PIP) install $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) \
		"torch==$(TORCH_VERSION)+cpu" 2>/dev/null; then :; \
	else $(PIP) install $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) "torch==$(TORCH_VERSION)"; fi
	@touch $@

$(VENV)/.install: $(REQUIREMENTS) $(VENV)/.torch
	$(PIP) install --editable .
	$(BIN)/sb3-presa install-simulators safety
	@touch $@

# `all` leaves out, by name, simulators that a later Python than 3.11 cannot have.
$(VENV)/.install-dev: $(VENV)/.install
	$(PIP) install --editable ".[dev]"
	$(BIN)/sb3-presa install-simulators all
	@touch $@

$(VENV)/.simulators: $(VENV)/.install
	$(BIN)/sb3-presa install-simulators all
	@touch $@

install: $(VENV)/.install  ## Make the environment: the package, PyTorch, the SafetyGym simulator
install-dev: $(VENV)/.install-dev  ## The same with all simulators, and test, lint, type and documentation tools

quickstart: install  ## Install, train on the dataset that ships here, evaluate, draw: PRESA beside cloning
	$(BIN)/python examples/quickstart.py

quickstart-pictures: install  ## Draw the quickstart's pictures again for the documentation
	$(BIN)/python examples/quickstart.py --out build/quickstart
	cp build/quickstart/reward_cost_plane.png docs/_static/quickstart.png
	cp build/quickstart/clips.gif docs/_static/quickstart.gif

PYTEST = $(BIN)/python -m pytest --numprocesses $(TEST_PROCESSES) --dist loadfile
test: install-dev  ## Run the whole test suite
	$(PYTEST)

coverage: install-dev  ## The same, and print its coverage: half as long again
	$(PYTEST) --cov --cov-report=term

lint: install-dev  ## Check style and formatting
	$(BIN)/ruff check
	$(BIN)/ruff format --check

format: install-dev  ## Mend what lint can mend by itself
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

type: install-dev  ## Check types, strictly
	$(BIN)/mypy

SPHINX = $(BIN)/sphinx-build --fail-on-warning --keep-going
docs: install-dev  ## Build the documentation and check its spelling; a warning is an error
	@$(BIN)/python -c 'import enchant; enchant.Dict("en_GB")' || { echo "make docs checks spelling with Enchant and a British dictionary: apt-get install libenchant-2-2 hunspell-en-gb" >&2; exit 1; }
	$(SPHINX) -b html -d docs/_build/doctrees docs docs/_build/html
	$(SPHINX) -b spelling -t spelling -d docs/_build/spelling/doctrees docs docs/_build/spelling

# A dataset is whole when its labels are there. Those of the checkout may be older than its data: `|`.
LABELS := data/feedback/default.hdf5
datasets: $(DATASETS:%=datasets/presa/%-v0/$(LABELS))  ## Make what is missing of the four datasets, from their logs (`make dataset-car-run` collects one anew)

simulator-datasets: $(SIMULATOR_DATASETS:%=datasets/presa/%-v0/$(LABELS))  ## And of seven more, of all four simulators

datasets/presa/%-v0/$(LABELS): | datasets/presa/%-v0/data/metadata.json
	MINARI_DATASETS_PATH=datasets $(BIN)/sb3-presa label presa/$*-v0

datasets/presa/%-v0/data/metadata.json: | $(VENV)/.simulators
	MINARI_DATASETS_PATH=datasets $(BIN)/sb3-presa $(if $(wildcard datasets/logs/$*.npz),replay datasets/logs/$*.npz,collect --recipe datasets/recipes/$*.toml)
.PRECIOUS: datasets/presa/%-v0/data/metadata.json

dataset-%: $(VENV)/.simulators
	MINARI_DATASETS_PATH=datasets $(BIN)/sb3-presa collect --recipe datasets/recipes/$*.toml --overwrite
	MINARI_DATASETS_PATH=datasets $(BIN)/sb3-presa label presa/$*-v0

example-dataset: datasets/presa/point-circle1-v0/data/metadata.json  ## Make the dataset that ships here again, from the log of PointCircle1
	$(BIN)/python benchmarks/example_dataset.py

datasets-card: install  ## Write the table of datasets/README.md from the datasets that are here
	MINARI_DATASETS_PATH=datasets $(BIN)/python benchmarks/datasets_card.py

BENCHMARK = MINARI_DATASETS_PATH=datasets $(BIN)/sb3-presa benchmark
benchmark-core benchmark-sensitivity: benchmark-%: datasets $(VENV)/.install-dev
	$(BENCHMARK) run benchmarks/suites/$*.yaml
	$(BENCHMARK) report benchmarks/results/$*.csv
benchmark-core:  ## PRESA, two ablations and two kinds of cloning on Bullet: 180 agents; resumes when interrupted
benchmark-sensitivity:  ## One setting changed at a time; resumes when interrupted

COMPARISON = comparison comparison_more_seeds
benchmark-comparison: datasets simulator-datasets $(VENV)/.install-dev  ## PRESA and all baselines on all eleven datasets: hours; resumes when interrupted
	for suite in $(COMPARISON); do $(BENCHMARK) run benchmarks/suites/$$suite.yaml || exit; done
	$(BENCHMARK) report $(COMPARISON:%=benchmarks/results/%.csv) --out benchmarks/results/comparison-report

benchmark-few-labels: datasets simulator-datasets $(VENV)/.install-dev  ## A few noisy labels of short clips: 900 agents and two sweeps; resumes when interrupted
	$(BENCHMARK) run benchmarks/suites/few_labels.yaml

# Of the paper's tasks: their datasets' names, and those to be made: of the tasks that TASKS names, or of
# all that have a log. Tasks without a dataset are left out by name; `make paper-datasets` makes all.
PAPER := benchmarks/suites/paper.yaml
PAPER_DATASETS := $(shell sed -n 's|^  [A-Za-z0-9]*: {dataset: presa/\(.*\)-v0, env.*|\1|p' $(PAPER))
PAPER_NAMED := $(foreach task,$(TASKS),$(shell sed -n 's|^  $(task): {dataset: presa/\(.*\)-v0, env.*|\1|p' $(PAPER)))
PAPER_LOGGED := $(filter $(patsubst datasets/logs/%.npz,%,$(wildcard datasets/logs/*.npz)),$(PAPER_DATASETS))
DATA := data/metadata.json
paper-datasets: $(PAPER_DATASETS:%=datasets/presa/%-v0/$(DATA))  ## Make what is missing of the data of all 38 tasks, from logs or recipes: hours

PAPER_RUN := run $(PAPER) --skip-missing $(TASKS:%=--task %)
benchmark-paper: $(patsubst %,datasets/presa/%-v0/$(DATA),$(if $(TASKS),$(PAPER_NAMED),$(PAPER_LOGGED))) $(VENV)/.install-dev  ## The paper's table, 38 tasks: about a day; resumes when interrupted; TASKS="PointGoal2 CarGoal1" for a part
	-$(BENCHMARK) $(PAPER_RUN) --algorithm PRESA --algorithm "PRESA, few labels"
	$(BENCHMARK) $(PAPER_RUN)
	$(BENCHMARK) report benchmarks/results/paper.csv
	$(BIN)/python benchmarks/comparison_tables.py

comparison-tables: install-dev  ## Write the tables of results into README.md and docs
	$(BIN)/python benchmarks/comparison_tables.py

build/agents/%.zip: | datasets/presa/%-v0/$(LABELS) $(VENV)/.install-dev
	mkdir -p $(@D)
	MINARI_DATASETS_PATH=datasets $(BIN)/sb3-presa train presa/$*-v0 --seed 0 --out $@
.PRECIOUS: build/agents/%.zip

env_of = $(shell sed -n 's/^env_id = "\(.*\)"/\1/p' datasets/recipes/$(1).toml)
simulator-videos: $(FILMED:%=build/agents/%.zip)  ## PRESA drives in all simulators: clips in build/videos, frames in the docs
	$(BIN)/python examples/record_video.py --out build/videos --sheet docs/_static/simulators.png \
		$(foreach name,$(FILMED),$(call env_of,$(name))=build/agents/$(name).zip)

wheel: install-dev  ## Build the source distribution and the wheel into dist/
	rm -rf dist build
	$(BIN)/python -m build

wheel-test: wheel  ## Install the wheel into an empty environment and use it
	rm -rf build/wheel-test
	$(MAKE) --no-print-directory VENV=build/wheel-test build/wheel-test/.torch
	build/wheel-test/bin/python -m pip --disable-pip-version-check install dist/*.whl
	cd build/wheel-test && bin/python -P ../../tests/wheel_smoke.py

clean:  ## Remove what was built; the environment stays
	rm -rf build dist docs/_build .coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
