# The Node package and its tests. Include it from the Makefile after mk/native.mk, or run the two alone
# from the project's directory: `make -f mk/native.mk -f mk/node.mk test-node`.
#
#   node            bindings/node with its dependencies, compiled, and with the native library in place
#   test-node       the package's types and tests
#   test-node-all   the tests under Node 20, 22 and 24, which npm packages bring
#
# AUTHKIT_LIBRARY_PATH names a library that was built elsewhere; without it `lib` builds one.

NODE_PACKAGE := bindings/node
NODE_LIBRARY := $(abspath $(or $(AUTHKIT_LIBRARY_PATH),build/lib/libauthkit.so))
NODE_SOURCES := $(wildcard $(NODE_PACKAGE)/src/*.ts $(NODE_PACKAGE)/src/*.mts) $(NODE_PACKAGE)/tsconfig.json
# Where Node looks when the examples import the package by its name.
NODE_EXAMPLES := examples/node/node_modules/authkit-verifier
# No setting of the developer's environment may reach a test.
NODE_CLEAN := env -i PATH="$(PATH)" HOME="$(HOME)"

.PHONY: node test-node test-node-all

node: $(NODE_PACKAGE)/node_modules/.built $(NODE_PACKAGE)/native/libauthkit.so $(NODE_EXAMPLES)

# Without scripts: `prepare` would build the native library a second time.
$(NODE_PACKAGE)/node_modules/.ready: $(NODE_PACKAGE)/package.json $(NODE_PACKAGE)/package-lock.json
	cd $(NODE_PACKAGE) && npm ci --ignore-scripts --silent --no-audit --no-fund
	touch $@

$(NODE_PACKAGE)/node_modules/.built: $(NODE_PACKAGE)/node_modules/.ready $(NODE_SOURCES)
	rm -rf $(NODE_PACKAGE)/dist
	cd $(NODE_PACKAGE) && npm run --silent build
	touch $@

$(NODE_PACKAGE)/native/libauthkit.so: $(NODE_LIBRARY)
	node $(NODE_PACKAGE)/scripts/build-native.mjs --library $<

$(NODE_EXAMPLES):
	mkdir -p $(@D)
	ln -sfn ../../../$(NODE_PACKAGE) $@

test-node: node
	cd $(NODE_PACKAGE) && $(NODE_CLEAN) npm test --silent

test-node-all: node
	cd $(NODE_PACKAGE) && npm run --silent test:all
