# The Node package and its tests. Include it from the Makefile after mk/native.mk, or run the two alone
# from the project's directory: `make -f mk/native.mk -f mk/node.mk test-node`.
#
#   node            bindings/node with its dependencies, compiled, and with the native library in place
#   node-packages   build/node: the npm packages of a release, with the library of `make portable`
#   test-node       the package's types and tests, and test-node-packages
#   test-node-packages  the npm packages as a user gets them, installed and at work under Node 20, 22 and 24
#   test-node-all   the package's tests under Node 20, 22 and 24, which npm packages bring
#
# AUTHKIT_LIBRARY_PATH names a library that was built elsewhere; without it `lib` builds one. NODE_RELEASE_LIBRARIES gives the
# libraries of a release as PLATFORM=PATH, by the platforms of bindings/node/scripts/platforms.mjs; REPOSITORY is where it
# is released from, as a URL.

NODE_PACKAGE := bindings/node
NODE_LIBRARY := $(or $(AUTHKIT_LIBRARY_PATH),build/lib/libauthkit.so)
NODE_SOURCES := $(wildcard $(NODE_PACKAGE)/src/*.ts $(NODE_PACKAGE)/src/*.mts) $(NODE_PACKAGE)/tsconfig.json \
	$(NODE_PACKAGE)/scripts/build.mjs
# Where Node looks when the examples import the package by its name.
NODE_EXAMPLES := examples/node/node_modules/authkit-verifier
# No setting of the developer's environment may reach a test.
NODE_CLEAN := env -i PATH="$(PATH)" HOME="$(HOME)"

# Of a release. Only this platform's library can be built here; CONTRIBUTING says how the others are given.
NODE_RELEASE_LIBRARIES ?= linux-$(subst x86_64,x64,$(subst aarch64,arm64,$(shell uname -m)))-gnu=build/portable/libauthkit.so

NODE_PACKAGES_TESTS := tests/node-packages
NODE_PACKAGES_READY := $(NODE_PACKAGES_TESTS)/node_modules/.ready
NODE_RELEASES_READY := build/node/releases/.ready

.PHONY: node node-packages test-node test-node-packages test-node-all

node: $(NODE_PACKAGE)/node_modules/.built $(NODE_PACKAGE)/native/libauthkit.so $(NODE_EXAMPLES)

# Without scripts: `prepare` would build the native library a second time.
$(NODE_PACKAGE)/node_modules/.ready: $(NODE_PACKAGE)/package.json $(NODE_PACKAGE)/package-lock.json
	cd $(NODE_PACKAGE) && npm ci --ignore-scripts --silent --no-audit --no-fund
	touch $@

$(NODE_PACKAGE)/node_modules/.built: $(NODE_PACKAGE)/node_modules/.ready $(NODE_SOURCES)
	cd $(NODE_PACKAGE) && npm run --silent build
	touch $@

$(NODE_PACKAGE)/native/libauthkit.so: $(NODE_LIBRARY)
	node $(NODE_PACKAGE)/scripts/build-native.mjs --library $<

$(NODE_EXAMPLES):
	mkdir -p $(@D)
	ln -sfn ../../../$(NODE_PACKAGE) $@

node-packages: $(NODE_PACKAGE)/node_modules/.built $(foreach given,$(NODE_RELEASE_LIBRARIES),$(lastword $(subst =, ,$(given))))
	rm -f build/node/*.tgz
	node $(NODE_PACKAGE)/scripts/pack.mjs --out build/node $(if $(REPOSITORY),--repository '$(REPOSITORY)') $(NODE_RELEASE_LIBRARIES)

$(NODE_PACKAGES_READY): $(NODE_PACKAGES_TESTS)/package-lock.json | $(NODE_PACKAGE)/node_modules/.ready
	cd $(NODE_PACKAGES_TESTS) && npm ci --ignore-scripts --silent --no-audit --no-fund
	touch $@

$(NODE_RELEASES_READY): $(NODE_PACKAGE)/scripts/releases.mjs | $(NODE_PACKAGE)/node_modules/.ready
	node $<
	touch $@

test-node: node test-node-packages
	cd $(NODE_PACKAGE) && $(NODE_CLEAN) npm test --silent

test-node-packages: $(NODE_PACKAGE)/node_modules/.built $(NODE_LIBRARY) $(NODE_PACKAGES_READY) $(NODE_RELEASES_READY)
	$(NODE_CLEAN) AUTHKIT_LIBRARY_PATH=$(abspath $(NODE_LIBRARY)) node --test $(NODE_PACKAGES_TESTS)/packages.test.mjs

test-node-all: node
	cd $(NODE_PACKAGE) && npm run --silent test:all
