# The C and C++ libraries with their tests, and the command. Include it from the Makefile, or run it alone from
# the project's directory: `make -f mk/native.mk lib test-native`.
#
#   lib            build/lib/libauthkit.so (libauthkit.so.0) and libauthkit.a
#   cli            the command, target/release/authkit
#   header         writes include/authkit.h and abi/symbols.txt anew from src/ffi
#   test-native    all of the following
#   test-headers   the headers compile without a warning under every C and C++ standard
#   test-symbols   what the libraries export, need and weigh, and how they are hardened
#   test-c         the C tests and examples, over the shared and over the static library; every function is called
#   test-cpp       the C++ tests and examples, over both libraries, under every standard, with and without exceptions
#   test-valgrind  the C and C++ tests under valgrind: no leak, no invalid access
#   test-c-asan    the same compiled with address and undefined-behaviour sanitizers
#
# Both tools must report defects made on purpose. `make sanitize` has them, and more, in the library itself.

CARGO ?= cargo
NATIVE_LIB := build/lib
NATIVE_TEST := build/test
NATIVE_OUT := $(or $(CARGO_TARGET_DIR),target)/release
NATIVE_SOURCES := $(shell find src -name '*.rs') Cargo.toml Cargo.lock mk/native.mk

# 0.x releases share one soname: AUTHKIT_ABI_VERSION, which every binding checks, guards the contract.
SONAME := libauthkit.so.0
# Given here and not by a build script: cargo warns about cdylib arguments of a package that declares
# no cdylib, and declaring one would switch link-time optimisation off.
#   nodelete: a thread that ran our code must find its thread-local destructors after dlclose()
#   defs:     an undefined symbol fails here and not at the user's first call
LINK_ARGS := -C link-arg=-Wl,-soname,$(SONAME) -C link-arg=-Wl,-z,nodelete -C link-arg=-Wl,-z,defs
# What is shipped says nothing about the machine that built it: panic messages hold the paths of source files,
# and the same sources must give the same bytes wherever they lie. In RUSTFLAGS, since arguments after `--` would
# not reach the dependencies. cargo keeps what it builds with these flags beside what it builds without.
SHIPPED_RUSTFLAGS = $(strip $(RUSTFLAGS) --remap-path-prefix=$(shell rustc --print sysroot)/lib/rustlib/src/rust=/rust \
	--remap-path-prefix=$(or $(CARGO_HOME),$(HOME)/.cargo)=/cargo --remap-path-prefix=$(CURDIR)=/authkit-verifier)
# The C in it is AWS-LC, which compilers harden where they are told to. Rust checks its own bounds, and probes its stack.
# The macro leaves out AWS-LC's code for AVX-512, 0.7 MB: it is for AES-GCM in bulk and for RSA's private keys. A key
# set every few minutes needs neither, and signatures are verified by the same code with it and without.
SHIPPED_CFLAGS = $(strip $(CFLAGS) -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 \
	-DMY_ASSEMBLER_IS_TOO_OLD_FOR_512AVX)
CARGO_SHIPPED = RUSTFLAGS="$(SHIPPED_RUSTFLAGS)" CFLAGS="$(SHIPPED_CFLAGS)" $(CARGO)
# What a static link needs beyond libauthkit.a, in this order; test-c links with exactly these.
NATIVE_LIBS := -lgcc_s -lutil -lrt -lpthread -lm -ldl -lc

CLI := $(NATIVE_OUT)/authkit
CLI_SOURCES := $(shell find cli/src src -name '*.rs') cli/Cargo.toml Cargo.toml Cargo.lock mk/native.mk

.PHONY: lib cli header test-native test-headers test-symbols test-c test-cpp test-valgrind test-c-asan

lib: $(NATIVE_LIB)/libauthkit.so $(NATIVE_LIB)/libauthkit.a

