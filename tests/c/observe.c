/* Stats and events: what the keys are and what happened to them, from a real server and from given keys. */

#define _POSIX_C_SOURCE 200809L

#include "asking.h"

static authkit_stats *stats_of(const authkit_verifier *verifier) {
    authkit_stats *stats = NULL;
    authkit_error *error = NULL;
    CHECK_STATUS(authkit_verifier_stats(verifier, &stats, &error), AUTHKIT_OK);
    CHECK(stats != NULL && error == NULL);
    return stats;
}

#define CHECK_HOLDS(json, part) check_holds((json), (part), __FILE__, __LINE__)
static void check_holds(const char *json, const char *part, const char *file, int line) {
    if (json == NULL || strstr(json, part) == NULL) {
        fprintf(stderr, "%s:%d: %s is not in %s\n", file, line, part, json ? json : "(NULL)");
        checks_failed++;
    }
}

#define CHECK_NUMBER(stats, issuer, name, expected)                                                                    \
    check_number((stats), (issuer), (name), (expected), __FILE__, __LINE__)
static void check_number(const authkit_stats *stats, const char *issuer, const char *name, int64_t expected,
                         const char *file, int line) {
    int64_t number = -99;
    check_status(authkit_stats_number(stats, issuer, name, &number), AUTHKIT_OK, name, file, line);
    if (number != expected) {
        fprintf(stderr, "%s:%d: %s is %lld, not %lld\n", file, line, name, (long long)number, (long long)expected);
        checks_failed++;
    }
}

#define CHECK_NO_NUMBER(stats, issuer, name) check_no_number((stats), (issuer), (name), __FILE__, __LINE__)
static void check_no_number(const authkit_stats *stats, const char *issuer, const char *name, const char *file,
                            int line) {
    int64_t number = 99;
    check_status(authkit_stats_number(stats, issuer, name, &number), AUTHKIT_ABSENT, name, file, line);
    check(number == 0, "the output of what is absent is 0", file, line);
}

/* The next event must be this one; `part` is in its JSON. */
#define CHECK_EVENT(verifier, name, part) check_event((verifier), (name), (part), __FILE__, __LINE__)
static void check_event(const authkit_verifier *verifier, const char *name, const char *part, const char *file,
                        int line) {
    authkit_event *event = authkit_verifier_next_event(verifier);
    size_t length = 0;
    const char *json = authkit_event_json(event, &length);
    check_text(authkit_event_name(event), name, "the event", file, line);
    check_holds(json, part, file, line);
    check(json != NULL && strlen(json) == length, "the length is the text's", file, line);
    check_text(authkit_event_json(event, NULL), json, "the JSON asked for again", file, line);
    authkit_event_free(event);
}

static void given_keys_are_told_as_such(void) {
    authkit_verifier *verifier = verifier_over(VECTOR_ISSUER, VECTOR_RESOURCE, "RS256", VECTOR_NOW, VECTOR_JWKS);
    authkit_stats *stats = stats_of(verifier);
    size_t length = 0;
    const char *json = authkit_stats_json(stats, &length);
    CHECK(json != NULL && strlen(json) == length);
    CHECK_HOLDS(json, "\"issuer\":\"" VECTOR_ISSUER "\"");
    CHECK_HOLDS(json, "\"jwks_url\":null");
    CHECK_HOLDS(json, "\"standing\":\"given\"");
    CHECK_HOLDS(json, "{\"kid\":\"sso_oidc_key_pair_01K7HELD0UTMA1N00000000000\",\"alg\":\"RS256\"}");
    CHECK_NUMBER(stats, NULL, "keys", 2);
    CHECK_NUMBER(stats, VECTOR_ISSUER, "keys", 2);
    CHECK_NUMBER(stats, NULL, "dropped", 0);
    CHECK_NUMBER(stats, NULL, "fetches", 0);
    CHECK_NO_NUMBER(stats, NULL, "ttl");
    CHECK_NO_NUMBER(stats, NULL, "retry_after");
    CHECK_NO_NUMBER(stats, NULL, "nonsense");
    CHECK_NO_NUMBER(stats, "https://elsewhere.example", "keys");
    CHECK(authkit_verifier_next_event(verifier) == NULL);
    authkit_stats_free(stats);
    authkit_verifier_free(verifier);
}

