/* The header alone, twice over: compiled as every C and C++ standard with all warnings as errors. */

#include "authkit.h"
#include "authkit.h"

authkit_status header_test(const char *token);

/* The front door compiles in the strictest of them. */
authkit_status header_test(const char *token) {
    authkit_claims *claims;
    authkit_status status = authkit_verify(token, &claims);
    if (status == AUTHKIT_OK && authkit_status_class(status) == AUTHKIT_CLASS_OK) {
        authkit_claims_free(claims);
    }
    return status;
}
