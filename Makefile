# The kit's commands. Each sets up all it needs on a fresh machine with Python 3.11 to 3.13.
PYTHON ?= python3
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
# Where JupyterLab looks for defaults; ours keeps it from asking beginners about news.
SETTINGS := $(VENV)/share/jupyter/lab/settings
.DEFAULT_GOAL := help
.PHONY: help lab test notebooks update-notebooks handout plant html picture lint bench constraints clean

help:
	@echo "make lab          JupyterLab on the first lesson; pass arguments with ARGS=\"--no-browser --port 8899\""
	@echo "make test         every check; ARGS=\"-k morphology\" for some"
	@echo "make notebooks    run the notebooks and compare their outputs with the stored ones; ARGS=\"notebooks/02_...\" for some"
	@echo "make update-notebooks   run the notebooks, store their outputs and show what changed"
	@echo "make handout      what students get: the last commit without solutions, tests and history, in build/handout.zip"
	@echo "make plant        plant regressions into copies of the kit and count how many of them are noticed"
	@echo "make html         the lessons as web pages whose sliders move without a kernel, in build/html"
	@echo "make lint         style of the code"
	@echo "make bench        what is fast, as ratios measured in one run"
	@echo "make clean        remove the environment; data stays"

# The environment carries a stamp for each set of packages that was installed to the end. Without any stamp it was cut
# off half-way, and is made anew; so is one whose Python has gone or that was moved here from another folder.
SOUND := $(shell $(BIN)/python -P -c "import cnnkit; print(cnnkit.__path__[0])" 2>/dev/null)
ifneq ($(SOUND),$(CURDIR)/cnnkit)
$(shell rm -f $(VENV)/*.complete)
endif

define install
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
	  echo "The kit needs Python 3.11, 3.12 or 3.13, and $(PYTHON) is another. Try: make $@ PYTHON=python3.12"; exit 1; }
	@ls $(VENV)/*.complete >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@rm -f $(VENV)/*.complete
	@echo "Installing the packages (about 2.5 GB on disk); this happens once."
	@$(BIN)/python -m pip install --disable-pip-version-check --no-compile --constraint constraints.txt --editable "$(1)"
	@$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || true # on all cores; pip would use one
	@mkdir -p $(SETTINGS) && echo '{"@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}}' >$(SETTINGS)/overrides.json
endef

$(VENV)/lab.complete: pyproject.toml constraints.txt
	$(call install,.)
	@touch $@

$(VENV)/test.complete: pyproject.toml constraints.txt
	$(call install,.[test])
	@touch $(VENV)/lab.complete $@

FIRST := /lab/tree/notebooks/00_start_here.ipynb

# JupyterLab refuses to run as root, the ordinary user of a container, unless told to.
lab: $(VENV)/lab.complete
	@$(BIN)/python data_fetch.py flowers cxr --synthetic
	@$(BIN)/python -m jupyterlab $(if $(filter 0,$(shell id -u)),--allow-root) --LabApp.default_url=$(FIRST) $(ARGS)

# Unit tests first, then the lessons, then what is slow; the first failure stops. With ARGS, only the tests that they choose.
test: $(VENV)/test.complete
ifeq ($(ARGS),)
	@$(BIN)/python -m pytest -m "not slow and not browser and not notebooks" --numprocesses 2
	@$(MAKE) --no-print-directory notebooks
	@$(BIN)/python -m pytest -m "slow or browser" --numprocesses 2 --dist loadgroup
else
	@$(BIN)/python -m pytest $(ARGS)
endif

# Runs every notebook on freshly drawn data and compares each output with the one that is stored in it.
notebooks: $(VENV)/test.complete
	@$(BIN)/python tools/check_notebooks.py $(ARGS)

# Runs the notebooks, stores their outputs and shows what changed; commit what should have.
update-notebooks: $(VENV)/test.complete
	@$(BIN)/python tools/update_notebooks.py $(ARGS)

# What students get; the tests hold answers too.
handout:
	@mkdir -p build
	@git archive --format=zip --prefix=cnn-teaching-kit/ --output=build/handout.zip HEAD -- . \
	  ':(exclude)solutions' ':(exclude)tests' ':(exclude)tools' ':(exclude)benchmarks' ':(exclude).ci'
	@echo "build/handout.zip"

# Does the check of the notebooks bite? About half an hour.
plant: $(VENV)/test.complete
	@$(BIN)/python tools/plant_regressions.py $(ARGS)

# Runs the lessons and writes them as pages that need neither kernel nor network; 17 minutes on two slow cores.
html: $(VENV)/test.complete
	@$(BIN)/python tools/export_html.py $(ARGS)

# The README's pictures, as a browser shows them.
picture: $(VENV)/test.complete
	@CNNKIT_PICTURE=$(CURDIR)/docs/images/morphology_explorer.png $(BIN)/python -m pytest tests/test_browser.py -k radius
	@CNNKIT_PICTURES=$(CURDIR)/docs/images $(BIN)/python -m pytest tests/test_accessibility.py -k "axe and Light"

lint: $(VENV)/test.complete
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy --cache-dir build/mypy

bench: $(VENV)/test.complete
	@$(BIN)/python benchmarks/run.py $(ARGS)

# Exact versions of everything, the newest that fit pyproject.toml. Run it with the oldest Python that the kit allows,
# make constraints PYTHON=/path/to/python3.11, since some packages ask for more than that.
constraints:
	@rm -rf build/constraints && $(PYTHON) -m venv build/constraints
	@build/constraints/bin/python -m pip install --disable-pip-version-check ".[test,instructor]"
	@{ sed -n 1p constraints.txt; build/constraints/bin/python -m pip freeze | grep == | grep -v '^cnnkit=='; } > build/constraints.txt
	@mv build/constraints.txt constraints.txt && rm -rf build/constraints

clean:
	@rm -rf $(VENV) build
