/* From a process's start to its first verdict, in C: `cold DIRECTORY`. */

#define _XOPEN_SOURCE 700

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <authkit.h>

static bool read_file(const char *directory, const char *name, char *text, size_t size) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *stream = fopen(path, "r");
    if (stream == NULL)
        return false;
    text[fread(text, 1, size - 1, stream)] = '\0';
    fclose(stream);
    return true;
}

int main(int argc, char **argv) {
    static char domain[256], resource[256], jwks[8192], token[8192];
    if (argc != 2 || !read_file(argv[1], "issuer", domain, sizeof domain)
        || !read_file(argv[1], "audience", resource, sizeof resource)
        || !read_file(argv[1], "jwks.json", jwks, sizeof jwks) || !read_file(argv[1], "token", token, sizeof token))
        return 2;
    authkit_config *config = authkit_config_new();
    authkit_verifier *verifier;
    authkit_claims *claims;
    if (authkit_config_set(config, "authkit_domain", domain, NULL) != AUTHKIT_OK
        || authkit_config_set(config, "resource", resource, NULL) != AUTHKIT_OK
        || authkit_config_set(config, "jwks", jwks, NULL) != AUTHKIT_OK
        || authkit_verifier_new(config, &verifier, NULL) != AUTHKIT_OK
        || authkit_verifier_verify(verifier, token, strlen(token), NULL, &claims, NULL) != AUTHKIT_OK)
        return 1;
    authkit_claims_free(claims);
    authkit_verifier_free(verifier);
    authkit_config_free(config);
    return 0;
}
