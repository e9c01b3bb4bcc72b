# The FastMCP provider under the FastMCPs that it serves. Include it from the Makefile, which has the Python wheel and the
# local authorization server.
#
#   test-fastmcp       the tests of tests/fastmcp under each version, two at a time, and the provider's types
#   bench-fastmcp      what a provider costs a tool call over HTTP, ours beside FastMCP's, as ratios

FASTMCP_VERSIONS := 2.12.0 2.12.5 2.14.7 3.4.11 4.2.3
FASTMCP_NEWEST := $(lastword $(FASTMCP_VERSIONS))
FASTMCP_BUILD := build/fastmcp
FASTMCP_TESTS := $(PYTHON_PACKAGE)/tests/fastmcp
FASTMCP_RUNS := $(FASTMCP_VERSIONS:%=test-fastmcp-%)

.PHONY: test-fastmcp bench-fastmcp $(FASTMCP_RUNS)
.PRECIOUS: $(FASTMCP_BUILD)/%/.tools $(FASTMCP_BUILD)/%/.installed

$(FASTMCP_BUILD)/%/.tools: $(FASTMCP_TESTS)/requirements-%.txt | build/.setup
	python3 -m venv --clear $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps -r $<
	touch $@

$(FASTMCP_BUILD)/%/.installed: $(PYTHON_BUILD)/dist/.built $(FASTMCP_BUILD)/%/.tools
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-index --force-reinstall $(PYTHON_BUILD)/dist/*.whl
	touch $@

$(FASTMCP_RUNS): test-fastmcp-%: $(FASTMCP_BUILD)/%/.installed $(AUTHORIZATION_SERVER_READY)
	@echo "FastMCP $*"
	cd $(PYTHON_PACKAGE) && $(PYTHON_CLEAN) $(abspath $(FASTMCP_BUILD)/$*/bin/python) -m pytest -q -p no:cacheprovider -W ignore tests/fastmcp

test-fastmcp: $(FASTMCP_BUILD)/$(FASTMCP_NEWEST)/.installed $(AUTHORIZATION_SERVER_READY)
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target $(FASTMCP_RUNS)
	cd $(PYTHON_PACKAGE) && MYPYPATH=tests/fastmcp:tests/hosts $(abspath $(FASTMCP_BUILD)/$(FASTMCP_NEWEST)/bin/python) -m mypy \
	    $(patsubst $(PYTHON_PACKAGE)/%,%,$(wildcard $(PYTHON_PACKAGE)/src/authkit_verifier/fastmcp/*.py $(FASTMCP_TESTS)/*.py)) \
	    ../../examples/python/fastmcp_server.py ../../benches/fastmcp/*.py
	$(PYTHON) scripts/quote_examples.py --check docs/python.md

bench-fastmcp: $(FASTMCP_BUILD)/$(FASTMCP_NEWEST)/.installed $(AUTHORIZATION_SERVER_READY)
	$(PYTHON_CLEAN) $(foreach name,BENCH_ROUNDS BENCH_CALLS,$(if $($(name)),$(name)=$($(name)))) \
	    $(FASTMCP_BUILD)/$(FASTMCP_NEWEST)/bin/python benches/fastmcp/measure.py
