# Servers and clients of the MCP TypeScript SDK, 1.x and 2.x, with the Node package between them. Include it from the
# Makefile after mk/node.mk; the Makefile has the local authorization server.
#
#   test-mcp-node   logins, bad weather, the SDKs' own middleware, load, cluster and threads, the conformance suite

MCP_NODE_TESTS := tests/mcp-node
MCP_NODE_MODULES := $(MCP_NODE_TESTS)/node_modules
MCP_NODE_READY := $(MCP_NODE_MODULES)/authkit-verifier/.copied

.PHONY: test-mcp-node

$(MCP_NODE_MODULES)/.ready: $(MCP_NODE_TESTS)/package-lock.json | build/.setup
	cd $(MCP_NODE_TESTS) && npm ci --ignore-scripts --silent --no-audit --no-fund
	touch $@

# A copy among the SDKs, as an installation puts it: from its own place the package would not find the host's.
$(MCP_NODE_READY): $(MCP_NODE_MODULES)/.ready $(NODE_PACKAGE)/node_modules/.built
	rm -rf $(@D)
	mkdir -p $(@D)
	cp -r $(NODE_PACKAGE)/package.json $(NODE_PACKAGE)/dist $(@D)
	ln -sfn $(abspath $(NODE_PACKAGE))/node_modules/koffi $(MCP_NODE_MODULES)/koffi
	touch $@

# Node 22 is what the conformance suite runs on.
test-mcp-node: node $(MCP_NODE_READY) $(AUTHORIZATION_SERVER_READY) $(NODE_RELEASES_READY)
	cd $(MCP_NODE_TESTS) && $(NODE_CLEAN) AUTHKIT_LIBRARY_PATH=$(NODE_LIBRARY) node --test --test-reporter=spec *.test.mjs
