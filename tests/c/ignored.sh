#!/bin/sh
# Compilers warn where an outcome is ignored: in C and in C++, of every function that tells whether it failed, and of what
# authkit.hpp returns. From the project's directory.
set -eu
scratch=$(mktemp -d)
trap 'rm -r "$scratch"' EXIT
failed=0

# One line for each function of the header whose result must be looked at, called with as many zeros as it has parameters.
tr '\n' ' ' <include/authkit.h | grep -o 'AUTHKIT_MUST_USE [a-z0-9_]* authkit_[a-z_0-9]*([^)]*)' |
    sed 's/.* \(authkit_[a-z_0-9]*\)(/\1(/; s/[^(),]\{1,\}\([,)]\)/0\1/g; s/$/;/' >"$scratch/calls"
[ "$(wc -l <"$scratch/calls")" -gt 30 ] || { echo "test-c: ignored.sh finds no functions" >&2; exit 1; }

cat >"$scratch/layer" <<'LAYER'
config.set("leeway", "1");
authkit::Config::from_json("{}");
authkit::Config::from_environment();
authkit::Config::from_env_file(".env");
policy.require_scope("a");
policy.require_any_scope("a b");
policy.set_now(0);
authkit::Verifier::create(config);
verifier.verify("a");
verifier.verify("a", policy);
verifier.try_verify("a");
verifier.authorize("a");
verifier.authorize("a", "b", policy);
verifier.try_authorize("a");
verifier.well_known("GET", "/");
verifier.try_well_known("GET", "/");
verifier.recall("a");
verifier.recall_request("a");
verifier.refresh();
verifier.start_refresh();
verifier.wait(0, std::chrono::seconds(1));
verifier.wait_ready(std::chrono::seconds(1));
verifier.set_jwks("{}");
verifier.stats();
verifier.next_event();
authkit::default_verifier();
authkit::set_default(verifier);
authkit::verify("a");
LAYER

# warned SOURCE CALLS COMPILER...: each of the calls, which stand on lines of their own, is warned of.
warned() {
    source=$1 calls=$2
    shift 2
    "$@" -Wall -Iinclude -c "$source" -o /dev/null 2>"$scratch/said" || { cat "$scratch/said" >&2; exit 1; }
    sed -n 's/^[^:]*:\([0-9]*\):.*warning: .*\(unused\|nodiscard\|ignoring\).*/\1/p' "$scratch/said" | sort -un >"$scratch/lines"
    grep -n '//called' "$source" | cut -d: -f1 | sort -un >"$scratch/expected"
    if ! cmp -s "$scratch/lines" "$scratch/expected" || [ "$(wc -l <"$scratch/expected")" != "$(wc -l <"$calls")" ]; then
        echo "test-c: $*: no warning where these results are ignored:" >&2
        comm -13 "$scratch/lines" "$scratch/expected" | while read -r line; do sed -n "${line}p" "$source"; done >&2
        failed=1
    fi
}

{
    echo '#include "authkit.h"'
    echo 'void ignore(void);'
    echo 'void ignore(void) {'
    sed 's|$| //called|' "$scratch/calls"
    echo '}'
} >"$scratch/ignored.c"
cp "$scratch/ignored.c" "$scratch/ignored.cpp"
{
    echo '#include "authkit.hpp"'
    echo 'void ignore(authkit::Config &config, authkit::Policy &policy, const authkit::Verifier &verifier) {'
    sed 's|$| //called|' "$scratch/layer"
    echo '}'
} >"$scratch/layer.cpp"
for standard in gnu99 gnu11 gnu17; do
    warned "$scratch/ignored.c" "$scratch/calls" gcc -std=$standard
    warned "$scratch/ignored.c" "$scratch/calls" clang -std=$standard
done
for standard in c++11 c++17 c++2b; do
    warned "$scratch/ignored.cpp" "$scratch/calls" g++ -std=$standard
    warned "$scratch/ignored.cpp" "$scratch/calls" clang++ -std=$standard
done
for standard in c++17 c++20 c++2b; do
    warned "$scratch/layer.cpp" "$scratch/layer" g++ -std=$standard
    warned "$scratch/layer.cpp" "$scratch/layer" clang++ -std=$standard
done

# Compilers without attributes of their own take the standard's.
sed 's/defined(__GNUC__) || defined(__clang__)/0/' include/authkit.h >"$scratch/authkit.h"
sed 's/"authkit.h"/"'"$(basename "$scratch")"'.h"/' "$scratch/ignored.cpp" >"$scratch/standard.cpp"
cp "$scratch/authkit.h" "$scratch/$(basename "$scratch").h"
warned "$scratch/standard.cpp" "$scratch/calls" g++ -std=c++17 -I"$scratch"
warned "$scratch/standard.cpp" "$scratch/calls" clang++ -std=c++17 -I"$scratch"
# Who defines it away is warned of nothing.
sed 's| //called||' "$scratch/ignored.c" >"$scratch/quiet.c"
: >"$scratch/none"
warned "$scratch/quiet.c" "$scratch/none" gcc -DAUTHKIT_MUST_USE=
exit $failed
