/* Ours through the C ABI as a worker of `make bench`: claims handed out and freed. */

#define _XOPEN_SOURCE 700

#include "worker.h"

#include <authkit.h>

static authkit_verifier *verifier;

static bool accepts(const char *token, size_t length) {
    authkit_claims *claims = NULL;
    bool accepted = authkit_verifier_verify(verifier, token, length, NULL, &claims, NULL) == AUTHKIT_OK;
    authkit_claims_free(claims);
    return accepted;
}

/* authkit DIRECTORY SETTINGS, a file of that directory */
int main(int argc, char **argv) {
    if (argc != 3)
        return 2;
    char *settings = file(argv[1], argv[2]);
    authkit_config *config;
    if (authkit_config_from_json(settings, strlen(settings), &config, NULL) != AUTHKIT_OK
        || authkit_verifier_new(config, &verifier, NULL) != AUTHKIT_OK)
        fail("the settings are refused");
    authkit_config_free(config);
    free(settings);
    serve(argv[1]);
    authkit_verifier_free(verifier);
    return 0;
}
