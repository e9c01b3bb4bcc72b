/* libjwt 1 as a worker of `make bench`. It parses the key on every call and compares no claim, so that is done here. */

#define _XOPEN_SOURCE 700

#include "worker.h"

#include <jwt.h>

static char *key, *issuer, *audience;

/* `aud` is a text or a list (RFC 7519 section 4.1.3); libjwt gives lists as JSON. */
static bool names_us(jwt_t *token) {
    const char *one = jwt_get_grant(token, "aud");
    if (one != NULL)
        return strcmp(one, audience) == 0;
    char *list = jwt_get_grants_json(token, "aud");
    bool named = list != NULL && strstr(list, audience) != NULL;
    free(list);
    return named;
}

static bool accepts(const char *token, size_t length) {
    (void)length;
    jwt_t *decoded;
    if (jwt_decode(&decoded, token, (const unsigned char *)key, (int)strlen(key)) != 0)
        return false;
    const char *from = jwt_get_grant(decoded, "iss");
    bool accepted = jwt_get_alg(decoded) == JWT_ALG_RS256 && from != NULL && strcmp(from, issuer) == 0
        && jwt_get_grant_int(decoded, "exp") > time(NULL) && names_us(decoded);
    jwt_free(decoded);
    return accepted;
}

int main(int argc, char **argv) {
    if (argc != 2)
        return 2;
    key = file(argv[1], "public.pem");
    issuer = file(argv[1], "issuer");
    audience = file(argv[1], "audience");
    serve(argv[1]);
    return 0;
}
