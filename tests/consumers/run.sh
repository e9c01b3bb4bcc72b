#!/bin/sh
# What a stranger does with the installed library: `run.sh ARCHIVE_OF_CARGO PRINT_VECTOR`, from the project's directory.
# Installs into empty directories and builds copies of the projects here against them, outside the tree.
# Flags are lists of words; what a project needs is set for it alone.
# shellcheck disable=SC2086,SC2030,SC2031
set -eu
cargo_archive=$(realpath "$1") print_vector=$(realpath "$2")
tree=$PWD
# Neither the options of the make that runs this nor the developer's settings.
unset MAKEFLAGS MFLAGS MAKELEVEL DESTDIR PKG_CONFIG_PATH CMAKE_PREFIX_PATH LD_LIBRARY_PATH BUILD_SHARED_LIBS
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
fail() {
    echo "test-install: $*" >&2
    exit 1
}
# Hardened as distributions do it, and no warning passes; compiler and linker write down what they have read.
export CFLAGS="-O2 -Wall -Wextra -Werror -fno-plt -fPIE -MD"
export CXXFLAGS="$CFLAGS"
export LDFLAGS="-pie -Wl,-z,now,-z,relro,--fatal-warnings,-Map=read.map"

# Whoever installs may have no Rust: nothing may be built that is there.
make_install() {
    action=$1
    shift
    "${MAKE:-make}" --no-print-directory CARGO=false "$action" "$@" >"$scratch/log" 2>&1 || {
        cat "$scratch/log" >&2
        fail "make $action $*"
    }
}

installed() { (cd "$1" && find . ! -type d | LC_ALL=C sort); }

