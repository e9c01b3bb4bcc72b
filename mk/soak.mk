# The soak: an issuer that rotates, fails and stalls, clients in C, Python and Node, and one judge. Include it from the
# Makefile after mk/native.mk, mk/python.mk and mk/node.mk. docs/soak.md says what is counted.
#
#   soak          measures how much strangers delay good tokens while the issuer hangs, then runs the soak for TIME
#                 seconds. FLOOD=1: only clients that are flooded with random key ids; FLOOD=0: only the others;
#                 MODE=inline: no thread fetches; KEEP=directory: keeps the logs
#   test-soak     24 s with an issuer that changes faster, and the judge's own test

SOAK := tests/soak
SOAK_BUILD := build/soak
# The dev profile's, which the Rust tests' build makes as well.
SOAK_ISSUER := $(or $(CARGO_TARGET_DIR),target)/debug/examples/soak_issuer
TIME := 120
FLOOD :=
MODE := background
KEEP :=

.PHONY: soak test-soak soak-issuer

soak-issuer: | build/.setup
	$(CARGO) build --quiet --locked --workspace --all-features --example soak_issuer

$(SOAK_BUILD)/soak: $(SOAK)/soak.c include/authkit.h $(NATIVE_LIB)/libauthkit.so
	mkdir -p $(@D)
	gcc $(NATIVE_CFLAGS) $< -o $@ $(SHARED_LINK)

SOAK_RUN = $(CLEAN) python3 $(SOAK)/run.py --issuer $(SOAK_ISSUER) --c $(SOAK_BUILD)/soak --python $(PYTHON_RUN)

soak: soak-issuer $(SOAK_BUILD)/soak python node
	$(CARGO) test --locked --workspace --all-features --test soak -- --nocapture
	$(SOAK_RUN) --time $(TIME) --mode $(MODE) $(if $(FLOOD),--flood $(FLOOD)) $(if $(KEEP),--keep $(KEEP))

test-soak: soak-issuer $(SOAK_BUILD)/soak python node
	$(PYTHON_RUN) -m pytest -q -p no:cacheprovider $(SOAK)/test_judge.py
	$(SOAK_RUN) --short