static void verdicts_are_counted_by_their_names(void) {
    authkit_verifier *verifier = verifier_over(VECTOR_ISSUER, VECTOR_RESOURCE, "RS256", VECTOR_NOW, VECTOR_JWKS);
    authkit_stats *before = stats_of(verifier);
    for (int round = 0; round < 3; round++) {
        CHECK_STATUS(try_good_token(verifier), AUTHKIT_OK);
    }
    CHECK_STATUS(authkit_verifier_verify(verifier, "a", 1, NULL, &(authkit_claims *){NULL}, NULL), AUTHKIT_MALFORMED);
    authkit_stats *after = stats_of(verifier);
    CHECK_NUMBER(before, NULL, "verdicts.OK", 0); /* a moment's state, which does not move */
    CHECK_NUMBER(after, NULL, "verdicts.OK", 3);
    CHECK_NUMBER(after, NULL, "verdicts.MALFORMED", 1);
    CHECK_NUMBER(after, NULL, "verdicts.EXPIRED", 0);
    CHECK_NO_NUMBER(after, NULL, "verdicts.NONSENSE");
    CHECK_NO_NUMBER(after, VECTOR_ISSUER, "verdicts.OK");
    CHECK_HOLDS(authkit_stats_json(after, NULL), "\"verdicts\":{\"MALFORMED\":1,\"OK\":3}");
    authkit_stats_free(before);
    authkit_stats_free(after);
    authkit_verifier_free(verifier);
}

static void a_rotation_is_seen_in_stats_and_events(void) {
    char with_a_secret[sizeof VECTOR_JWKS + 64];
    snprintf(with_a_secret, sizeof with_a_secret, "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"se\\ncret\"},%s",
             VECTOR_JWKS + strlen("{\"keys\":["));
    struct server server;
    server_start(&server, with_a_secret);
    authkit_verifier *verifier = verifier_asking(server.url, "RS256,ES256", "background");
    authkit_stats *stats = stats_of(verifier);
    CHECK_HOLDS(authkit_stats_json(stats, NULL), "\"standing\":\"none\",\"source\":null");
    CHECK_NUMBER(stats, NULL, "generation", 0);
    CHECK_NO_NUMBER(stats, NULL, "age");
    authkit_stats_free(stats);

    CHECK_STATUS(authkit_verifier_refresh(verifier, NULL), AUTHKIT_OK);
    CHECK_EVENT(verifier, "fetched", "\"source\":\"network\",\"changed\":true,\"ttl\":300,");
    CHECK_EVENT(verifier, "key_dropped", "\"index\":0,\"kid\":\"se\\\\u{a}cret\",\"reason\":\"a shared secret is");
    CHECK(authkit_verifier_next_event(verifier) == NULL);
    stats = stats_of(verifier);
    CHECK_NUMBER(stats, VECTOR_ISSUER, "keys", 2);
    CHECK_NUMBER(stats, VECTOR_ISSUER, "dropped", 1);
    CHECK_NUMBER(stats, NULL, "ttl", 300);
    CHECK_HOLDS(authkit_stats_json(stats, NULL), server.url);
    authkit_stats_free(stats);

    server_answer(&server, MINTED_JWKS);
    CHECK_STATUS(authkit_verifier_refresh(verifier, NULL), AUTHKIT_OK);
    CHECK_EVENT(verifier, "fetched", "\"sequence\":3,");
    CHECK_EVENT(verifier, "rotated",
                "\"added\":[\"minted-for-the-c-tests\"],\"removed\":[\"sso_oidc_key_pair_01K7HELD0UTMA1N");
    stats = stats_of(verifier);
    CHECK_HOLDS(authkit_stats_json(stats, NULL), "\"keys\":[{\"kid\":\"minted-for-the-c-tests\",\"alg\":\"ES256\"}]");
    CHECK_NUMBER(stats, NULL, "generation", 2);
    CHECK_NUMBER(stats, NULL, "fetches", 2);
    CHECK(server_requests(&server) == 2);
    authkit_verifier_free(verifier);
    server_stop(&server);
    CHECK_NUMBER(stats, NULL, "failures", 0); /* stats are their own, whatever becomes of the verifier */
    authkit_stats_free(stats);
}