expect_files() {
    for file in ./bin/authkit ./include/authkit.h ./include/authkit.hpp "./$2/cmake/authkit/authkit-config-version.cmake" \
        "./$2/cmake/authkit/authkit-config.cmake" "./$2/libauthkit.a" "./$2/libauthkit.so" "./$2/libauthkit.so.0" \
        "./$2/libauthkit.so.$version" "./$2/pkgconfig/authkit.pc" ./share/doc/authkit/LICENSE-APACHE \
        ./share/doc/authkit/LICENSE-MIT ./share/doc/authkit/LICENSE-THIRD-PARTY; do
        echo "$file"
    done >"$scratch/expected"
    for file in bash-completion/completions/authkit zsh/site-functions/_authkit fish/vendor_completions.d/authkit.fish; do
        echo "./share/$file"
    done >>"$scratch/expected"
    (cd cli/man && ls ./*.1) | sed 's|^\.|./share/man/man1|' >>"$scratch/expected"
    LC_ALL=C sort -o "$scratch/expected" "$scratch/expected"
    installed "$1" | diff -u "$scratch/expected" - || fail "not the files that are meant to be installed"
}

# project NAME [SOURCE]: a fresh copy, which is then the working directory.
project() {
    rm -rf "${scratch:?}/$1"
    cp -r "$tree/tests/consumers/$1" "$scratch/$1"
    [ $# = 1 ] || cp "$tree/$2" "$scratch/$1"
    cd "$scratch/$1"
}

# The tests' own token is accepted and its bad neighbours refused; needs the shared library, or does not.
expect_verdicts() {
    "$tree/tests/c/example.sh" "./$1" "$print_vector" || fail "$PWD: the verdicts are wrong"
    needed=$(readelf -dW "$1" | grep -c 'NEEDED.*libauthkit\.so\.0\]' || true)
    [ "$needed" = "$2" ] || fail "$PWD: not linked as asked"
    "$tree/tests/c/hardening.sh" "program:$1"
    ! grep -rqF "$tree" "$PWD" || fail "$PWD has seen the source tree"
}

# cmake_verify PREFIX OPTION...: as for installing, without the place of the library in the program.
cmake_verify() {
    prefix_path=$1
    shift
    cmake -S . -B build -DCMAKE_SKIP_RPATH=ON -DCMAKE_PREFIX_PATH="$prefix_path" "$@" >log 2>&1 || fail "$(cat log)"
    cmake --build build >>log 2>&1 || fail "$(cat log)"
}

# expect_chosen KIND PREFIX ASKED [OPTION]: what find_package(authkit ASKED) takes; `nothing` where it must refuse.
expect_chosen() {
    project components
    cmake -S . -B build -DCMAKE_PREFIX_PATH="$2" -DASKED="$3" ${4:+"$4"} >log 2>&1 || true
    chosen=$(sed -n 's/.*chosen: //p' log)
    [ "${chosen:-nothing}" = "$1" ] || fail "find_package(authkit $3) took ${chosen:-nothing}: $(cat log)"
}

# Both ways of the README, over the shared and the static library.
build_consumers() {
    export PKG_CONFIG_PATH="$1/lib/pkgconfig" LD_LIBRARY_PATH="$1/lib"
    project c-shared examples/c/verify.c
    make --silent verify
    expect_verdicts verify 1
    project cpp examples/cpp/verify.cpp
    cmake_verify "$1"
    expect_verdicts build/verify 1

    unset LD_LIBRARY_PATH
    project c-static examples/c/verify.c
    make --silent verify
    expect_verdicts verify 0
    project cpp examples/cpp/verify.cpp
    cmake_verify "$1" -DBUILD_SHARED_LIBS=OFF -DCMAKE_CXX_STANDARD=11 # the package asks for the 17 that it needs
    expect_verdicts build/verify 0
}

# Which library and which release CMake takes, what is not there included.
choose() {
    expect_chosen "$version authkit::shared" "$1" "$version EXACT REQUIRED"
    expect_chosen "$version authkit::static" "$1" "0.1 REQUIRED" -DBUILD_SHARED_LIBS=OFF
    expect_chosen "$version authkit::static" "$1" "REQUIRED COMPONENTS static"
    expect_chosen "$version authkit::shared" "$1" "REQUIRED COMPONENTS shared" -DBUILD_SHARED_LIBS=OFF
    expect_chosen nothing "$1" "REQUIRED COMPONENTS dynamic"
    expect_chosen nothing "$1" "0.99 REQUIRED"
    expect_chosen nothing "$1" "1.0 REQUIRED"
    mv "$1/lib/libauthkit.a" "$scratch/kept.a"
    expect_chosen nothing "$1" "REQUIRED COMPONENTS static"
    expect_chosen "$version authkit::shared" "$1" "REQUIRED" -DBUILD_SHARED_LIBS=OFF
    mv "$scratch/kept.a" "$1/lib/libauthkit.a"
}

# link_neighbours FILES: one static program of authkit, OpenSSL and a Rust archive with neighbour(), in either order.
link_neighbours() {
    ours=$(pkg-config --static --libs authkit | sed 's/-lauthkit/-l:libauthkit.a/')
    openssl="-l:libssl.a -l:libcrypto.a"
    for libraries in "$ours $openssl $1" "$1 $openssl $ours"; do
        gcc $CFLAGS $LDFLAGS neighbours.o verdicts.o $libraries $native_libs -o neighbours
        ./neighbours >log || fail "authkit does not work beside OpenSSL and $1: $(cat log)"
    done
}

link_statically() {
    export PKG_CONFIG_PATH="$1/lib/pkgconfig"
    native_libs=$(pkg-config --static --libs-only-l authkit | sed 's/-lauthkit //; s/ *$//')
    cflags="$CFLAGS $(pkg-config --cflags authkit openssl)"
    project neighbours tests/c/verdicts.c
    cp "$tree/tests/c/check.h" "$tree/tests/c/vectors.h" .
    gcc $cflags -c neighbours.c
    gcc $cflags -Dmain=verdicts -c verdicts.c

    # What Rust's standard library needs of the system is what the package files say.
    rustc --edition 2024 --crate-type staticlib -O --print native-static-libs neighbour.rs -o libneighbour.a 2>printed
    grep -qxF "note: native-static-libs: $native_libs" printed || fail "rustc says otherwise than $native_libs: $(cat printed)"
    link_neighbours libneighbour.a

    # The hardest neighbour: all of this library once more as cargo leaves it, with AWS-LC, rustls and the standard library
    # of the same versions and every symbol global; only the names of the C functions differ.
    sed 's/.*/& other_&/' "$tree/abi/symbols.txt" >renamed
    objcopy --redefine-syms=renamed "$cargo_archive" libother.a
    sed 's/.*/#define & other_&/' "$tree/abi/symbols.txt" >renamed.h
    gcc $cflags -include ./renamed.h -Dmain=neighbour -c verdicts.c -o other.o
    link_neighbours "other.o libother.a"
}

prefix=$scratch/prefix
make_install install PREFIX="$prefix" LIBDIR=lib
expect_files "$prefix" lib
[ "$(PKG_CONFIG_PATH=$prefix/lib/pkgconfig pkg-config --modversion authkit)" = "$version" ] || fail "pkg-config --modversion"
[ "$("$prefix/bin/authkit" --version)" = "authkit $version" ] || fail "authkit --version"
(build_consumers "$prefix")
(choose "$prefix")
(link_statically "$prefix")

# The whole directory elsewhere.
moved=$scratch/moved/deeper
mkdir "$scratch/moved"
mv "$prefix" "$moved"
(build_consumers "$moved")
make_install uninstall PREFIX="$moved" LIBDIR=lib
[ -z "$(ls -A "$moved")" ] || fail "left after uninstall: $(find "$moved")"

# Staged, as distributions do it, with the libraries in the directory of one architecture.
stage=$scratch/stage libdir=/usr/lib/$(gcc -dumpmachine)
make_install install DESTDIR="$stage" PREFIX=/usr LIBDIR="$libdir"
expect_files "$stage/usr" "${libdir#/usr/}"
! grep -rqF "$scratch" "$stage" || fail "a file names the staging directory"
(
    export PKG_CONFIG_PATH="$stage$libdir/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$stage" LD_LIBRARY_PATH="$stage$libdir"
    project c-shared examples/c/verify.c
    make --silent verify
    expect_verdicts verify 1
)
(expect_chosen "$version authkit::shared" "$stage/usr" REQUIRED)
echo "somebody else's" >"$stage/usr/bin/other"
make_install uninstall DESTDIR="$stage" PREFIX=/usr LIBDIR="$libdir"
[ "$(cd "$stage" && find .)" = "$(printf '.\n./usr\n./usr/bin\n./usr/bin/other')" ] || fail "uninstall: $(find "$stage")"

echo "installed, used, moved, staged and removed"
