/* Verifiers whose keys come from a server, for the C tests of waiting and watching. */

#ifndef AUTHKIT_TEST_ASKING_H
#define AUTHKIT_TEST_ASKING_H

#include "check.h"
#include "server.h"
#include "vectors.h"

/* Longer than any wait that is expected to end: a test that meets it has failed. */
#define PATIENCE_MS 60000

/* A verifier of the vectors' issuer that fetches at `url`; stops the test if there is none. */
static inline authkit_verifier *verifier_asking(const char *url, const char *algorithms, const char *refresh_mode) {
    char json[1024];
    server_settings(json, sizeof json, url, algorithms, refresh_mode);
    authkit_config *config = NULL;
    authkit_verifier *verifier = NULL;
    authkit_error *error = NULL;
    if (authkit_config_from_json(json, strlen(json), &config, &error) != AUTHKIT_OK ||
        authkit_verifier_new(config, &verifier, &error) != AUTHKIT_OK) {
        fprintf(stderr, "no verifier: %s\n", authkit_error_reason(error));
        exit(EXIT_FAILURE);
    }
    authkit_config_free(config);
    return verifier;
}

static inline authkit_status try_good_token(const authkit_verifier *verifier) {
    authkit_claims *claims = NULL;
    authkit_status status =
        authkit_verifier_try_verify(verifier, VECTORS[0].token, VECTORS[0].length, NULL, &claims, NULL);
    CHECK((claims != NULL) == (status == AUTHKIT_OK));
    authkit_claims_free(claims);
    return status;
}

#endif