static void a_failure_is_told_with_its_reason(void) {
    char url[64];
    server_closed_url(url, sizeof url);
    authkit_verifier *verifier = verifier_asking(url, "RS256", "background");
    CHECK_STATUS(authkit_verifier_refresh(verifier, NULL), AUTHKIT_KEYS_UNAVAILABLE);
    authkit_stats *stats = stats_of(verifier);
    authkit_event *event = authkit_verifier_next_event(verifier);
    authkit_verifier_free(verifier);
    CHECK_TEXT(authkit_event_name(event), "failed"); /* an event is its own, too */
    CHECK_HOLDS(authkit_event_json(event, NULL), "\"failures\":1");
    CHECK_HOLDS(authkit_event_json(event, NULL), "\"issuer\":\"" VECTOR_ISSUER "\",\"document\":\"jwks\"");
    CHECK_NUMBER(stats, NULL, "failures", 1);
    CHECK_NUMBER(stats, VECTOR_ISSUER, "consecutive_failures", 1);
    CHECK_NUMBER(stats, NULL, "retry_after", 1);
    CHECK_HOLDS(authkit_stats_json(stats, NULL), "\"last_failure\":\"");
    authkit_event_free(event);
    authkit_stats_free(stats);
}

/* A host that never asks loses the oldest, and is told how many. */
static void events_that_nobody_takes_are_counted_as_lost(void) {
    authkit_verifier *verifier = verifier_over(VECTOR_ISSUER, VECTOR_RESOURCE, "RS256,ES256", VECTOR_NOW, VECTOR_JWKS);
    for (int round = 0; round < 300; round++) {
        const char *jwks = round % 2 == 0 ? MINTED_JWKS : VECTOR_JWKS;
        CHECK_STATUS(authkit_verifier_set_jwks(verifier, NULL, jwks, strlen(jwks), NULL), AUTHKIT_OK);
    }
    authkit_stats *stats = stats_of(verifier);
    CHECK_NUMBER(stats, NULL, "events_lost", 44);
    CHECK_NO_NUMBER(stats, VECTOR_ISSUER, "events_lost");
    CHECK_EVENT(verifier, "rotated", "\"sequence\":45,");
    authkit_stats_free(stats);
    authkit_verifier_free(verifier);
}

/* Each event is given to one thread alone. */
static void *drain(void *verifier) {
    size_t count = 0;
    for (authkit_event *event; (event = authkit_verifier_next_event((const authkit_verifier *)verifier)) != NULL;
         authkit_event_free(event)) {
        authkit_stats *stats = stats_of((const authkit_verifier *)verifier);
        authkit_stats_free(stats);
        count++;
    }
    return (void *)count;
}

static void events_can_be_drained_by_several_threads(void) {
    authkit_verifier *verifier = verifier_over(VECTOR_ISSUER, VECTOR_RESOURCE, "RS256,ES256", VECTOR_NOW, VECTOR_JWKS);
    for (int round = 0; round < 100; round++) {
        const char *jwks = round % 2 == 0 ? MINTED_JWKS : VECTOR_JWKS;
        CHECK_STATUS(authkit_verifier_set_jwks(verifier, NULL, jwks, strlen(jwks), NULL), AUTHKIT_OK);
    }
    pthread_t threads[4];
    size_t total = 0;
    for (int i = 0; i < 4; i++) {
        pthread_create(&threads[i], NULL, drain, verifier);
    }
    for (int i = 0; i < 4; i++) {
        void *count = NULL;
        pthread_join(threads[i], &count);
        total += (size_t)count;
    }
    CHECK(total == 100);
    authkit_verifier_free(verifier);
}

