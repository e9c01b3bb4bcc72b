#!/bin/sh
# A tool that watches tests is at work: it reports what tests/c/defects.c does wrong on purpose, and nothing where that does
# nothing wrong: `defects.sh EXIT_STATUS DEFECT=REPORT... -- COMMAND...`.
set -eu
expected=$1
shift
defects=
while [ "$1" != -- ]; do
    defects="$defects$1
"
    shift
done
shift
for program; do :; done
failed=0
fail() {
    echo "$program $*" >&2
    failed=1
}

code=0
output=$("$@" none 2>&1) || code=$?
[ "$code$output" = 0 ] || fail "none: exits with $code and says: $output"

seen=$(mktemp)
trap 'rm "$seen"' EXIT
while IFS='=' read -r defect report; do
    [ -n "$defect" ] || continue
    code=0
    "$@" "$defect" >"$seen" 2>&1 </dev/null || code=$?
    [ $code = "$expected" ] || fail "$defect: exits with $code, not $expected"
    grep -q "$report" "$seen" || fail "$defect: does not report \"$report\": $(cat "$seen")"
done <<END
$defects
END
exit $failed
