/* rhonabwy as a worker of `make bench`. It compares no list of audiences, so that is done here. */

#define _XOPEN_SOURCE 700

#include "worker.h"

#include <rhonabwy.h>

static jwk_t *key;
static char *issuer, *audience;

/* `aud` is a text or a list (RFC 7519 section 4.1.3). */
static bool names_us(jwt_t *token) {
    json_t *named = r_jwt_get_claim_json_t_value(token, "aud"), *one;
    size_t at;
    bool found = json_is_string(named) && strcmp(json_string_value(named), audience) == 0;
    json_array_foreach(named, at, one)
        found = found || (json_is_string(one) && strcmp(json_string_value(one), audience) == 0);
    json_decref(named);
    return found;
}

static bool accepts(const char *token, size_t length) {
    jwt_t *decoded;
    if (r_jwt_init(&decoded) != RHN_OK)
        return false;
    bool accepted = r_jwt_advanced_parsen(decoded, token, length, R_PARSE_NONE, 0) == RHN_OK
        && r_jwt_get_sign_alg(decoded) == R_JWA_ALG_RS256 && r_jwt_verify_signature(decoded, key, 0) == RHN_OK
        && r_jwt_validate_claims(decoded, R_JWT_CLAIM_ISS, issuer, R_JWT_CLAIM_EXP, R_JWT_CLAIM_NOW, R_JWT_CLAIM_NOP)
            == RHN_OK
        && names_us(decoded);
    r_jwt_free(decoded);
    return accepted;
}

int main(int argc, char **argv) {
    if (argc != 2)
        return 2;
    issuer = file(argv[1], "issuer");
    audience = file(argv[1], "audience");
    char *jwk = file(argv[1], "jwk.json");
    if (r_jwk_init(&key) != RHN_OK || r_jwk_import_from_json_str(key, jwk) != RHN_OK)
        fail("the key is refused");
    serve(argv[1]);
    return 0;
}
