/* Verifies the access token on standard input, configured by the environment (AUTHKIT_DOMAIN, AUTHKIT_BASE_URL ...). */

#include <stdio.h>
#include <string.h>

#include "authkit.h"

int main(void) {
    char token[16 * 1024 + 2]; /* longer ones are refused in any case */
    if (fgets(token, sizeof token, stdin) == NULL)
        token[0] = '\0';
    token[strcspn(token, "\r\n")] = '\0';

    /* [readme] */
    const authkit_verifier *verifier;
    authkit_claims *claims = NULL;
    authkit_error *error = NULL;
    authkit_status status = authkit_default_verifier(&verifier, &error); /* from the environment */
    if (status == AUTHKIT_OK)
        status = authkit_verifier_verify(verifier, token, strlen(token), NULL, &claims, &error);
    if (status == AUTHKIT_OK)
        printf("accepted: %s\n", authkit_claims_subject(claims));
    else
        printf("%s, HTTP %d: %s\n", authkit_status_name(status), authkit_status_http_status(status),
               authkit_error_reason(error));
    /* [/readme] */

    if (authkit_error_hint(error))
        printf("hint: %s\n", authkit_error_hint(error));
    authkit_claims_free(claims);
    authkit_error_free(error);
    switch (authkit_status_class(status)) {
    case AUTHKIT_CLASS_OK: return 0;
    case AUTHKIT_CLASS_CONFIG: return 2;
    case AUTHKIT_CLASS_KEYS_UNAVAILABLE: return 3;
    default: return 1;
    }
}
