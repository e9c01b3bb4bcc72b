/* The default verifier from the environment: loud while it is wrong, there once it is right. */

#define _POSIX_C_SOURCE 200809L

#include "check.h"
#include "vectors.h"

static void half_a_configuration_is_refused_each_time_with_its_message(void) {
    const authkit_verifier *verifier = (const authkit_verifier *)&verifier;
    authkit_claims *claims = (authkit_claims *)&claims;
    authkit_error *error = NULL;
    CHECK_STATUS(authkit_verify(VECTORS[0].token, &claims), AUTHKIT_CONFIG);
    CHECK(claims == NULL);
    for (int time = 0; time < 2; time++) {
        CHECK_REFUSAL(authkit_default_verifier(&verifier, &error), error, AUTHKIT_CONFIG, "AUTHKIT_DOMAIN and AUTHKIT_BASE_URL are missing");
        CHECK(verifier == NULL);
    }
    setenv("AUTHKIT_DOMAIN", VECTOR_ISSUER, 1);
    CHECK_REFUSAL(authkit_default_verifier(&verifier, &error), error, AUTHKIT_CONFIG, "AUTHKIT_BASE_URL is missing");
    setenv("AUTHKIT_REQUIRED_SCOPE", "openid", 1);
    CHECK_REFUSAL(authkit_default_verifier(&verifier, &error), error, AUTHKIT_CONFIG, "AUTHKIT_REQUIRED_SCOPE");
    unsetenv("AUTHKIT_REQUIRED_SCOPE");
}

static void a_whole_configuration_works_from_then_on(void) {
    const authkit_verifier *verifier = NULL, *again = NULL;
    authkit_claims *claims = NULL;
    authkit_config *config = NULL;
    setenv("AUTHKIT_BASE_URL", "https://mcp.heldout.example", 1);
    setenv("AUTHKIT_REQUIRED_SCOPES", "openid", 1);
    setenv("AUTHKIT_NOW", VECTOR_NOW, 1);
    setenv("AUTHKIT_JWKS", VECTOR_JWKS, 1);
    CHECK_STATUS(authkit_config_from_environment(&config, NULL), AUTHKIT_OK);
    authkit_config_free(config);
    CHECK_STATUS(authkit_verify(VECTORS[0].token, &claims), AUTHKIT_OK);
    CHECK_TEXT(authkit_claims_resource(claims), VECTOR_RESOURCE);
    authkit_claims_free(claims);
    CHECK_STATUS(authkit_verify(VECTORS[2].token, &claims), AUTHKIT_SCOPE);
    CHECK(claims == NULL);
    CHECK_STATUS(authkit_verify("", &claims), AUTHKIT_MALFORMED);

    CHECK_STATUS(authkit_default_verifier(&verifier, NULL), AUTHKIT_OK);
    CHECK_STATUS(authkit_default_verifier(&again, NULL), AUTHKIT_OK);
    CHECK(verifier != NULL && verifier == again);
    CHECK_TEXT(authkit_verifier_resource(verifier), VECTOR_RESOURCE);
    CHECK_STATUS(authkit_set_default(verifier), AUTHKIT_MISUSE); /* too late */
}

int main(void) {
    half_a_configuration_is_refused_each_time_with_its_message();
    a_whole_configuration_works_from_then_on();
    return checks_done("default_environment");
}
