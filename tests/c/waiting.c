/* Waiting for keys off the event loop: start_refresh, fetches_ended, wait and wait_ready, at a real server. */

#define _POSIX_C_SOURCE 200809L

#include "asking.h"

/* As the header tells a host to do it: many requests, one waiter, one fetch. */
static void a_host_waits_for_the_fetch_that_try_verify_started(void) {
    struct server server;
    server_start(&server, VECTOR_JWKS);
    server_hold(&server, true);
    authkit_verifier *verifier = verifier_asking(server.url, "RS256", "background");
    CHECK(authkit_verifier_fetches_ended(verifier) == 0);
    CHECK_STATUS(authkit_verifier_wait(verifier, 0, 20), AUTHKIT_WOULD_BLOCK); /* nothing was fetched */

    const uint64_t seen = authkit_verifier_fetches_ended(verifier);
    for (int request = 0; request < 50; request++) {
        CHECK_STATUS(try_good_token(verifier), AUTHKIT_WOULD_BLOCK);
    }
    server_await_requests(&server, 1);
    CHECK_STATUS(authkit_verifier_wait(verifier, seen, 0), AUTHKIT_WOULD_BLOCK);
    CHECK_STATUS(authkit_verifier_wait(verifier, seen, 20), AUTHKIT_WOULD_BLOCK);
    server_hold(&server, false);
    CHECK_STATUS(authkit_verifier_wait(verifier, seen, PATIENCE_MS), AUTHKIT_OK);
    CHECK(authkit_verifier_fetches_ended(verifier) == seen + 1);
    for (int request = 0; request < 50; request++) {
        CHECK_STATUS(try_good_token(verifier), AUTHKIT_OK);
    }
    /* What was seen is past, and nothing was fetched since. */
    CHECK_STATUS(authkit_verifier_wait(verifier, seen, PATIENCE_MS), AUTHKIT_OK);
    CHECK_STATUS(authkit_verifier_wait(verifier, seen + 1, 20), AUTHKIT_WOULD_BLOCK);
    CHECK(server_requests(&server) == 1);
    authkit_verifier_free(verifier);
    server_stop(&server);
}

static void start_refresh_returns_at_once_and_keys_stay_meanwhile(void) {
    struct server server;
    server_start(&server, VECTOR_JWKS);
    authkit_verifier *verifier = verifier_asking(server.url, "RS256", "background");
    CHECK_STATUS(authkit_verifier_refresh(verifier, NULL), AUTHKIT_OK);
    server_hold(&server, true);
    const uint64_t seen = authkit_verifier_fetches_ended(verifier);
    CHECK(seen == 1);
    CHECK_STATUS(authkit_verifier_start_refresh(verifier, NULL), AUTHKIT_OK);
    server_await_requests(&server, 2);
    CHECK_STATUS(authkit_verifier_start_refresh(verifier, NULL), AUTHKIT_OK); /* one is under way */
    CHECK_STATUS(try_good_token(verifier), AUTHKIT_OK);
    CHECK_STATUS(authkit_verifier_wait(verifier, seen, 0), AUTHKIT_WOULD_BLOCK);
    server_hold(&server, false);
    CHECK_STATUS(authkit_verifier_wait(verifier, seen, PATIENCE_MS), AUTHKIT_OK);
    CHECK(server_requests(&server) == 2);
    authkit_verifier_free(verifier);
    server_stop(&server);
}

static void no_thread_is_started_where_the_mode_makes_none(void) {
    const char *const modes[] = {"inline", "manual"};
    for (size_t i = 0; i < 2; i++) {
        char url[64];
        server_closed_url(url, sizeof url);
        authkit_verifier *verifier = verifier_asking(url, "RS256", modes[i]);
        authkit_error *error = NULL;
        CHECK_REFUSAL(authkit_verifier_start_refresh(verifier, &error), error, AUTHKIT_MISUSE, "background");
        CHECK_STATUS(authkit_verifier_start_refresh(verifier, NULL), AUTHKIT_MISUSE);
        CHECK(authkit_verifier_fetches_ended(verifier) == 0);
        authkit_verifier_free(verifier);
    }
}

static void readiness_is_keys_of_every_issuer(void) {
    struct server server;
    server_start(&server, VECTOR_JWKS);
    const char *const modes[] = {"background", "inline"};
    for (int i = 0; i < 2; i++) {
        authkit_verifier *verifier = verifier_asking(server.url, "RS256", modes[i]);
        authkit_error *error = NULL;
        CHECK_STATUS(authkit_verifier_wait_ready(verifier, PATIENCE_MS, &error), AUTHKIT_OK);
        CHECK(error == NULL);
        CHECK_STATUS(authkit_verifier_wait_ready(verifier, 0, NULL), AUTHKIT_OK);
        CHECK_STATUS(try_good_token(verifier), AUTHKIT_OK);
        CHECK(server_requests(&server) == i + 1);
        authkit_verifier_free(verifier);
    }
    server_stop(&server);
}

