/* The soak's client in C: `soak CLIENT TOKENS CONFIG LOG SECONDS FLOOD`.
 *
 * Four threads share one verifier. Each asks the issuer's port TOKENS for a batch of tokens every 100 ms, verifies
 * them, and writes a line of the log for each verdict:
 *
 *     began ended kind key status code retry_after        (Unix times in seconds; -1 if there is none)
 *
 * FLOOD is how many of a batch name random key ids. CONFIG is the verifier's configuration in JSON. */

#define _POSIX_C_SOURCE 200809L

#include <arpa/inet.h>
#include <authkit.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { THREADS = 4 };

static const double TICK = 0.1;

static struct {
    const char *client;
    int tokens;
    double seconds;
    int flood;
    const authkit_verifier *verifier;
    FILE *log;
    double end;
} soak;

static void fail(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void sleep_until(double moment) {
    double left = moment - now();
    if (left > 0) {
        struct timespec span = {(time_t)left, (long)((left - (double)(time_t)left) * 1e9)};
        nanosleep(&span, NULL);
    }
}

static int connect_to_issuer(void) {
    struct sockaddr_in address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons((uint16_t)soak.tokens);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int connection = socket(AF_INET, SOCK_STREAM, 0);
    if (connection < 0 || connect(connection, (struct sockaddr *)&address, sizeof address) != 0) {
        fail("no issuer");
    }
    return connection;
}

static void verify(const char *kind, const char *key, const char *token) {
    authkit_claims *claims;
    authkit_error *error;
    double began = now();
    authkit_status status = authkit_verifier_verify(soak.verifier, token, strlen(token), NULL, &claims, &error);
    double ended = now();
    /* What is no error says nothing of time. */
    long retry_after = error == NULL ? -1 : (long)authkit_error_retry_after(error);
    fprintf(soak.log, "%.6f %.6f %s %s %d %s %ld\n", began, ended, kind, key, authkit_status_http_status(status),
            authkit_status_name(status), retry_after);
    authkit_claims_free(claims);
    authkit_error_free(error);
}

/* Verifies what the issuer gives for one tick. */
static void verify_batch(FILE *requests, FILE *batch) {
    char line[4096];
    fprintf(requests, "%s %d\n", soak.client, soak.flood);
    fflush(requests);
    while (fgets(line, sizeof line, batch) != NULL) {
        if (strcmp(line, ".\n") == 0) {
            return;
        }
        char *rest;
        const char *kind = strtok_r(line, " \n", &rest);
        const char *key = strtok_r(NULL, " \n", &rest);
        verify(kind, key, strtok_r(NULL, " \n", &rest));
    }
    fail("the issuer is gone");
}

static void *run(void *nothing) {
    int connection = connect_to_issuer();
    FILE *requests = fdopen(connection, "w");
    FILE *batch = fdopen(connection, "r");
    if (requests == NULL || batch == NULL) {
        fail("no stream");
    }
    for (double began = now(); began < soak.end; began = now()) {
        verify_batch(requests, batch);
        sleep_until(began + TICK);
    }
    return nothing;
}

static const authkit_verifier *verifier_of(const char *json) {
    authkit_config *config;
    authkit_verifier *verifier = NULL;
    authkit_error *error = NULL;
    if (authkit_config_from_json(json, strlen(json), &config, &error) != AUTHKIT_OK ||
        authkit_verifier_new(config, &verifier, &error) != AUTHKIT_OK) {
        fprintf(stderr, "%s\n", authkit_error_reason(error));
        exit(EXIT_FAILURE);
    }
    authkit_config_free(config);
    return verifier;
}

int main(int count, char **arguments) {
    if (count != 7) {
        fprintf(stderr, "usage: soak CLIENT TOKENS CONFIG LOG SECONDS FLOOD\n");
        return EXIT_FAILURE;
    }
    soak.client = arguments[1];
    soak.tokens = atoi(arguments[2]);
    soak.verifier = verifier_of(arguments[3]);
    soak.log = fopen(arguments[4], "w");
    soak.seconds = atof(arguments[5]);
    soak.flood = atoi(arguments[6]);
    if (soak.log == NULL) {
        fail(arguments[4]);
    }
    puts("ready");
    fflush(stdout);
    if (getchar() == EOF) {
        return EXIT_FAILURE;
    }
    soak.end = now() + soak.seconds;
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, run, NULL) != 0) {
            fail("no thread");
        }
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    return fclose(soak.log) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
