#!/bin/sh
# The C ABI as libabigail describes it, of a header:
#
#   abi.sh describe HEADER DESCRIPTION   writes DESCRIPTION: the functions with their types, the enumerators, the macros
#   abi.sh compare BASELINE DESCRIPTION  0: DESCRIPTION is BASELINE, or more; 4: it is more; 8: what was there has changed
#
# The shipped library has no types to read, and those in Rust's debug information are Rust's. The header is generated from
# the same source, which a test compares: what is described is a library that defines the header's functions, empty.
set -eu

# As C++, where the enumerations are the functions' own types: C has integers in their place, which keep no enumerators.
# Of a macro an enumerator is made, so that its value is held as well; those of the release change with each of them.
write_library() {
    header=$1
    echo '#include "authkit.h"'
    echo 'enum authkit_macro {'
    gcc -std=c11 -E -dM -x c "$header" | LC_ALL=C sort |
        sed -n '/^#define AUTHKIT_VERSION/d; s/^#define \(AUTHKIT_[A-Z_0-9]*\) \([0-9].*\)/    macro_\1 = \2,/p'
    echo '};'
    echo 'extern "C" {'
    echo 'void authkit_macros(enum authkit_macro);'
    echo 'void authkit_macros(enum authkit_macro) {}'
    gcc -std=c11 -fsyntax-only -aux-info "$scratch/functions" -x c "$header"
    sed -n 's/^.*\*\/ extern \(.*authkit_.*\);$/\1 { __builtin_trap(); }/p' "$scratch/functions" | sed 's/_Bool/bool/g'
    echo '}'
}

describe() {
    header=$1 description=$2
    scratch=$(mktemp -d)
    trap 'rm -r "$scratch"' EXIT
    write_library "$header" >"$scratch/library.cpp"
    g++ -std=c++17 -g -shared -fPIC -nostdlib -Wl,-soname,"${SONAME:-libauthkit.so.0}" -I"$(dirname "$header")" \
        "$scratch/library.cpp" -o "$scratch/library.so"
    # Without whatever depends on the machine.
    abidw --no-corpus-path --no-comp-dir-path --no-show-locs --no-elf-needed --no-architecture --no-parameter-names \
        --type-id-style hash "$scratch/library.so" | sed "s| path='[^']*'||" >"$description"
}

# To abidiff a `const` and an enumeration's name are harmless. Here `const` says which calls may be made at once, and
# only what is new may differ: functions and enumerators.
compare() {
    abidiff --no-added-syms "$1" "$2" || return 8
    report=$(abidiff --harmless "$1" "$2") && return 0
    ! printf '%s\n' "$report" | grep -B 3 'changed \(from\|to\) ' || return 8
    return 4
}

"$@"
