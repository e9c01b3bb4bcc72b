#!/bin/sh
# Installs what building and testing need beyond Rust: compilers, CMake, Python, Node, valgrind, and the libraries that
# the tests' and examples' programs link.
# Only what is missing, and only where apt is; elsewhere it names what to install.
set -eu

missing=
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need gcc gcc
need g++ g++
need clang++ clang
need doxygen doxygen
need make make
need strip binutils
need cmake cmake
need pkg-config pkgconf
need python3 python3
need node nodejs
need npm npm
need valgrind valgrind
need_header() { echo "#include <$1>" | g++ -E -x c++ - >/dev/null 2>&1 || missing="$missing $2"; }
need_header microhttpd.h libmicrohttpd-dev
need_header jansson.h libjansson-dev
need_header boost/beast/version.hpp libboost-dev
need_header nlohmann/json_fwd.hpp nlohmann-json3-dev
echo '#include <version>' | clang++ -stdlib=libc++ -fsyntax-only -x c++ - 2>/dev/null || missing="$missing libc++-dev libc++abi-dev"
need abidiff abigail-tools
python3 -c 'import ensurepip, venv' >/dev/null 2>&1 || missing="$missing python3-venv"
pkg-config --exists openssl 2>/dev/null || missing="$missing libssl-dev"
[ -e /etc/ssl/certs/ca-certificates.crt ] || [ -e /etc/pki/tls/certs/ca-bundle.crt ] || [ -n "${SSL_CERT_FILE:-}" ] \
    || missing="$missing ca-certificates"

if ! command -v cargo >/dev/null 2>&1; then
    echo "Rust is missing: install it from https://rustup.rs (1.88 or newer), then run this again." >&2
    exit 1
fi
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    echo "Please install:$missing" >&2
    exit 1
fi
as_root=
[ "$(id -u)" = 0 ] || as_root=sudo
echo "Installing:$missing"
$as_root apt-get update -qq
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $missing
