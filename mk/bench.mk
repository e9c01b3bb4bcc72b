# What a verdict costs, beside the bare signature check and beside other verifiers. Include it from the Makefile, which
# has the packages, and the stock FastMCP and the `jose` that a smoke test does with.
#
#   bench         C, Python and Node: distinct and repeated tokens, one and two threads, beside others; writes
#                 docs/performance.md's table and plot
#   bench-cold    from a process's start to its first verdict: CPU time and memory, beside others
#   bench-ratio   the verdict through the C ABI beside the bare signature check, and the library's load time
#   bench-profiles   what the release profile's settings are worth, in size, instructions and time; builds for half an hour
#   test-instructions   a verdict's instructions beside the signature check are no more than benches/instructions.json says
#   bench-smoke   bench and bench-cold from end to end, with few verifiers, few tokens and little time

BENCH := benches/peers
BENCH_BUILD := build/bench
BENCH_VENV := $(BENCH_BUILD)/venv
BENCH_NODE_READY := $(BENCH)/node/node_modules/.ready
BENCH_NATIVE_SOURCES := $(BENCH)/native.rs Cargo.toml Cargo.lock
# Of others those that the distribution's packages, libjwt-dev and librhonabwy-dev, have brought.
BENCH_PEERS_C := $(shell for name in libjwt librhonabwy; do pkg-config --exists $$name 2>/dev/null && echo $$name; done)
BENCH_C := $(addprefix $(BENCH_BUILD)/c/,authkit cold launch $(BENCH_PEERS_C))

.PHONY: bench bench-cold bench-ratio bench-profiles bench-smoke test-instructions

bench: $(BENCH_BUILD)/native $(BENCH_C) $(BENCH_BUILD)/workload $(BENCH_VENV)/.ready $(BENCH_NODE_READY) python node
	python3 $(BENCH)/run.py $(BENCH_PROGRAMS)

bench-cold: $(BENCH_BUILD)/native $(BENCH_C) $(BENCH_BUILD)/workload $(BENCH_VENV)/.ready $(BENCH_NODE_READY) python node
	python3 $(BENCH)/cold.py $(BENCH_PROGRAMS)

# $(call bench_programs,native,workload,Python of the others,Node packages of the others)
bench_programs = --native $(1) --c $(BENCH_BUILD)/c --workload $(2) --our-python $(PYTHON_RUN) \
	--peers-python $(3) --node-packages $(4)
BENCH_PROGRAMS := $(call bench_programs,$(BENCH_BUILD)/native,$(BENCH_BUILD)/workload,$(BENCH_VENV)/bin/python,$(BENCH)/node)

bench-ratio: lib
	$(CARGO) bench --locked --bench ratio
	mkdir -p $(BENCH_BUILD)
	gcc -std=c11 -O2 $(WARNINGS) benches/load.c -o $(BENCH_BUILD)/load -ldl
	@for run in 1 2 3 4 5 6 7 8 9 10 11; do $(BENCH_BUILD)/load $(NATIVE_LIB)/libauthkit.so || exit 1; done \
	    | sort -n | sed -n '6s/.*/loading libauthkit.so   & ms, median of 11 processes/p'

bench-profiles: $(BENCH_BUILD)/native $(BENCH_BUILD)/c/authkit $(BENCH_BUILD)/workload $(BENCH_BUILD)/counted/instructions
	RUSTFLAGS="$(SHIPPED_RUSTFLAGS)" CFLAGS="$(SHIPPED_CFLAGS)" python3 benches/profiles.py --native $(BENCH_BUILD)/native \
	    --c $(BENCH_BUILD)/c --workload $(BENCH_BUILD)/workload --counted $(BENCH_BUILD)/counted/instructions

# --- the smoke test --------------------------------------------------------------------------------

BENCH_SMOKE := $(BENCH_BUILD)/smoke
BENCH_SMOKE_PROGRAMS := $(call bench_programs,$(BENCH_SMOKE)/native,$(BENCH_SMOKE)/workload,$(DOCTOR_VENV)/bin/python,$(AUTHORIZATION_SERVER))

