#!/bin/sh
# Runs the package's tests under one version of CPython; says so where this machine has none.
#
# usage: test-version.sh BUILD_DIRECTORY VERSION    with the wheel in BUILD_DIRECTORY/dist
set -eu

build=$(cd "$1" && pwd)
version=$2
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

python=$(find_python "$version")
if [ -z "$python" ]; then
    echo "CPython $version: NOT FOUND, not tested"
    exit 0
fi
venv="$build/venv-$version"
if [ ! -e "$venv/.tools" ]; then
    "$python" -m venv --clear "$venv"
    grep -E '^(gunicorn|pytest|uvicorn)~' "$package/requirements-dev.txt" |
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile -r /dev/stdin
    touch "$venv/.tools"
fi
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-index --force-reinstall "$wheel"
echo "CPython $version: $("$venv/bin/python" --version)"
cd "$package"
env -i PATH="$PATH" HOME="$HOME" "$venv/bin/python" -m pytest -q -p no:cacheprovider
