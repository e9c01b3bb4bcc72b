/* One program with three libraries that have much in common: authkit's archive, OpenSSL, and the archive of another
 * Rust library. Each is put to use in a thread of its own, all at once. */

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/ssl.h>

#include "authkit.h"

/* tests/c/verdicts.c, whose main this is: good tokens and bad ones. */
int verdicts(void);

/* 0 where the other Rust library works. */
int neighbour(void);

static int openssl(void) {
    static const unsigned char SHA256_OF_ABC[] =
        "\xba\x78\x16\xbf\x8f\x01\xcf\xea\x41\x41\x40\xde\x5d\xae\x22\x23\xb0\x03\x61\xa3\x96\x17\x7a\x9c\xb4\x10\xff\x61"
        "\xf2\x00\x15\xad";
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    int works = context != NULL && EVP_Digest("abc", 3, digest, &length, EVP_sha256(), NULL) == 1 && length == 32 &&
                memcmp(digest, SHA256_OF_ABC, length) == 0;
    SSL_CTX_free(context);
    return works ? 0 : 1;
}

static const struct library {
    const char *name;
    int (*use)(void);
} LIBRARIES[] = {{"authkit", verdicts}, {"OpenSSL", openssl}, {"the neighbour", neighbour}};

static void *in_thread(void *library) {
    return (void *)(intptr_t)((const struct library *)library)->use();
}

int main(void) {
    enum { COUNT = sizeof LIBRARIES / sizeof *LIBRARIES };
    pthread_t threads[COUNT];
    int failed = 0;
    for (int i = 0; i < COUNT; i++)
        failed |= pthread_create(&threads[i], NULL, in_thread, (void *)(uintptr_t)&LIBRARIES[i]);
    for (int i = 0; i < COUNT; i++) {
        void *result = NULL;
        if (pthread_join(threads[i], &result) != 0 || result != NULL) {
            fprintf(stderr, "%s does not work\n", LIBRARIES[i].name);
            failed = 1;
        }
    }
    if (!failed)
        printf("authkit %s, %s and the neighbour work together\n", authkit_version(), OpenSSL_version(OPENSSL_VERSION));
    return failed;
}