# One run of cargo makes both; `cargo rustc --crate-type` is the way to keep link-time optimisation.
$(NATIVE_LIB)/.built: $(NATIVE_SOURCES)
	$(CARGO_SHIPPED) rustc --locked --release --lib --crate-type cdylib,staticlib -- $(LINK_ARGS)
	@# With link-time optimisation the whole of Rust is one object; without, std is still one of its own.
	@! ar t $(NATIVE_OUT)/libauthkit.a | grep -q '^std-' || { echo "link-time optimisation is off" >&2; exit 1; }
	mkdir -p $(NATIVE_LIB)
	touch $@

$(NATIVE_LIB)/libauthkit.so: $(NATIVE_LIB)/.built
	strip --strip-unneeded -o $@ $(NATIVE_OUT)/libauthkit.so
	ln -sf libauthkit.so $(NATIVE_LIB)/$(SONAME)

# cargo's archive exports thousands of symbols of aws-lc and the Rust runtime, which would clash with
# another copy in the user's program. Linked into one object, all but ours become local. Its groups are dissolved: a
# linker keeps one of several groups of a name, such as DW.ref.rust_eh_personality, and ours, being local, would leave the
# other Rust library of a program without.
$(NATIVE_LIB)/libauthkit.a: $(NATIVE_LIB)/.built
	ld -r --force-group-allocation --whole-archive $(NATIVE_OUT)/libauthkit.a -o $(NATIVE_LIB)/authkit.o
	objcopy --wildcard --keep-global-symbol='authkit_*' -R .llvmbc -R .llvmcmd --strip-debug $(NATIVE_LIB)/authkit.o
	rm -f $@
	ar rcs $@ $(NATIVE_LIB)/authkit.o
	rm $(NATIVE_LIB)/authkit.o

cli: $(CLI)

$(CLI): $(CLI_SOURCES)
	$(CARGO_SHIPPED) build --locked --release --package authkit-cli
	touch $@

