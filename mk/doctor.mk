# `authkit doctor` against stock servers of others, and servers of ours. Include it from the Makefile, which has the command and
# the local authorization server, after mk/mcp-node.mk, which has servers of the SDKs.
#
#   test-doctor   what the command finds at stock servers of FastMCP and of the TypeScript SDK, and at servers that
#                 send our library's answers, in Python and Node, by themselves and before the SDKs
#
# DOCTOR_CLI names a command that was built elsewhere.

DOCTOR_TESTS := tests/doctor
DOCTOR_VENV := build/doctor/venv
DOCTOR_NODE_READY := $(DOCTOR_TESTS)/typescript/node_modules/.ready
DOCTOR_CLI ?= $(CLI)

.PHONY: test-doctor

$(DOCTOR_VENV)/.ready: $(DOCTOR_TESTS)/fastmcp/requirements.txt | build/.setup
	python3 -m venv --clear $(DOCTOR_VENV)
	$(DOCTOR_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps -r $<
	touch $@

$(DOCTOR_NODE_READY): $(DOCTOR_TESTS)/typescript/package-lock.json | build/.setup
	cd $(@D)/.. && npm ci --silent --no-audit --no-fund
	touch $@

test-doctor: $(DOCTOR_CLI) $(DOCTOR_VENV)/.ready $(DOCTOR_NODE_READY) $(AUTHORIZATION_SERVER_READY) $(MCP_NODE_READY) python node
	FASTMCP_LOG_LEVEL=CRITICAL AUTHKIT_CLI=$(abspath $(DOCTOR_CLI)) AUTHKIT_FASTMCP_PYTHON=$(abspath $(DOCTOR_VENV))/bin/python \
	    AUTHKIT_OUR_PYTHON=$(PYTHON_RUN) node --test $(DOCTOR_TESTS)/servers.test.mjs