#define CHECK_LINE(verifier, level, text) check_line((verifier), (level), (text), __FILE__, __LINE__)
static void check_line(const authkit_verifier *verifier, authkit_log_level level, const char *text, const char *file,
                       int line) {
    authkit_log_line *next = authkit_verifier_next_log_line(verifier);
    check(authkit_log_line_level(next) == level, "the line is as loud as expected", file, line);
    check_holds(authkit_log_line_text(next), text, file, line);
    authkit_log_line_free(next);
}

static void the_start_is_told_once(void) {
    authkit_verifier *verifier = verifier_over(VECTOR_ISSUER, VECTOR_RESOURCE, "RS256", VECTOR_NOW, VECTOR_JWKS);
    CHECK_LINE(verifier, AUTHKIT_LOG_INFO, "resource indicator: " VECTOR_RESOURCE);
    CHECK_LINE(verifier, AUTHKIT_LOG_INFO, "trusted issuer: " VECTOR_ISSUER);
    CHECK_LINE(verifier, AUTHKIT_LOG_INFO, "required scopes: (none)");
    CHECK_LINE(verifier, AUTHKIT_LOG_WARNING, "now: tokens are judged as of " VECTOR_NOW);
    CHECK(authkit_verifier_next_log_line(verifier) == NULL);
    authkit_verifier_free(verifier);
}

static authkit_response *asked(const authkit_verifier *verifier, const char *header, const authkit_policy *policy) {
    authkit_response *response = NULL;
    size_t length = header ? strlen(header) : 0;
    if (authkit_verifier_authorize(verifier, header, length, NULL, 0, policy, &response, NULL) == AUTHKIT_INTERNAL) {
        checks_failed++;
    }
    return response;
}

static void a_refusal_has_a_line_once_in_ten_seconds(void) {
    authkit_verifier *verifier = verifier_over(VECTOR_ISSUER, VECTOR_RESOURCE, "RS256", VECTOR_NOW, VECTOR_JWKS);
    authkit_policy *policy = authkit_policy_new();
    CHECK_STATUS(authkit_policy_require_scope(policy, "nobody:has", NULL), AUTHKIT_OK);
    CHECK_STATUS(authkit_policy_set_tool(policy, "send\nmail"), AUTHKIT_OK);
    CHECK_STATUS(authkit_policy_set_tool(policy, "\xff"), AUTHKIT_MISUSE);
    char header[sizeof "Bearer " + 4096];
    snprintf(header, sizeof header, "Bearer %s", VECTORS[0].token);

    authkit_response *refused = asked(verifier, header, policy);
    const authkit_log_line *line = authkit_response_log_line(refused);
    CHECK(authkit_log_line_level(line) == AUTHKIT_LOG_INFO);
    CHECK_HOLDS(authkit_log_line_text(line), "answered 403: SCOPE: ");
    CHECK_HOLDS(authkit_log_line_text(line), "tool send\\u{a}mail");
    CHECK(strstr(authkit_log_line_text(line), VECTORS[0].token) == NULL);
    authkit_response *again = asked(verifier, header, policy);
    CHECK(again != NULL && authkit_response_log_line(again) == NULL);
    authkit_response *bare = asked(verifier, NULL, NULL);
    CHECK(bare != NULL && authkit_response_log_line(bare) == NULL);
    authkit_response *good = asked(verifier, header, NULL);
    CHECK(good != NULL && authkit_response_log_line(good) == NULL);
    authkit_response_free(refused);
    authkit_response_free(again);
    authkit_response_free(bare);
    authkit_response_free(good);
    authkit_policy_free(policy);
    authkit_verifier_free(verifier);
}

int main(void) {
    the_start_is_told_once();
    a_refusal_has_a_line_once_in_ten_seconds();
    given_keys_are_told_as_such();
    verdicts_are_counted_by_their_names();
    a_rotation_is_seen_in_stats_and_events();
    a_failure_is_told_with_its_reason();
    events_that_nobody_takes_are_counted_as_lost();
    events_can_be_drained_by_several_threads();
    return checks_done("observe");
}