bench-smoke: $(BENCH_SMOKE)/native $(BENCH_C) $(BENCH_SMOKE)/workload $(DOCTOR_VENV)/.ready $(AUTHORIZATION_SERVER_READY) python node
	python3 $(BENCH)/run.py $(BENCH_SMOKE_PROGRAMS) --smoke --rounds 1 --seconds 0.05
	python3 $(BENCH)/cold.py $(BENCH_SMOKE_PROGRAMS) --smoke --rounds 1

# --- what they run ---------------------------------------------------------------------------------

# $(call bench_native,flags of cargo): builds the worker, and says where it is.
bench_native = $(CARGO) build --locked $(1) --bench peers --message-format=json-render-diagnostics \
	| sed -n 's/.*"executable":"\([^"]*\)".*/\1/p'

$(BENCH_BUILD)/native: $(BENCH_NATIVE_SOURCES) | build/.setup
	mkdir -p $(@D)
	cp "$$($(call bench_native,--release))" $@

# Out of what the tests have compiled: AWS-LC is as fast there.
$(BENCH_SMOKE)/native: $(BENCH_NATIVE_SOURCES) | build/.setup
	mkdir -p $(@D)
	cp "$$($(call bench_native,--workspace --all-features))" $@

$(BENCH_BUILD)/workload: $(BENCH)/workload.mjs | build/.setup
	node $< $@ 2000
	touch $@

$(BENCH_SMOKE)/workload: $(BENCH)/workload.mjs | build/.setup
	node $< $@ 200
	touch $@

$(BENCH_VENV)/.ready: $(BENCH)/python/requirements.txt tests/doctor/fastmcp/requirements.txt | build/.setup
	python3 -m venv --clear $(BENCH_VENV)
	$(BENCH_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r $<
	touch $@

$(BENCH_NODE_READY): $(BENCH)/node/package-lock.json | build/.setup
	cd $(BENCH)/node && npm ci --silent --no-audit --no-fund
	touch $@

BENCH_CFLAGS := -std=c11 -O2 $(WARNINGS) -Iinclude

$(addprefix $(BENCH_BUILD)/c/,authkit cold): $(BENCH_BUILD)/c/%: $(BENCH)/c/%.c $(BENCH)/c/worker.h include/authkit.h $(NATIVE_LIB)/libauthkit.so
	mkdir -p $(@D)
	gcc $(BENCH_CFLAGS) $< -o $@ $(SHARED_LINK)

$(BENCH_BUILD)/c/launch: $(BENCH)/c/launch.c
	mkdir -p $(@D)
	gcc $(BENCH_CFLAGS) $< -o $@

$(addprefix $(BENCH_BUILD)/c/,$(BENCH_PEERS_C)): $(BENCH_BUILD)/c/%: $(BENCH)/c/%.c $(BENCH)/c/worker.h
	mkdir -p $(@D)
	gcc $(BENCH_CFLAGS) $< -o $@ $$(pkg-config --cflags --libs $*) -ljansson -pthread

# --- instructions, held to a baseline --------------------------------------------------------------

# As cargo made it: what `lib` puts into $(NATIVE_LIB) has no symbols to count by.
$(BENCH_BUILD)/counted/libauthkit.so: $(NATIVE_LIB)/.built
	mkdir -p $(@D)
	ln -sf $(abspath $(NATIVE_OUT))/libauthkit.so $(BENCH_BUILD)/counted/$(SONAME)
	ln -sf $(SONAME) $@

$(BENCH_BUILD)/counted/instructions: benches/instructions.c include/authkit.h $(BENCH_BUILD)/counted/libauthkit.so
	gcc -std=c11 -O2 $(WARNINGS) -Iinclude $< -o $@ -L$(BENCH_BUILD)/counted -lauthkit -Wl,-rpath,$(abspath $(BENCH_BUILD)/counted)

test-instructions: $(BENCH_BUILD)/counted/instructions
	$(CLEAN) python3 benches/instructions.py $<
