# The Python package inside its hosts: Starlette, FastAPI, Litestar, Flask, Django, the official MCP SDK. Include it from the
# Makefile, which has the local authorization server.
#
#   test-python-hosts   the package's tests in each of them, mypy over what is made of their classes, and logins of
#                       the SDK's own client at its server, guarded by ours, with SDK 1.x and 2.x

PYTHON_HOST_TESTS := $(PYTHON_PACKAGE)/tests/hosts
PYTHON_HOSTS := $(PYTHON_BUILD)/hosts
# mcp2 has all but the SDK 1.x, which no environment can hold beside 2.x.
PYTHON_HOST_VENVS := $(PYTHON_HOSTS)/mcp2 $(PYTHON_HOSTS)/mcp1
PYTHON_HOST_MODULES := $(foreach name,asgi wsgi fastapi mcp,src/authkit_verifier/$(name).py) \
    $(foreach name,fastapi flask mcp,../../examples/python/$(name)_server.py)
PYTHON_IN_HOSTS := $(PYTHON_CLEAN) AUTHKIT_CLI=$(abspath $(CLI))

.PHONY: test-python-hosts test-python-hosts-mcp2 test-python-hosts-mcp1

$(PYTHON_HOSTS)/mcp2/.tools: $(PYTHON_HOST_TESTS)/requirements.txt
$(PYTHON_HOSTS)/mcp1/.tools: $(PYTHON_HOST_TESTS)/requirements-mcp1.txt

$(PYTHON_HOST_VENVS:=/.tools): | build/.setup
	$(PYTHON) -m venv --clear $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps -r $<
	touch $@

$(PYTHON_HOST_VENVS:=/.installed): %/.installed: %/.tools $(PYTHON_BUILD)/dist/.built
	$*/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-index --force-reinstall $(PYTHON_BUILD)/dist/*.whl
	touch $@

test-python-hosts-mcp2: $(PYTHON_HOSTS)/mcp2/.installed
	cd $(PYTHON_PACKAGE) && $(PYTHON_IN_HOSTS) $(abspath $(PYTHON_HOSTS))/mcp2/bin/python -m pytest -q -p no:cacheprovider tests/hosts/web tests/hosts/sdk

test-python-hosts-mcp1: $(PYTHON_HOSTS)/mcp1/.installed
	cd $(PYTHON_PACKAGE) && $(PYTHON_IN_HOSTS) $(abspath $(PYTHON_HOSTS))/mcp1/bin/python -m pytest -q -p no:cacheprovider tests/hosts/sdk

test-python-hosts: $(PYTHON_HOST_VENVS:=/.installed) $(AUTHORIZATION_SERVER_READY) $(CLI)
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target test-python-hosts-mcp2 test-python-hosts-mcp1
	cd $(PYTHON_PACKAGE) && $(abspath $(PYTHON_HOSTS))/mcp2/bin/python -m mypy $(PYTHON_HOST_MODULES) \
	    tests/hosts/*.py tests/hosts/web/*.py tests/hosts/sdk/*.py
	cd $(PYTHON_PACKAGE) && $(abspath $(PYTHON_HOSTS))/mcp2/bin/python -m mypy \
	    --python-executable $(abspath $(PYTHON_HOSTS))/mcp1/bin/python src/authkit_verifier/mcp.py
	$(PYTHON) scripts/quote_examples.py --check docs/python-web.md
