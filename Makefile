# make install | demo | test | lint | thin | notebooks | model | data | clean.  PYTHON names the interpreter (3.11 to 3.13).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO := runs/demo
REAL ?= ../shared/real

.PHONY: install demo test lint audit thin notebooks model data clean

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt apps/space/gradio.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --no-deps --requirement apps/space/gradio.txt
	touch $@

# train the embedded encoder on the project's reports, evaluate, export, tag a report
demo: install
	$(BIN)/python scripts/train.py experiment=demo output=$(DEMO)
	$(BIN)/python scripts/evaluate.py model.path=$(DEMO)/model output=$(DEMO)/scores
	$(BIN)/python scripts/export.py model.path=$(DEMO) output=$(DEMO)/danvan-demo 'evaluations=[$(DEMO)/scores/metrics.json]'
	$(BIN)/python -m ner_danvan.predict --model $(DEMO)/danvan-demo data/examples/bao_cao.txt

# two workers with a core each; the notebooks run too, and what they show is left as it is
test: install
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --nbmake --nbmake-timeout=900 --cov --cov-report=term --cov-fail-under=90

lint: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/bandit -q -c pyproject.toml -r src scripts

# known faults of the pinned packages; asks a service on the network, so it is no part of lint
audit: install
	$(BIN)/pip-audit -r constraints.txt --no-deps --disable-pip

# the wheel in an empty environment without extras: no torch, and it tags a report
thin:
	PYTHON=$(PYTHON) scripts/check_thin.sh

# run the notebooks anew and keep what they show
notebooks: install
	$(BIN)/python notebooks/refresh.py

# check the annotated reports and build the splits as JSONL
data: install
	$(BIN)/python scripts/prepare_data.py

# rebuild the shipped model from the repository alone, and score it; on real reports too where a machine has them
model: install data
	$(BIN)/python scripts/train.py experiment=shipped
	set -e; scores=; \
	for set in dev=data/reports/dev test=data/reports/test real-dev=$(REAL)/dev real-check=$(REAL)/check; do \
		name=$${set%%=*}; folder=$${set#*=}; \
		if [ -d $$folder ]; then \
			$(BIN)/python scripts/evaluate.py model.path=runs/danvan-mini/model \
				data.path=$$folder data.name=$$name output=runs/danvan-mini/$$name; \
			scores=$$scores,runs/danvan-mini/$$name/metrics.json; \
		fi; \
	done; \
	$(BIN)/python scripts/export.py model.path=runs/danvan-mini output=models/danvan-mini "evaluations=[$${scores#,}]"

clean:
	rm -rf runs outputs multirun data/built .coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis
