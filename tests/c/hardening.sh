#!/bin/sh
# How the loader is asked to treat what is built: `hardening.sh KIND:FILE...`, KIND being `library` or `command`, which we
# compile, or `program`, which somebody has linked to the library.
set -eu
scratch=$(mktemp -d)
trap 'rm -r "$scratch"' EXIT
failed=0
fail() {
    echo "hardening: $file: $*" >&2
    failed=1
}
has() { grep -Eq "$1" "$scratch/$2"; }

# Of every file: what was relocated is read-only from then on, nothing is both writable and executable, nothing is looked
# for where somebody else may write.
check_loading() {
    has 'GNU_RELRO' segments || fail "no RELRO"
    has 'BIND_NOW|FLAGS.*NOW' dynamic || fail "no BIND_NOW: RELRO is partial"
    has 'GNU_STACK' segments || fail "no GNU_STACK: the stack may be executable"
    ! has 'GNU_STACK.* R?WE ' segments || fail "the stack is executable"
    ! has 'LOAD.* R?WE ' segments || fail "a segment is writable and executable"
    ! has 'TEXTREL' dynamic || fail "code is relocated: TEXTREL"
    ! has 'RPATH|RUNPATH' dynamic || fail "RPATH or RUNPATH"
}

check_position_independent() {
    has 'Type: +DYN' header || fail "loaded at a fixed address"
    has 'FLAGS_1.*PIE' dynamic || fail "not a PIE"
}

# AWS-LC's C: the compiler leaves out the check where it can tell that nothing overflows, so some calls must be there.
check_compiled() {
    has '__stack_chk_fail' symbols || fail "no stack protector"
    has '__(mem|str|v?s?n?printf)[a-z]*_chk' symbols || fail "nothing is fortified"
}

# Neither this tree nor the developer's home, under which cargo keeps sources and toolchains.
check_paths() {
    for path in "$PWD" "$HOME" "${CARGO_HOME:-$HOME/.cargo}" "${RUSTUP_HOME:-$HOME/.rustup}"; do
        ! grep -aqF "$path/" "$file" || fail "names a path of the machine that built it: $path"
    done
}

for argument; do
    kind=${argument%%:*} file=${argument#*:}
    readelf -hW "$file" >"$scratch/header"
    readelf -lW "$file" >"$scratch/segments"
    readelf -dW "$file" >"$scratch/dynamic"
    readelf -W --dyn-syms "$file" >"$scratch/symbols"
    check_loading
    [ "$kind" = library ] || check_position_independent
    [ "$kind" = program ] || { check_compiled && check_paths; }
done
exit $failed
