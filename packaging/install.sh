#!/bin/sh
# Installs what is built, or removes what was installed: `install.sh install|uninstall PREFIX CMAKE_OPTION...`, with
# DESTDIR in the environment. Leaves nothing in the tree, so that root may run it in anybody's.
set -eu
action=$1 prefix=$2
shift 2
destdir=${DESTDIR:-}
case $prefix in
/) ;;
/*) prefix=${prefix%/} ;;
*) prefix=$PWD/${prefix%/} ;;
esac
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT

# Directories that are left empty go too, up to the prefix. Those of /usr and /usr/local are the system's, and those
# elsewhere somebody's: of them only directories of our own go.
remove_empty() {
    directory=$1
    while [ "$directory" != "$prefix" ]; do
        case $destdir:$directory in
        */authkit) ;;
        :/usr/*) return 0 ;;
        *:"$prefix"/*) ;;
        *) return 0 ;;
        esac
        rmdir "$destdir$directory" 2>/dev/null || return 0
        directory=$(dirname "$directory")
    done
}

cmake -S "$(dirname "$0")" -B "$made" --log-level=ERROR -DCMAKE_INSTALL_PREFIX="$prefix" "$@" >"$made/log" || {
    cat "$made/log" >&2
    exit 1
}
case $action in
install) cmake --install "$made" ;;
uninstall)
    while read -r file; do
        [ -e "$destdir$file" ] || [ -L "$destdir$file" ] || continue
        echo "-- Removing: $destdir$file"
        rm "$destdir$file"
        remove_empty "$(dirname "$file")"
    done <"$made/installed.txt"
    ;;
esac
