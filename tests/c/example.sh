#!/bin/sh
# Runs an example as a stranger would and checks what it says: `example.sh EXAMPLE PRINT_VECTOR`.
set -eu
example=$1
vector() { "$print" "$1"; }
print=$2
failed=0

# expect STATUS PATTERN TOKEN VARIABLE=VALUE...
expect() {
    status=$1 pattern=$2 token=$3
    shift 3
    code=0
    output=$(printf '%s\n' "$token" | env -i ${LD_LIBRARY_PATH:+"LD_LIBRARY_PATH=$LD_LIBRARY_PATH"} "$@" "$example" 2>&1) || code=$?
    if [ "$code" != "$status" ] || ! printf '%s' "$output" | grep -q "$pattern"; then
        echo "$example: exit $code, not $status, or no \"$pattern\" in: $output" >&2
        failed=1
    fi
}

issuer="AUTHKIT_DOMAIN=$(vector issuer)"
resource="AUTHKIT_RESOURCE=$(vector resource)"
now="AUTHKIT_NOW=$(vector now)"
jwks="AUTHKIT_JWKS=$(vector jwks)"
expect 0 'accepted: user_' "$(vector token)" "$issuer" "$resource" "$now" "$jwks"
expect 1 'EXPIRED, HTTP 401: ' "$(vector expired)" "$issuer" "$resource" "$now" "$jwks"
expect 1 'SCOPE, HTTP 403: ' "$(vector scopeless)" "$issuer" "$resource" "$now" "$jwks" AUTHKIT_REQUIRED_SCOPES=openid
expect 1 'MALFORMED, HTTP 401: ' '' "$issuer" "$resource" "$now" "$jwks"
expect 2 'CONFIG, HTTP 500: AUTHKIT_DOMAIN' "$(vector token)"
expect 2 'hint: ' "$(vector token)" AUTHKIT_DOMAIN=no-scheme.authkit.app "$resource"
# Port 1 of this machine: nothing answers there.
expect 3 'KEYS_UNAVAILABLE, HTTP 503: ' "$(vector token)" "$resource" "$now" AUTHKIT_ALLOW_INSECURE_LOOPBACK=true \
    "AUTHKIT_ISSUERS={\"$(vector issuer)\": \"http://127.0.0.1:1/jwks\"}"
exit $failed
