# Servers and clients of the MCP TypeScript SDK, 1.x and 2.x, with the Node package between them. Include it from the
# Makefile after mk/node.mk; the Makefile has the local authorization server.
#
#   test-mcp-node   logins, bad weather, the SDKs' own middleware, load, cluster and threads, the conformance suite

MCP_NODE_TESTS := tests/mcp-node
MCP_NODE_READY := $(MCP_NODE_TESTS)/node_modules/.ready

.PHONY: test-mcp-node

# With the package under its name, where the tests' servers look.
$(MCP_NODE_READY): $(MCP_NODE_TESTS)/package-lock.json | build/.setup
	cd $(MCP_NODE_TESTS) && npm ci --ignore-scripts --silent --no-audit --no-fund
	ln -sfnr $(NODE_PACKAGE) $(@D)/authkit-verifier
	touch $@

# Node 22 is what the conformance suite runs on.
test-mcp-node: node $(MCP_NODE_READY) $(AUTHORIZATION_SERVER_READY) $(NODE_RELEASES_READY)
	cd $(MCP_NODE_TESTS) && $(NODE_CLEAN) node --test --test-reporter=spec *.test.mjs
