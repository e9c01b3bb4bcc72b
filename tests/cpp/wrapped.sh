#!/bin/sh
# Every C function is called by authkit.hpp, or stands here with the reason why not. From the project's directory.
set -eu
scratch=$(mktemp -d)
trap 'rm -r "$scratch"' EXIT
failed=0

cat >"$scratch/left_out" <<'LEFT_OUT'
authkit_claims_record            a copy of all claims, for bindings to which each call is dear; here getters cost no copy
authkit_response_claims          authorize() takes the claims out of the response
authkit_verifier_authorize_into  as authkit_claims_record
authkit_verifier_try_authorize_into as authkit_claims_record
authkit_verifier_try_verify_into as authkit_claims_record
authkit_verifier_verify_into     as authkit_claims_record
authkit_verify                   wants a NUL behind the token and tells no reason: authkit::verify() asks the default verifier
LEFT_OUT

# As words, since one name can begin another's; what a comment names is not called.
sed 's|//.*||' include/authkit.hpp | grep -ow 'authkit_[a-z_0-9]*' | LC_ALL=C sort -u >"$scratch/named"
LC_ALL=C comm -12 abi/symbols.txt "$scratch/named" >"$scratch/called"
cut -d' ' -f1 "$scratch/left_out" | LC_ALL=C sort "$scratch/called" - >"$scratch/known"
if ! diff -u abi/symbols.txt "$scratch/known"; then
    echo "test-cpp: authkit.hpp neither calls these functions (-) nor says why not, or does both (+)" >&2
    failed=1
fi

# Every public member of every owner is asked of one that holds nothing (tests/cpp/nothing.hpp): what is new there
# must refuse, too.
awk '
    /^(class|struct) / { type = $0; sub(/^(class|struct) (\[\[nodiscard\]\] )?/, "", type); sub(/[ :{].*/, "", type); public = 0 }
    /^(public|private):/ { public = /^public/ }
    /^};/ { public = 0 }
    public && type ~ /^(Config|Policy|Access|Claims|Response|Stats|Event|LogLine|VerifierCalls|Verifier|VerifierRef)$/ &&
        !/^ *\/\// && match($0, /^    [^ ].*[ *&][a-z_]+\(/) {
        name = substr($0, RSTART, RLENGTH - 1); sub(/\(.*/, "", name); sub(/.*[ *&]/, "", name)
        if (name ~ /^[a-z]/ && $0 !~ /^    (explicit|static|return)/) print type "::" name
    }' include/authkit.hpp | sed 's/^VerifierCalls::\(.*\)/Verifier::\1\nVerifierRef::\1/' | LC_ALL=C sort -u >"$scratch/members"
tr '\n' ' ' <tests/cpp/nothing.hpp | sed 's/ASK_VERIFIER(type)/\n&/; s/inline const Question/\n&/g' |
    awk '/^ASK_VERIFIER/ { both = 1 } { while (match($0, /ASK\([A-Za-z]+, [a-z_]+,/)) {
        split(substr($0, RSTART + 4, RLENGTH - 5), part, ", "); print part[1] "::" part[2]; $0 = substr($0, RSTART + RLENGTH) } }' |
    sed 's/^type::\(.*\)/Verifier::\1\nVerifierRef::\1/' | LC_ALL=C sort -u >"$scratch/asked"
LC_ALL=C comm -23 "$scratch/members" "$scratch/asked" >"$scratch/unasked"
if [ "$(wc -l <"$scratch/members")" -lt 90 ] || [ -s "$scratch/unasked" ]; then
    echo "test-cpp: tests/cpp/nothing.hpp does not ask $(tr '\n' ' ' <"$scratch/unasked")" >&2
    failed=1
fi
exit $failed
