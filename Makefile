# The project's commands. Each does its own set-up and is quick when nothing changed.
#
#   make demo     one real login, one token, five faces of the library: a table of verdicts
#   make test     everything: Rust, C, C++, Python, Node, the command, formats, types, docs, valgrind
#   make test-python-hosts  the Python package in web frameworks and in the official MCP SDK
#   make test-doctor  what `authkit doctor` finds at stock servers of FastMCP and the TypeScript SDK, and at ours
#   make test-fastmcp  the provider under FastMCP 2.12 to 4, with real logins
#   make test-native-servers  the example servers in C and C++: a table of requests under valgrind, logins, `authkit doctor`
#   make test-mcp-node  the TypeScript SDKs' servers behind our guard, their clients logging in, the conformance suite
#   make test-serve  `authkit serve` by itself, and behind it nginx, Caddy and Envoy's questions
#   make lib      build/lib/libauthkit.so and libauthkit.a
#   make install  library, headers, package files, command and manual pages below DESTDIR, PREFIX; make uninstall
#   make test-install   strangers' projects against what that installs, static links, hardening
#   make abi      writes abi/authkit.abi anew, which may only grow
#   make reference  build/reference/html: the C and C++ API
#   make soak     C, Python and Node while the issuer rotates, fails and stalls: TIME=120, FLOOD=1 or 0; make test-soak in 24 s
#   make bench    what a verdict costs in C, Python and Node beside the bare signature check and other verifiers
#   make bench-cold   what it takes from a process's start to its first verdict
#   make bench-ratio   what a verdict costs in C, more precisely; and the library's load time
#   make bench-profiles   what the release profile's settings are worth, in size, instructions and time
#   make bench-flood   what a million random key ids do to good tokens and to the issuer
#   make tsan     the key cache's tests under ThreadSanitizer
#   make bench-event-loop   gaps of cold asyncio and Node servers' event loops while the JWKS server takes 3 s
#   make bench-fastmcp   what the provider costs a tool call over HTTP, beside FastMCP's own
#   make sanitize the C and C++ tests, and the library itself, under AddressSanitizer, UBSan and ThreadSanitizer
#   make bench-serve  authorizations/s of `authkit serve` behind nginx beside a static 204, and its memory after a million
#   make mutate   a million random and mutated inputs through the C ABI, then as many under AddressSanitizer
#   make portable build/portable/libauthkit.so and authkit, for glibc 2.17 and newer
#   make wheel    build/python/release: the Python wheel for every Linux since glibc 2.17
#   make test-wheel   that wheel and the sdist, checked and tried where there is nothing but Python
#   make test-sdist   the wheel that pip and cargo make of the sdist
#   make node-packages   build/node: the npm packages of a release
#   make clean    removes what was built

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

include mk/native.mk
include mk/install.mk
include mk/reference.mk
include mk/abi.mk
include mk/sanitize.mk
include mk/portable.mk
include mk/python.mk
include mk/node.mk

.PHONY: help setup demo prepared rust-tests test test-rust test-vectors test-docs test-demo lint-rust bench-flood bench-event-loop mutate tsan clean

help:
	@sed -n 's/^#   //p' $(firstword $(MAKEFILE_LIST))

setup: build/.setup

build/.setup: scripts/setup.sh
	sh scripts/setup.sh
	mkdir -p $(@D)
	touch $@

# Whatever is built, is built with the tools there.
$(NATIVE_LIB)/.built $(CLI) $(PYTHON_VENV)/.tools $(PYRIGHT)/.ready $(PORTABLE_VENV)/.tools $(NODE_PACKAGE)/node_modules/.ready: | build/.setup

# --- the demonstration -----------------------------------------------------------------------------

AUTHORIZATION_SERVER := tests/authorization-server
AUTHORIZATION_SERVER_READY := $(AUTHORIZATION_SERVER)/node_modules/.ready

$(AUTHORIZATION_SERVER_READY): $(AUTHORIZATION_SERVER)/package-lock.json | build/.setup
	cd $(AUTHORIZATION_SERVER) && npm ci --silent --no-audit --no-fund
	touch $@

demo: $(CLI) $(NATIVE_TEST)/c/example $(NATIVE_TEST)/cpp/example $(AUTHORIZATION_SERVER_READY) python node
	node examples/demo/demo.mjs --cli $(CLI) --python $(PYTHON_RUN) \
	    --c $(NATIVE_TEST)/c/example --cpp $(NATIVE_TEST)/cpp/example

include mk/mcp-node.mk
include mk/doctor.mk
include mk/serve.mk
include mk/python-hosts.mk
include mk/fastmcp.mk
include mk/native-servers.mk
include mk/bench.mk
include mk/soak.mk

# --- the tests -------------------------------------------------------------------------------------

