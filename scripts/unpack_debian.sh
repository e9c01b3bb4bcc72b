#!/bin/sh
# Unpacks Debian packages into a directory, without installing them: no service starts, and nothing is run as root but
# a refresh of the package lists where they lack a package. unpack_debian.sh DIRECTORY PACKAGE...
set -eu

into=$1
shift
command -v apt-get >/dev/null 2>&1 || {
    echo "No apt here to get $* with: unpack or link them below $into by hand." >&2
    exit 1
}
as_root=
[ "$(id -u)" = 0 ] || as_root=sudo

rm -rf "$into"
mkdir -p "$into"
cd "$into"
download() { apt-get download -qq -o APT::Sandbox::User="$(id -un)" "$@"; }
download "$@" 2>/dev/null || {
    $as_root apt-get update -qq
    download "$@"
}
for package in *.deb; do
    dpkg-deb -x "$package" .
    rm "$package"
done
