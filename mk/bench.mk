# What a verdict costs, held to a baseline. Include it from the Makefile after mk/native.mk.
#
#   test-instructions   a verdict's instructions beside the signature check are no more than benches/instructions.json says

BENCH := build/bench

.PHONY: test-instructions

# As cargo made it: what `lib` puts into $(NATIVE_LIB) has no symbols to count by.
$(BENCH)/libauthkit.so: $(NATIVE_LIB)/.built
	mkdir -p $(@D)
	ln -sf $(abspath $(NATIVE_OUT))/libauthkit.so $(BENCH)/$(SONAME)
	ln -sf $(SONAME) $@

$(BENCH)/instructions: benches/instructions.c include/authkit.h $(BENCH)/libauthkit.so
	gcc -std=c11 -O2 $(WARNINGS) -Iinclude $< -o $@ -L$(BENCH) -lauthkit -Wl,-rpath,$(abspath $(BENCH))

test-instructions: $(BENCH)/instructions
	$(CLEAN) python3 benches/instructions.py $<