header:
	grep -ho 'extern "C" fn [a-z_0-9]*' src/ffi/*.rs | sed 's/.* //' | LC_ALL=C sort > abi/symbols.txt
	WRITE_HEADER=1 $(CARGO) test --locked --test ffi_header

test-native: test-headers test-symbols test-c test-cpp test-c-asan test-valgrind

# --- flags -----------------------------------------------------------------------------------------

WARNINGS := -Wall -Wextra -Wpedantic -Werror
NATIVE_CFLAGS := -std=c11 -g -O1 $(WARNINGS) -Iinclude
NATIVE_CXXFLAGS := -g -O1 $(WARNINGS) -Iinclude
# What authkit.hpp is held to besides: users compile it among their own files, with their own warnings.
HPP_WARNINGS := $(WARNINGS) -Wconversion -Wsign-conversion -Wshadow -Wnon-virtual-dtor -Wold-style-cast
# The tests find the library where it was built, from whatever directory they run in, and bind each call when it is
# first made, by which tests/c/called.sh knows of it.
SHARED_LINK := -L$(NATIVE_LIB) -lauthkit -Wl,-rpath,$(abspath $(NATIVE_LIB)) -pthread -Wl,-z,lazy
ASAN_FLAGS := -fsanitize=address,undefined -fno-sanitize-recover=all
STATIC_LINK := -nodefaultlibs $(NATIVE_LIB)/libauthkit.a $(NATIVE_LIBS)
# No setting of the developer's environment may reach a test.
CLEAN := env -i PATH="$(PATH)"

C_TESTS := status config verdicts verdict decision access claims misuse default_environment default_set threads lifetimes waiting \
	observe
# One that forks so often that a tool over it gets a fraction of it.
C_TESTS_BARE := fork
FORKS_UNDER_TOOLS := 20
C_TEST_INPUTS := tests/c/check.h tests/c/vectors.h tests/c/server.h tests/c/asking.h include/authkit.h

# --- headers ---------------------------------------------------------------------------------------

# `c++2b` is C++23 to compilers that came before it. libc++ is clang's own library in place of gcc's.
CXX_FLAVOURS := g++ clang++ 'clang++ -stdlib=libc++'
CXX_STANDARDS := c++17 c++20 c++2b

test-headers:
	set -e; for compiler in gcc clang; do \
	    for std in c99 c11 c17; do $$compiler -std=$$std $(WARNINGS) -Iinclude -x c -fsyntax-only tests/c/header.c; done; \
	    for std in c++11 c++14 c++17 c++20; do $$compiler -std=$$std $(WARNINGS) -Iinclude -x c++ -fsyntax-only tests/c/header.c; done; \
	done
	for compiler in $(CXX_FLAVOURS); do for std in $(CXX_STANDARDS); do for mode in -fexceptions '-fno-exceptions -fno-rtti'; do \
	    echo "$$compiler -std=$$std $$mode"; done; done; done \
	    | xargs -P 2 -I{} sh -c '{} $(HPP_WARNINGS) -Iinclude -fsyntax-only tests/cpp/header.cpp'

# --- symbols ---------------------------------------------------------------------------------------

test-symbols: lib
	tests/c/symbols.sh $(NATIVE_LIB)
	tests/c/hardening.sh library:$(NATIVE_LIB)/libauthkit.so

# --- tests -----------------------------------------------------------------------------------------

$(NATIVE_TEST)/c/%: tests/c/%.c $(C_TEST_INPUTS) $(NATIVE_LIB)/libauthkit.so
	mkdir -p $(@D)
	gcc $(NATIVE_CFLAGS) $< -o $@ $(SHARED_LINK)

$(NATIVE_TEST)/static/%: tests/c/%.c $(C_TEST_INPUTS) $(NATIVE_LIB)/libauthkit.a
	mkdir -p $(@D)
	gcc $(NATIVE_CFLAGS) $< -o $@ $(STATIC_LINK)

$(NATIVE_TEST)/asan/%: tests/c/%.c $(C_TEST_INPUTS) $(NATIVE_LIB)/libauthkit.so
	mkdir -p $(@D)
	gcc $(NATIVE_CFLAGS) $(ASAN_FLAGS) $< -o $@ $(SHARED_LINK)

$(NATIVE_TEST)/asan/authkit_hpp: tests/cpp/authkit_hpp.cpp tests/cpp/nothing.hpp $(C_TEST_INPUTS) include/authkit.hpp $(NATIVE_LIB)/libauthkit.so
	mkdir -p $(@D)
	g++ -std=c++20 $(NATIVE_CXXFLAGS) $(ASAN_FLAGS) $< -o $@ $(SHARED_LINK)

# This one finds the library by dlopen() alone.
UNLOAD_CFLAGS := -std=gnu11 -g -O1 -Wall -Wextra -Werror -Iinclude

$(NATIVE_TEST)/c/unload: tests/c/unload.c $(C_TEST_INPUTS)
	mkdir -p $(@D)
	gcc $(UNLOAD_CFLAGS) $< -o $@ -pthread -ldl

$(NATIVE_TEST)/asan/unload: tests/c/unload.c $(C_TEST_INPUTS)
	mkdir -p $(@D)
	gcc $(UNLOAD_CFLAGS) $(ASAN_FLAGS) $< -o $@ -pthread -ldl

$(NATIVE_TEST)/c/example: examples/c/verify.c include/authkit.h $(NATIVE_LIB)/libauthkit.so
	mkdir -p $(@D)
	gcc $(NATIVE_CFLAGS) -O2 $< -o $@ $(SHARED_LINK)

$(NATIVE_TEST)/c/tour: examples/c/tour.c include/authkit.h $(NATIVE_LIB)/libauthkit.so
	mkdir -p $(@D)
	gcc $(NATIVE_CFLAGS) $< -o $@ $(SHARED_LINK)

$(NATIVE_TEST)/cpp/tour: examples/cpp/tour.cpp include/authkit.h include/authkit.hpp $(NATIVE_LIB)/libauthkit.so
	mkdir -p $(@D)
	g++ -std=c++17 $(HPP_WARNINGS) -Iinclude -fsyntax-only $<
	g++ -std=c++2b $(NATIVE_CXXFLAGS) $(HPP_WARNINGS) $< -o $@ $(SHARED_LINK)

$(NATIVE_TEST)/cpp/example: examples/cpp/verify.cpp include/authkit.h include/authkit.hpp $(NATIVE_LIB)/libauthkit.so
	mkdir -p $(@D)
	g++ -std=c++17 $(NATIVE_CXXFLAGS) $< -o $@ $(SHARED_LINK)

# The C++ tests: under every standard, without exceptions, by each compiler, and over the static library.
CPP_TESTS := authkit_hpp cpp17 cpp23 no_exceptions clang_libcxx static
CPP_COMPILER := g++ -std=c++20
$(NATIVE_TEST)/cpp/cpp17: CPP_COMPILER := g++ -std=c++17
$(NATIVE_TEST)/cpp/cpp23: CPP_COMPILER := g++ -std=c++2b
$(NATIVE_TEST)/cpp/no_exceptions: CPP_COMPILER := g++ -std=c++17 -fno-exceptions -fno-rtti
$(NATIVE_TEST)/cpp/clang_libcxx: CPP_COMPILER := clang++ -stdlib=libc++ -std=c++20
$(NATIVE_TEST)/cpp/static: CPP_LINK = $(NATIVE_LIB)/libauthkit.a $(NATIVE_LIBS)
CPP_LINK = $(SHARED_LINK)

$(CPP_TESTS:%=$(NATIVE_TEST)/cpp/%): tests/cpp/authkit_hpp.cpp tests/cpp/nothing.hpp $(C_TEST_INPUTS) include/authkit.hpp $(NATIVE_LIB)/libauthkit.so $(NATIVE_LIB)/libauthkit.a
	mkdir -p $(@D)
	$(CPP_COMPILER) $(NATIVE_CXXFLAGS) $< -o $@ $(CPP_LINK)

$(NATIVE_TEST)/cpp/allocations: tests/cpp/allocations.cpp $(C_TEST_INPUTS) include/authkit.hpp $(NATIVE_LIB)/libauthkit.so
	mkdir -p $(@D)
	g++ -std=c++17 $(NATIVE_CXXFLAGS) $< -o $@ $(SHARED_LINK)

# Two halves of one program that are compiled as differently as can be, not optimised.
MIXED := tests/cpp/mixed
$(NATIVE_TEST)/cpp/mixed: $(MIXED)/throws.cpp $(MIXED)/aborts.cpp $(MIXED)/shared.h include/authkit.hpp $(NATIVE_LIB)/libauthkit.so
	mkdir -p $(@D)
	g++ -std=c++17 -fno-exceptions -fno-rtti -O0 $(WARNINGS) -Iinclude -c $(MIXED)/aborts.cpp -o $@_aborts.o
	g++ -std=c++2b -O0 $(WARNINGS) -Iinclude -c $(MIXED)/throws.cpp -o $@_throws.o
	g++ $@_aborts.o $@_throws.o -o $@ $(SHARED_LINK)

test-c: $(addprefix $(NATIVE_TEST)/c/,$(C_TESTS) $(C_TESTS_BARE) unload example tour print_vector)
test-c: $(addprefix $(NATIVE_TEST)/static/,$(C_TESTS) $(C_TESTS_BARE))
	rm -rf $(NATIVE_TEST)/bindings && mkdir $(NATIVE_TEST)/bindings
	set -e; for test in $(C_TESTS) $(C_TESTS_BARE); do \
	    $(CLEAN) LD_DEBUG=bindings LD_DEBUG_OUTPUT=$(NATIVE_TEST)/bindings/$$test $(NATIVE_TEST)/c/$$test; \
	    $(CLEAN) $(NATIVE_TEST)/static/$$test; done
	tests/c/called.sh $(NATIVE_TEST)/c $(NATIVE_TEST)/bindings
	tests/c/ignored.sh
	$(CLEAN) $(NATIVE_TEST)/c/unload $(NATIVE_LIB)/libauthkit.so
	tests/c/example.sh $(NATIVE_TEST)/c/example $(NATIVE_TEST)/c/print_vector
	tests/c/tour.sh $(NATIVE_TEST)/c/tour $(NATIVE_TEST)/c/print_vector

CPP_RUNS := $(CPP_TESTS) allocations mixed

test-cpp: $(addprefix $(NATIVE_TEST)/cpp/,$(CPP_RUNS) example tour) $(NATIVE_TEST)/c/print_vector
	set -e; for test in $(CPP_RUNS); do $(CLEAN) $(NATIVE_TEST)/cpp/$$test; done
	tests/c/example.sh $(NATIVE_TEST)/cpp/example $(NATIVE_TEST)/c/print_vector
	tests/c/tour.sh $(NATIVE_TEST)/cpp/tour $(NATIVE_TEST)/c/print_vector
	tests/cpp/wrapped.sh

# What each tool reports, of defects made on purpose (tests/c/defects.c).
ASAN_DEFECTS := stale_text=heap-use-after-free overflow=heap-buffer-overflow leak='detected memory leaks' \
	shift='runtime error: shift exponent'
VALGRIND_DEFECTS := double_free='Invalid read' use_after_free='Invalid read' stale_text='Invalid read' \
	overread='Invalid read' overflow='Invalid write' leak='lost in loss record'

# The sanitizers watch the harness and what the library does to its memory: frees, copies, leaks. `make sanitize` has
# them in the library, too.
# The fork test is not run here: the allocator of this sanitizer keeps its lock over a fork, so now and then a child waits
# for a thread that it does not have. Without it, and under Valgrind, the test runs.
ASAN_RUN := $(CLEAN) ASAN_OPTIONS=exitcode=66 UBSAN_OPTIONS=exitcode=66

test-c-asan: $(addprefix $(NATIVE_TEST)/asan/,$(C_TESTS) authkit_hpp unload defects)
	tests/c/defects.sh 66 $(ASAN_DEFECTS) -- $(ASAN_RUN) $(NATIVE_TEST)/asan/defects
	set -e; for test in $(C_TESTS) authkit_hpp; do $(ASAN_RUN) $(NATIVE_TEST)/asan/$$test; done
	$(ASAN_RUN) $(NATIVE_TEST)/asan/unload $(NATIVE_LIB)/libauthkit.so

VALGRIND := valgrind --quiet --fair-sched=try --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite,indirect \
	--show-leak-kinds=definite,indirect --child-silent-after-fork=yes

test-valgrind: $(addprefix $(NATIVE_TEST)/c/,$(C_TESTS) $(C_TESTS_BARE) unload defects) $(NATIVE_TEST)/cpp/authkit_hpp
	tests/c/defects.sh 9 $(VALGRIND_DEFECTS) -- $(CLEAN) $(VALGRIND) $(NATIVE_TEST)/c/defects
	set -e; for test in $(C_TESTS); do $(CLEAN) $(VALGRIND) $(NATIVE_TEST)/c/$$test; done
	@# A child has lost what its parent's other threads held on their stacks.
	$(CLEAN) $(VALGRIND) --leak-check=no $(NATIVE_TEST)/c/fork $(FORKS_UNDER_TOOLS)
	$(CLEAN) $(VALGRIND) $(NATIVE_TEST)/c/unload $(NATIVE_LIB)/libauthkit.so
	$(CLEAN) $(VALGRIND) $(NATIVE_TEST)/cpp/authkit_hpp
