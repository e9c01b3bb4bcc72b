# The example servers in C and C++, as strangers use them. Include it from the Makefile after mk/fastmcp.mk, which has FastMCP's
# client, mk/mcp-node.mk, which has the SDKs' clients, and the local authorization server.
#
#   test-native-servers   one table of requests under valgrind, logins by the clients of the TypeScript SDKs and of FastMCP,
#                         `authkit doctor`, and the page about them

NATIVE_SERVERS_TESTS := tests/native-servers
NATIVE_SERVERS := build/native-servers
MCP_SERVERS := MCP_SERVER_C=$(abspath $(NATIVE_SERVERS))/mcp_server_c MCP_SERVER_CPP=$(abspath $(NATIVE_SERVERS))/mcp_server_cpp

.PHONY: test-native-servers

$(NATIVE_SERVERS)/mcp_server_c: examples/c/mcp_server.c include/authkit.h $(NATIVE_LIB)/libauthkit.so
	mkdir -p $(@D)
	gcc -O2 -g $(WARNINGS) -Iinclude $< -o $@ $$(pkg-config --cflags --libs libmicrohttpd jansson) $(SHARED_LINK)

# Without optimisation, which takes g++ twice as long over Boost's coroutines.
$(NATIVE_SERVERS)/mcp_server_cpp: examples/cpp/mcp_server.cpp include/authkit.h include/authkit.hpp $(NATIVE_LIB)/libauthkit.so
	mkdir -p $(@D)
	g++ -std=c++20 -O0 -g $(WARNINGS) -Iinclude $< -o $@ $(SHARED_LINK)

test-native-servers: $(NATIVE_SERVERS)/mcp_server_c $(NATIVE_SERVERS)/mcp_server_cpp $(MCP_NODE_READY) $(AUTHORIZATION_SERVER_READY) \
    $(FASTMCP_BUILD)/$(FASTMCP_NEWEST)/.tools $(CLI)
	$(CLEAN) $(MCP_SERVERS) WRAPPER="$(VALGRIND)" AUTHKIT_CLI=$(abspath $(CLI)) \
	    FASTMCP_PYTHON=$(abspath $(FASTMCP_BUILD)/$(FASTMCP_NEWEST)/bin/python) \
	    node --test --test-reporter=spec $(NATIVE_SERVERS_TESTS)/requests.test.mjs $(NATIVE_SERVERS_TESTS)/clients.test.mjs
	python3 scripts/quote_examples.py --check docs/native-servers.md
