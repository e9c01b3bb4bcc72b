# What C and C++ developers read: the guides, docs/c.md and docs/cpp.md, and the API reference that doxygen makes.
#
#   reference        build/reference/html
#   test-reference   that it is made without a warning (all is documented, with arguments, results and threads of each
#                    C function), and that the guides show only code that the tests run

REFERENCE := build/reference

.PHONY: reference test-reference

reference: $(REFERENCE)/html/index.html

$(REFERENCE)/html/index.html: include/authkit.h include/authkit.hpp docs/Doxyfile scripts/reference_input.py mk/reference.mk | build/.setup
	rm -rf $(REFERENCE)
	python3 scripts/reference_input.py include $(REFERENCE)/input
	AUTHKIT_VERSION=$$(sed -n 's/^#define AUTHKIT_VERSION "\(.*\)"/\1/p' include/authkit.h) doxygen docs/Doxyfile

GUIDES := docs/c.md docs/cpp.md

test-reference: reference
	set -e; for guide in $(GUIDES); do python3 scripts/quote_examples.py --check $$guide; done
	@# A quote stands before each piece of code.
	awk '/^```(c|cpp)$$/ && before !~ /^<!-- quote / { print FILENAME ": line " FNR " is not quoted"; bad = 1 } \
	    { before = $$0 } END { exit bad }' $(GUIDES)
