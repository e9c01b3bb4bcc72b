# The C ABI's description, abi/authkit.abi, which only grows. Include it from the Makefile after mk/native.mk.
#
#   abi        writes abi/authkit.abi anew from include/authkit.h, unless something of the old one is gone or changed
#   test-abi   the header's ABI is that description's, and the comparison sees each kind of change

ABI := build/abi

.PHONY: abi test-abi

abi: | build/.setup
	mkdir -p $(ABI)
	scripts/abi.sh describe include/authkit.h $(ABI)/new.abi
	@# 4: it has grown.
	scripts/abi.sh compare abi/authkit.abi $(ABI)/new.abi || [ $$? = 4 ]
	cp $(ABI)/new.abi abi/authkit.abi

test-abi: | build/.setup
	tests/c/abi.sh $(ABI)
