# The shared library and the command for old systems, linked by zig against glibc 2.17's symbols. Include it from
# the Makefile, after mk/native.mk.
#
#   portable   build/portable/libauthkit.so and build/portable/authkit, which run on glibc 2.17 and newer

PORTABLE := build/portable
PORTABLE_GLIBC := 2.17
PORTABLE_TARGET := $(shell rustc -vV 2>/dev/null | sed -n 's/^host: //p')
PORTABLE_VENV := $(PORTABLE)/venv
# Both from one directory, so that the dependencies are compiled once.
PORTABLE_TARGET_DIR := $(PORTABLE)/target
PORTABLE_OUT := $(PORTABLE_TARGET_DIR)/$(PORTABLE_TARGET)/release
PORTABLE_CARGO = PATH="$(abspath $(PORTABLE_VENV))/bin:$$PATH" CARGO_TARGET_DIR=$(PORTABLE_TARGET_DIR) \
	RUSTFLAGS="$(SHIPPED_RUSTFLAGS)" CFLAGS="$(SHIPPED_CFLAGS)" cargo-zigbuild
PORTABLE_FLAGS := --locked --release --target $(PORTABLE_TARGET).$(PORTABLE_GLIBC)

.PHONY: portable

portable: $(PORTABLE)/libauthkit.so $(PORTABLE)/authkit

$(PORTABLE_VENV)/.tools: mk/portable.mk
	python3 -m venv --clear $(PORTABLE_VENV)
	$(PORTABLE_VENV)/bin/python -m pip install --quiet --disable-pip-version-check cargo-zigbuild==0.24.0 ziglang==0.15.2
	touch $@

$(PORTABLE)/libauthkit.so: $(NATIVE_SOURCES) $(PORTABLE_VENV)/.tools
	$(PORTABLE_CARGO) rustc $(PORTABLE_FLAGS) --lib --crate-type cdylib -- $(LINK_ARGS)
	strip --strip-unneeded -o $@ $(PORTABLE_OUT)/libauthkit.so
	tests/c/hardening.sh library:$@

$(PORTABLE)/authkit: $(CLI_SOURCES) $(PORTABLE_VENV)/.tools
	$(PORTABLE_CARGO) build $(PORTABLE_FLAGS) --package authkit-cli
	strip --strip-unneeded -o $@ $(PORTABLE_OUT)/authkit
	tests/c/hardening.sh command:$@
