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
exit $failed
