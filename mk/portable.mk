# The shared library for old systems, linked by zig against glibc 2.17's symbols. Include it from the Makefile.
#
#   portable   build/portable/libauthkit.so, which loads on glibc 2.17 and newer

PORTABLE := build/portable
PORTABLE_GLIBC := 2.17
PORTABLE_TARGET := $(shell rustc -vV | sed -n 's/^host: //p')
PORTABLE_VENV := $(PORTABLE)/venv

.PHONY: portable

portable: $(PORTABLE)/libauthkit.so

$(PORTABLE_VENV)/.tools: mk/portable.mk
	python3 -m venv --clear $(PORTABLE_VENV)
	$(PORTABLE_VENV)/bin/python -m pip install --quiet --disable-pip-version-check cargo-zigbuild==0.24.0 ziglang==0.15.2
	touch $@

$(PORTABLE)/libauthkit.so: $(NATIVE_SOURCES) $(PORTABLE_VENV)/.tools
	PATH="$(abspath $(PORTABLE_VENV))/bin:$$PATH" CARGO_TARGET_DIR=$(PORTABLE)/target cargo-zigbuild rustc \
	    --locked --release --lib --crate-type cdylib --target $(PORTABLE_TARGET).$(PORTABLE_GLIBC) -- $(LINK_ARGS)
	strip --strip-unneeded -o $@ $(PORTABLE)/target/$(PORTABLE_TARGET)/release/libauthkit.so
	! objdump -T $@ | grep -o 'GLIBC_2\.[0-9]*' | sort -u -t. -k2n | awk -F. '$$2 > 28' | grep .
