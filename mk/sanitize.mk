# The C and C++ tests over a library that is itself compiled with sanitizers. Include it from the Makefile after mk/native.mk.
#
#   sanitize           both of the following
#   sanitize-address   under AddressSanitizer and UndefinedBehaviorSanitizer
#   sanitize-thread    under ThreadSanitizer
#
# Each begins with defects made on purpose (tests/c/defects.c), which it must report, and one run without, which must be silent.
# `make test` has the same tests under valgrind, and under the first with the library as it is shipped.

SANITIZE := build/sanitize
SANITIZERS := address thread
SANITIZE_TESTS := $(C_TESTS) authkit_hpp no_exceptions
SANITIZE_HOST = $(shell rustc -vV | sed -n 's/^host: //p')
SANITIZE_TARGET_DIR := $(SANITIZE)/target
SANITIZE_OUT = $(SANITIZE_TARGET_DIR)/$(SANITIZE_HOST)/sanitize
# The profile has debug assertions, which stop much of Rust's undefined behaviour as UBSan does C's. AWS-LC and std come
# without instruments: only their allocations, copies and locks of the C library are seen.
SANITIZE_address := -Zsanitizer=address
SANITIZE_thread := -Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer --cfg authkit_tsan
SANITIZE_CFLAGS_address := $(ASAN_FLAGS)
SANITIZE_CFLAGS_thread := -fsanitize=thread
# One process has one runtime: the compiler's of Rust, which is the newer one and serves gcc's code as well. Whole and
# exported, since the library finds it in the program.
SANITIZE_RUNTIME = -rdynamic -Wl,--whole-archive $(wildcard $(shell rustc --print target-libdir)/librustc*_rt.$(1).a) \
	-Wl,--no-whole-archive -lm -ldl -pthread
SANITIZE_LINK_address = $(call SANITIZE_RUNTIME,asan) -lubsan
SANITIZE_LINK_thread = $(call SANITIZE_RUNTIME,tsan)
# Under ThreadSanitizer a child of a process with threads is let live on (tests/c/fork.c). A process may end while a fetch begins,
# whose thread is then not yet detached: that "thread leak" is none.
SANITIZE_RUN_address := $(CLEAN) ASAN_OPTIONS=exitcode=66:detect_stack_use_after_return=1 UBSAN_OPTIONS=exitcode=66:print_stacktrace=1
SANITIZE_RUN_thread := $(CLEAN) TSAN_OPTIONS="suppressions=$(abspath scripts/tsan.supp) exitcode=66 die_after_fork=0 report_thread_leaks=0"

.PHONY: sanitize sanitize-address sanitize-thread

sanitize: sanitize-address sanitize-thread

sanitize-address: $(addprefix $(SANITIZE)/address/,$(SANITIZE_TESTS) fork unload defects)
	tests/c/defects.sh 66 $(ASAN_DEFECTS) use_after_free=heap-use-after-free \
	    double_free=heap-use-after-free overread=heap-buffer-overflow -- $(SANITIZE_RUN_address) $(SANITIZE)/address/defects
	$(call sanitized_tests,address)

sanitize-thread: $(addprefix $(SANITIZE)/thread/,$(SANITIZE_TESTS) fork unload defects)
	tests/c/defects.sh 66 race='data race' plain_race='data race' -- $(SANITIZE_RUN_thread) $(SANITIZE)/thread/defects
	$(call sanitized_tests,thread)

define sanitized_tests
set -e; for test in $(SANITIZE_TESTS); do $(SANITIZE_RUN_$(1)) $(SANITIZE)/$(1)/$$test; done
$(SANITIZE_RUN_$(1)) $(SANITIZE)/$(1)/fork $(FORKS_UNDER_TOOLS)
$(SANITIZE_RUN_$(1)) $(SANITIZE)/$(1)/unload $(SANITIZE)/$(1)/libauthkit.so
endef

# Both in one directory, where what cargo builds for itself is built once; so the second waits for the first's library.
$(SANITIZE)/thread/libauthkit.so: | $(SANITIZE)/address/libauthkit.so

$(SANITIZERS:%=$(SANITIZE)/%/libauthkit.so): $(SANITIZE)/%/libauthkit.so: $(NATIVE_SOURCES) mk/sanitize.mk | build/.setup
	mkdir -p $(@D)
	RUSTC_BOOTSTRAP=1 RUSTFLAGS="$(SANITIZE_$*)" CARGO_TARGET_DIR=$(SANITIZE_TARGET_DIR) \
	    $(CARGO) rustc --locked --profile sanitize --target $(SANITIZE_HOST) --lib --crate-type cdylib -- -C link-arg=-Wl,-z,nodelete
	cp $(SANITIZE_OUT)/libauthkit.so $@

# $(call sanitized,address or thread,the compiler with its flags,the library): in two steps, or gcc would link its own runtime.
define sanitized
$(2) $(SANITIZE_CFLAGS_$(1)) -c $< -o $@.o
$(firstword $(2)) $@.o -o $@ $(3) $(SANITIZE_LINK_$(1))
endef
sanitized_link = -L$(SANITIZE)/$(1) -lauthkit -Wl,-rpath,$(abspath $(SANITIZE))/$(1)

define sanitizer_rules
$(SANITIZE)/$(1)/%: tests/c/%.c $(C_TEST_INPUTS) $(SANITIZE)/$(1)/libauthkit.so
	$$(call sanitized,$(1),gcc $(NATIVE_CFLAGS),$$(call sanitized_link,$(1)))

# As in mk/native.mk, this one has the library by dlopen() alone.
$(SANITIZE)/$(1)/unload: tests/c/unload.c $(C_TEST_INPUTS) $(SANITIZE)/$(1)/libauthkit.so
	$$(call sanitized,$(1),gcc $(UNLOAD_CFLAGS))

$(SANITIZE)/$(1)/authkit_hpp: tests/cpp/authkit_hpp.cpp $(C_TEST_INPUTS) include/authkit.hpp $(SANITIZE)/$(1)/libauthkit.so
	$$(call sanitized,$(1),g++ -std=c++20 $(NATIVE_CXXFLAGS),$$(call sanitized_link,$(1)))

$(SANITIZE)/$(1)/no_exceptions: tests/cpp/authkit_hpp.cpp $(C_TEST_INPUTS) include/authkit.hpp $(SANITIZE)/$(1)/libauthkit.so
	$$(call sanitized,$(1),g++ -std=c++17 -fno-exceptions -fno-rtti $(NATIVE_CXXFLAGS),$$(call sanitized_link,$(1)))
endef
$(foreach sanitizer,$(SANITIZERS),$(eval $(call sanitizer_rules,$(sanitizer))))
