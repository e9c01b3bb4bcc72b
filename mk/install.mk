# Installing the C and C++ library and the command. Include it from the Makefile after mk/native.mk, or run it alone from
# the project's directory: `make -f mk/native.mk -f mk/install.mk install PREFIX="$HOME/.local"`.
#
#   install        what docs/packaging.md lists, below DESTDIR and PREFIX; builds only what is not built
#   uninstall      removes it again, given the same variables
#   manual         writes cli/man anew from the command's definitions
#   test-install   stranger's projects against an installed library, static links beside OpenSSL and Rust, hardening
#
# PREFIX is /usr/local. BINDIR, LIBDIR, INCLUDEDIR, MANDIR and DOCDIR are the system's usual places below
# it where they are not given; they may be relative to it.

DESTDIR ?=
PREFIX ?= /usr/local
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)

INSTALL_DIRECTORIES := BINDIR LIBDIR INCLUDEDIR MANDIR DOCDIR
INSTALLER = DESTDIR="$(DESTDIR)" packaging/install.sh $(1) "$(PREFIX)" \
	$(foreach name,$(INSTALL_DIRECTORIES),$(if $($(name)),-DCMAKE_INSTALL_$(name)="$($(name))")) \
	-DAUTHKIT_VERSION=$(VERSION) -DAUTHKIT_SONAME=$(SONAME) -DAUTHKIT_LIBRARIES="$(abspath $(NATIVE_LIB))" \
	-DAUTHKIT_COMMAND="$(abspath $(CLI))" -DAUTHKIT_NATIVE_LIBS="$(NATIVE_LIBS)"

.PHONY: install uninstall manual test-install

install: lib $(CLI)
	@$(call INSTALLER,install)

uninstall:
	@$(call INSTALLER,uninstall)

manual:
	WRITE_MANUAL=1 $(CARGO) test --locked --package authkit-cli --bin authkit manual::

test-install: lib $(CLI) $(NATIVE_TEST)/c/print_vector
	tests/c/hardening.sh command:$(CLI)
	tests/consumers/run.sh $(NATIVE_OUT)/libauthkit.a $(NATIVE_TEST)/c/print_vector
