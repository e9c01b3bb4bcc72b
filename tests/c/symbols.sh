#!/bin/sh
# What the built libraries export, need and weigh: `symbols.sh LIBRARY_DIRECTORY`, from the project's directory.
set -eu
shared=$1/libauthkit.so
static=$1/libauthkit.a
scratch=$(mktemp -d)
trap 'rm -r "$scratch"' EXIT
failed=0
fail() {
    echo "test-symbols: $*" >&2
    failed=1
}

# Exactly the listed functions, from both.
nm -D --defined-only "$shared" | awk '{ print $3 }' | LC_ALL=C sort >"$scratch/shared"
nm --defined-only --extern-only "$static" | awk 'NF == 3 { print $3 }' | LC_ALL=C sort >"$scratch/static"
for kind in shared static; do
    diff -u abi/symbols.txt "$scratch/$kind" || fail "the $kind library exports other symbols than abi/symbols.txt"
done
grep -v '^authkit_' abi/symbols.txt && fail "a symbol does not begin with authkit_"

# How the loader treats the library.
readelf -dW "$shared" >"$scratch/dynamic"
grep -q 'SONAME.*\[libauthkit.so.0\]' "$scratch/dynamic" || fail "the soname is not libauthkit.so.0"
grep -q 'NODELETE' "$scratch/dynamic" || fail "unloading is not safe: no NODELETE"
needed=$(sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' "$scratch/dynamic" | LC_ALL=C sort | tr '\n' ' ')
for library in $needed; do
    case $library in
    libc.so.6 | libgcc_s.so.1 | libm.so.6 | ld-linux-*) ;;
    *) fail "needs $library" ;;
    esac
done
glibc=$(objdump -T "$shared" | grep -o 'GLIBC_[0-9.]*' | sort -Vu | tail -1)

# Weight. `make lib` has seen link-time optimisation in force; without it the archive has 17 MB.
size() { wc -c <"$1" | tr -d ' '; }
[ "$(size "$shared")" -lt 4600000 ] || fail "the shared library has $(size "$shared") bytes, 4.6 MB or more"
[ "$(size "$static")" -lt 12500000 ] || fail "the archive has $(size "$static") bytes, 12.5 MB or more"

echo "libauthkit.so $(size "$shared") bytes, needs $needed($glibc); libauthkit.a $(size "$static") bytes; $(wc -l <abi/symbols.txt) functions"
exit $failed
