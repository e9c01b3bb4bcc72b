/* Prints a test vector for the scripts: `print_vector token|scopeless|expired|issuer|resource|now|jwks`. */

#include <stdio.h>
#include <string.h>

#include "vectors.h"

int main(int count, char **arguments) {
    const struct {
        const char *name, *text;
    } known[] = {
        {"token", VECTORS[0].token}, {"scopeless", VECTORS[2].token}, {"expired", VECTORS[3].token},
        {"issuer", VECTOR_ISSUER},   {"resource", VECTOR_RESOURCE},   {"now", VECTOR_NOW},
        {"jwks", VECTOR_JWKS},
    };
    for (size_t i = 0; count == 2 && i < sizeof known / sizeof *known; i++) {
        if (strcmp(arguments[1], known[i].name) == 0) {
            return puts(known[i].text) < 0;
        }
    }
    return 2;
}
