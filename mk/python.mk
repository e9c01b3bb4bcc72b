# The Python package and its tests. Include it from the Makefile after mk/native.mk, or run the two alone
# from the project's directory: `make -f mk/native.mk -f mk/python.mk test-python`.
#
#   python            build/python/venv: a virtual environment with the package and the tools of test-python
#   test-python       the package's tests, ruff, mypy, and test-python-all
#   test-python-all   the tests under every CPython from 3.10 on; names those it does not find
#   python-wheel      build/python/dist: the package as a wheel for this machine
#
# AUTHKIT_LIBRARY_PATH names a library that was built elsewhere; without it `lib` builds one.

PYTHON ?= python3
PYTHON_PACKAGE := bindings/python
PYTHON_BUILD := build/python
PYTHON_VENV := $(PYTHON_BUILD)/venv
PYTHON_RUN := $(abspath $(PYTHON_VENV))/bin/python
PYTHON_LIBRARY := $(or $(AUTHKIT_LIBRARY_PATH),build/lib/libauthkit.so)
PYTHON_SOURCES := $(shell find $(PYTHON_PACKAGE)/src -name '*.py') $(addprefix $(PYTHON_PACKAGE)/,pyproject.toml hatch_build.py README.md)
# No setting of the developer's environment may reach a test.
PYTHON_CLEAN := env -i PATH="$(PATH)" HOME="$(HOME)"

.PHONY: python python-wheel test-python test-python-all

python: $(PYTHON_VENV)/.installed

python-wheel: $(PYTHON_BUILD)/dist/.built

$(PYTHON_VENV)/.tools: $(PYTHON_PACKAGE)/requirements-dev.txt
	$(PYTHON) -m venv --clear $(PYTHON_VENV)
	$(PYTHON_RUN) -m pip install --quiet --disable-pip-version-check -r $<
	touch $@

# What the tests test is the wheel, as users get it: a file that did not make it into it is missed here.
$(PYTHON_BUILD)/dist/.built: $(PYTHON_VENV)/.tools $(PYTHON_SOURCES) $(PYTHON_LIBRARY)
	rm -rf $(@D)
	AUTHKIT_LIBRARY_PATH=$(abspath $(PYTHON_LIBRARY)) $(PYTHON_RUN) -m pip wheel --quiet --disable-pip-version-check \
	    --no-build-isolation --no-deps --wheel-dir $(@D) ./$(PYTHON_PACKAGE)
	touch $@

$(PYTHON_VENV)/.installed: $(PYTHON_BUILD)/dist/.built
	$(PYTHON_RUN) -m pip install --quiet --disable-pip-version-check --no-deps --no-index --force-reinstall $(PYTHON_BUILD)/dist/*.whl
	touch $@

test-python: python test-python-all
	cd $(PYTHON_PACKAGE) && $(PYTHON_CLEAN) $(PYTHON_RUN) -m pytest -q
	cd $(PYTHON_PACKAGE) && $(PYTHON_RUN) -m ruff check . ../../examples/python
	cd $(PYTHON_PACKAGE) && $(PYTHON_RUN) -m ruff format --check . ../../examples/python
	cd $(PYTHON_PACKAGE) && $(PYTHON_RUN) -m mypy

test-python-all: python-wheel
	$(PYTHON_PACKAGE)/test-all.sh $(PYTHON_BUILD)
