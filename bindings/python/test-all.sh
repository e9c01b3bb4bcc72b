#!/bin/sh
# Runs the package's tests under every CPython from 3.10 on that this machine has; names those it has not.
#
# usage: test-all.sh BUILD_DIRECTORY    with the wheel in BUILD_DIRECTORY/dist
set -eu

build=$(cd "$1" && pwd)
package=$(cd "$(dirname "$0")" && pwd)
wheel=$(ls "$build"/dist/*.whl)

# The interpreter of a version: on the PATH by its name, or among pyenv's, of which it takes the newest.
find_python() {
    if command -v pyenv >/dev/null 2>&1; then
        for python in $(ls -d "$(pyenv root)/versions/$1".*/bin/python 2>/dev/null | sort -rV); do
            echo "$python"
            return
        done
    fi
    # pyenv leaves a stub on the PATH for versions that are not selected: take what really runs.
    if "python$1" -c '' >/dev/null 2>&1; then
        command -v "python$1"
    fi
}

for version in 3.10 3.11 3.12 3.13 3.14; do
    python=$(find_python "$version")
    if [ -z "$python" ]; then
        echo "CPython $version: NOT FOUND, not tested"
        continue
    fi
    venv="$build/venv-$version"
    if [ ! -e "$venv/.tools" ]; then
        "$python" -m venv --clear "$venv"
        grep -E '^(gunicorn|pytest|uvicorn)~' "$package/requirements-dev.txt" |
            "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r /dev/stdin
        touch "$venv/.tools"
    fi
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-index --force-reinstall "$wheel"
    echo "CPython $version: $("$venv/bin/python" --version)"
    (cd "$package" && env -i PATH="$PATH" HOME="$HOME" "$venv/bin/python" -m pytest -q -p no:cacheprovider)
done
