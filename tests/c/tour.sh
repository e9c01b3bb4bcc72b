#!/bin/sh
# Runs a tour of the documentation's examples and checks what it says: `tour.sh TOUR PRINT_VECTOR`.
set -eu
tour=$1 print=$2
failed=0
vector() { "$print" "$1"; }

# run STATUS TOKEN VARIABLE=VALUE...: what the tour says is in $output.
run() {
    status=$1 token=$2
    shift 2
    code=0
    output=$(printf '%s\n' "$token" | env -i AUTHKIT_RESOURCE="$(vector resource)" AUTHKIT_NOW="$(vector now)" "$@" "$tour" 2>&1) \
        || code=$?
    [ "$code" = "$status" ] || fail "exit $code, not $status"
}

# Each of these stands in it, on a line of its own.
says() {
    for line in "$@"; do
        printf '%s\n' "$output" | grep -qx "$line" || fail "no line \"$line\""
    done
}

fail() {
    printf '%s: %s in: %s\n' "$tour" "$1" "$output" >&2
    failed=1
}

domain="AUTHKIT_DOMAIN=$(vector issuer)"
jwks="AUTHKIT_JWKS=$(vector jwks)"
run 0 "$(vector token)" "$domain" "$jwks"
says "subject: user_.*" "client: client_.*" "scope: profile" "organization: org_.*" "issued at: 1759999940" "token id: 01K7.*" \
    "SCOPE, HTTP 403: .* notes:write" "challenge: insufficient_scope" "HTTP 200" "HTTP 401" 'www-authenticate: Bearer resource.*' \
    "served: user_.*" "accepted so far: [1-9]" 'resource_name: "Notes"' '{"resource":.*"resource_name":"Notes"}'

run 1 "$(vector expired)" "$domain" "$jwks"
says "EXPIRED, HTTP 401.*" "challenge: invalid_token" 'www-authenticate: Bearer error="invalid_token".*' \
    "answered 401: EXPIRED: the token expired .*" "accepted so far: 0"

# Port 1 of this machine: nothing answers there.
run 1 "$(vector token)" AUTHKIT_ALLOW_INSECURE_LOOPBACK=true "AUTHKIT_ISSUERS={\"$(vector issuer)\": \"http://127.0.0.1:1/jwks\"}"
says "KEYS_UNAVAILABLE, HTTP 503.*" "retry after [0-9]* s" "HTTP 503" "retry-after: [0-9]*" "event failed: .*"

run 2 "$(vector token)" AUTHKIT_DOMAIN=no-scheme.authkit.app
says "hint: .*"
exit $failed
