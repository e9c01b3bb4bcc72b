/* What instructions.py counts: `instructions CONFIG TOKEN VERDICTS` has a token accepted so many times, each time by a
 * new verifier, so that none remembers it. */

#include <stdlib.h>
#include <string.h>

#include "authkit.h"

int main(int argc, char **argv) {
    authkit_config *config = NULL;
    if (argc != 4 || authkit_config_from_json(argv[1], strlen(argv[1]), &config, NULL) != AUTHKIT_OK)
        return 2;
    for (int left = atoi(argv[3]); left > 0; left--) {
        authkit_verifier *verifier = NULL;
        authkit_claims *claims = NULL;
        if (authkit_verifier_new(config, &verifier, NULL) != AUTHKIT_OK)
            return 2;
        if (authkit_verifier_verify(verifier, argv[2], strlen(argv[2]), NULL, &claims, NULL) != AUTHKIT_OK)
            return 1;
        authkit_claims_free(claims);
        authkit_verifier_free(verifier);
    }
    authkit_config_free(config);
    return 0;
}
