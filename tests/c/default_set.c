/* The default verifier set by the program: in place of the environment's, and independent of the caller's handle. */

#define _POSIX_C_SOURCE 200809L

#include "check.h"
#include "vectors.h"

int main(void) {
    setenv("AUTHKIT_DOMAIN", "not a domain", 1); /* never looked at */
    authkit_verifier *verifier = verifier_over(VECTOR_ISSUER, VECTOR_RESOURCE, "RS256", VECTOR_NOW, VECTOR_JWKS);
    CHECK_STATUS(authkit_set_default(NULL), AUTHKIT_MISUSE);
    authkit_claims *none = NULL;
    CHECK_STATUS(authkit_verify(VECTORS[0].token, &none), AUTHKIT_MISUSE); /* and not by the environment */
    CHECK_STATUS(authkit_set_default(verifier), AUTHKIT_OK);
    CHECK_STATUS(authkit_set_default(verifier), AUTHKIT_MISUSE);
    authkit_verifier_free(verifier);

    authkit_claims *claims = NULL;
    CHECK_STATUS(authkit_verify(VECTORS[0].token, &claims), AUTHKIT_OK);
    CHECK_TEXT(authkit_claims_issuer(claims), VECTOR_ISSUER);
    authkit_claims_free(claims);
    const authkit_verifier *lent = NULL;
    CHECK_STATUS(authkit_default_verifier(&lent, NULL), AUTHKIT_OK);
    CHECK_TEXT(authkit_verifier_resource(lent), VECTOR_RESOURCE);
    return checks_done("default_set");
}