# What the tests need, several at a time: compilers, linkers and registries keep one waiting for different things.
PREPARED := lib rust-tests $(PYTHON_HOST_VENVS:=/.tools) $(FASTMCP_VERSIONS:%=$(FASTMCP_BUILD)/%/.tools) cli \
	$(DOCTOR_VENV)/.ready $(DOCTOR_NODE_READY) $(MCP_NODE_READY) $(NODE_PACKAGES_READY) $(NODE_RELEASES_READY) \
	$(AUTHORIZATION_SERVER_READY) $(PYRIGHT)/.ready python node

prepared: setup
	@$(MAKE) --no-print-directory --jobs=4 --output-sync=target $(PREPARED)

rust-tests: | build/.setup
	$(CLIPPY)
	$(CARGO) test --locked --workspace --all-features --no-run

test: prepared lint-rust test-rust test-native test-soak test-abi test-install test-reference test-python test-python-hosts test-fastmcp test-node test-vectors test-instructions test-docs test-demo test-doctor test-mcp-node test-native-servers test-serve bench-smoke
	@echo "make test: everything passed"

CLIPPY := $(CARGO) clippy --locked --workspace --all-targets --all-features -- -D warnings

lint-rust: | build/.setup
	$(CARGO) fmt --all --check
	$(CLIPPY)
	@# One crypto library in the binary, for tokens and TLS alike.
	! $(CARGO) tree --locked --edges normal --prefix none | grep -E '^(ring|openssl|openssl-sys|native-tls|rsa|p256|sha2|ed25519-dalek|hmac) '
	@# What is passed on with the libraries names every crate in them.
	python3 scripts/third_party.py --check
	@# With the flags of `lib`, which finds AWS-LC compiled then.
	RUSTDOCFLAGS="-D warnings" $(CARGO_SHIPPED) doc --locked --release --workspace --no-deps --document-private-items

test-rust: | build/.setup
	$(CARGO) test --locked --workspace --all-features

# Every vector through the command, as a reviewer would run it.
test-vectors: $(CLI)
	$(CLI) vectors tests/vectors

# The README's starts are the examples that the tests run, word for word.
test-docs: python
	python3 scripts/quote_examples.py --check README.md
	python3 scripts/quote_examples.py --check docs/node.md
	python3 scripts/quote_examples.py --check docs/packaging.md
	$(PYTHON_RUN) -m ruff check --quiet --config $(PYTHON_PACKAGE)/pyproject.toml scripts benches $(NATIVE_SERVERS_TESTS) $(SOAK)
	$(PYTHON_RUN) -m ruff format --check --quiet --config $(PYTHON_PACKAGE)/pyproject.toml scripts benches $(NATIVE_SERVERS_TESTS) $(SOAK)

test-demo: $(AUTHORIZATION_SERVER_READY) demo
	cd $(AUTHORIZATION_SERVER) && npm test --silent

# --- longer runs -----------------------------------------------------------------------------------

bench-event-loop: python node $(MCP_NODE_READY)
	PYTHONPATH=$(PYTHON_PACKAGE)/tests $(PYTHON_RUN) benches/event_loop/measure.py
	node benches/event_loop/guarded.mjs

MUTATIONS ?= 1000000
HOST := $(shell rustc -vV 2>/dev/null | sed -n 's/^host: //p')

# Sanitizers want a nightly's switches; RUSTC_BOOTSTRAP lends them to the stable compiler for this run.
mutate: | build/.setup
	AUTHKIT_MUTATIONS=$(MUTATIONS) $(CARGO) test --locked --release --test mutation -- --nocapture
	AUTHKIT_MUTATIONS=$(MUTATIONS) RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=address" CARGO_TARGET_DIR=build/asan \
	    $(CARGO) test --locked --release --config 'profile.release.lto="off"' --target $(HOST) --test mutation -- --nocapture

bench-flood: | build/.setup
	$(CARGO) bench --locked --bench flood

# std comes without instruments: the cache runs over locks that have them (tests/tsan), and what std does by
# itself is named in scripts/tsan.supp. `tests/model` shows the same state in every order of its steps.
tsan: | build/.setup
	TSAN_OPTIONS="suppressions=$(abspath scripts/tsan.supp) exitcode=66" RUSTC_BOOTSTRAP=1 \
	    RUSTFLAGS="-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer --cfg authkit_tsan" \
	    CARGO_TARGET_DIR=build/tsan $(CARGO) test --locked --target $(HOST) --lib -- jwks:: journal:: fork:: --skip store::

clean:
	$(CARGO) clean
	rm -rf build bindings/node/node_modules bindings/node/dist bindings/node/native $(PYRIGHT) $(AUTHORIZATION_SERVER)/node_modules $(DOCTOR_TESTS)/typescript/node_modules \
	    $(NODE_PACKAGES_TESTS)/node_modules $(MCP_NODE_TESTS)/node_modules $(BENCH)/node/node_modules