static void an_outage_says_when_to_ask_again(void) {
    char url[64];
    server_closed_url(url, sizeof url);
    authkit_verifier *verifier = verifier_asking(url, "RS256", "background");
    authkit_error *error = NULL;
    const uint64_t seen = authkit_verifier_fetches_ended(verifier);
    CHECK_REFUSAL(authkit_verifier_wait_ready(verifier, 0, &error), error, AUTHKIT_WOULD_BLOCK, "being fetched");
    CHECK_STATUS(authkit_verifier_wait(verifier, seen, PATIENCE_MS), AUTHKIT_OK);
    CHECK_STATUS(authkit_verifier_wait_ready(verifier, 0, &error), AUTHKIT_KEYS_UNAVAILABLE);
    CHECK(authkit_error_retry_after(error) >= 1);
    CHECK(strstr(authkit_error_reason(error), "could not be reached") != NULL);
    authkit_error *copy = authkit_error_clone(error);
    CHECK_TEXT(authkit_error_reason(copy), authkit_error_reason(error));
    CHECK(authkit_error_reason(copy) != authkit_error_reason(error));
    authkit_error_free(error);
    CHECK_STATUS(authkit_error_status(copy), AUTHKIT_KEYS_UNAVAILABLE);
    CHECK(authkit_error_retry_after(copy) >= 1 && strlen(authkit_error_reason(copy)) > 0);
    authkit_error_free(copy);
    CHECK_STATUS(try_good_token(verifier), AUTHKIT_KEYS_UNAVAILABLE);
    authkit_verifier_free(verifier);
}

static void readiness_is_reached_when_the_server_recovers(void) {
    struct server server;
    server_start(&server, NULL);
    authkit_verifier *verifier = verifier_asking(server.url, "RS256", "background");
    CHECK_STATUS(authkit_verifier_refresh(verifier, NULL), AUTHKIT_KEYS_UNAVAILABLE);
    server_answer(&server, VECTOR_JWKS);
    CHECK_STATUS(authkit_verifier_wait_ready(verifier, PATIENCE_MS, NULL), AUTHKIT_OK);
    CHECK(server_requests(&server) == 2);
    authkit_verifier_free(verifier);
    server_stop(&server);
}

static void *await_readiness(void *verifier) {
    CHECK_STATUS(authkit_verifier_wait_ready((const authkit_verifier *)verifier, PATIENCE_MS, NULL), AUTHKIT_OK);
    return NULL;
}

static void in_manual_mode_the_hosts_refresh_ends_the_wait(void) {
    struct server server;
    server_start(&server, VECTOR_JWKS);
    authkit_verifier *verifier = verifier_asking(server.url, "RS256", "manual");
    authkit_error *error = NULL;
    CHECK_STATUS(authkit_verifier_wait_ready(verifier, 10, &error), AUTHKIT_KEYS_UNAVAILABLE);
    CHECK(authkit_error_hint(error) != NULL && strstr(authkit_error_hint(error), "refresh_mode is manual") != NULL);
    authkit_error_free(error);
    CHECK(server_requests(&server) == 0);
    pthread_t waiters[4];
    for (int i = 0; i < 4; i++) {
        pthread_create(&waiters[i], NULL, await_readiness, verifier);
    }
    CHECK_STATUS(authkit_verifier_refresh(verifier, NULL), AUTHKIT_OK);
    for (int i = 0; i < 4; i++) {
        pthread_join(waiters[i], NULL);
    }
    CHECK(server_requests(&server) == 1);
    authkit_verifier_free(verifier);
    server_stop(&server);
}

static void given_keys_are_waited_for_by_nobody(void) {
    authkit_verifier *verifier = verifier_over(VECTOR_ISSUER, VECTOR_RESOURCE, "RS256", VECTOR_NOW, VECTOR_JWKS);
    CHECK_STATUS(authkit_verifier_start_refresh(verifier, NULL), AUTHKIT_OK);
    CHECK_STATUS(authkit_verifier_wait(verifier, 0, 0), AUTHKIT_WOULD_BLOCK); /* nothing is ever fetched */
    CHECK_STATUS(authkit_verifier_wait_ready(verifier, 0, NULL), AUTHKIT_OK);
    CHECK(authkit_verifier_fetches_ended(verifier) == 0);
    authkit_verifier_free(verifier);
}

int main(void) {
    a_host_waits_for_the_fetch_that_try_verify_started();
    start_refresh_returns_at_once_and_keys_stay_meanwhile();
    no_thread_is_started_where_the_mode_makes_none();
    readiness_is_keys_of_every_issuer();
    an_outage_says_when_to_ask_again();
    readiness_is_reached_when_the_server_recovers();
    in_manual_mode_the_hosts_refresh_ends_the_wait();
    given_keys_are_waited_for_by_nobody();
    return checks_done("waiting");
}
