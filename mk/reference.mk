# The API reference of the C and C++ libraries, made by doxygen of their headers.
#
#   reference        build/reference/html
#   test-reference   that it is made without a warning: all is documented, arguments, results and threads of each C function

REFERENCE := build/reference

.PHONY: reference test-reference

reference: $(REFERENCE)/html/index.html

$(REFERENCE)/html/index.html: include/authkit.h include/authkit.hpp docs/Doxyfile scripts/reference_input.py mk/reference.mk | build/.setup
	rm -rf $(REFERENCE)
	python3 scripts/reference_input.py include $(REFERENCE)/input
	AUTHKIT_VERSION=$$(sed -n 's/^#define AUTHKIT_VERSION "\(.*\)"/\1/p' include/authkit.h) doxygen docs/Doxyfile

test-reference: reference
