#!/bin/sh
# Every function of abi/symbols.txt was called by a C test: `called.sh PROGRAMS BINDINGS`, where BINDINGS/TEST.PID is what the
# loader said (LD_DEBUG=bindings) while PROGRAMS/TEST ran. It binds a call when it is first made, and what a program
# merely takes the address of, or all of a program that is linked with `-z now`, when the program starts.
set -eu
programs=$1 bindings=$2
scratch=$(mktemp -d)
trap 'rm -r "$scratch"' EXIT

for binding in "$bindings"/*; do
    program=$programs/$(basename "${binding%.*}")
    if readelf -dW "$program" | grep -q NOW; then
        echo "test-c: $program is not linked lazily" >&2
        exit 1
    fi
    readelf -rW "$program" | sed -n 's/.*_JUMP_SLOT* .* \(authkit_[a-z_0-9]*\).*/\1/p' | LC_ALL=C sort >"$scratch/callable"
    # shellcheck disable=SC2016
    sed -n 's/.*libauthkit[^`]*`\(authkit_[a-z_0-9]*\).*/\1/p' "$binding" | LC_ALL=C sort >"$scratch/bound"
    LC_ALL=C comm -12 "$scratch/callable" "$scratch/bound" >>"$scratch/called"
done

LC_ALL=C sort -u "$scratch/called" | LC_ALL=C comm -13 - abi/symbols.txt >"$scratch/uncalled"
[ -s "$scratch/uncalled" ] || exit 0
echo "test-c: no C test calls $(tr '\n' ' ' <"$scratch/uncalled")" >&2
exit 1
