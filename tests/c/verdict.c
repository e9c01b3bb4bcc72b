/* Verdicts in one call: tickets and records, as bindings use them. */

#include "check.h"
#include "vectors.h"

#define NOBODYS_SCOPE "nobody:has"

static char buffer[AUTHKIT_RECORD_CAPACITY];

static authkit_verifier *verifier_of_size(const char *token_cache_size) {
    authkit_config *config = authkit_config_new();
    authkit_verifier *verifier = NULL;
    CHECK_STATUS(authkit_config_set(config, "authkit_domain", VECTOR_ISSUER, NULL), AUTHKIT_OK);
    CHECK_STATUS(authkit_config_set(config, "resource", VECTOR_RESOURCE, NULL), AUTHKIT_OK);
    CHECK_STATUS(authkit_config_set(config, "now", VECTOR_NOW, NULL), AUTHKIT_OK);
    CHECK_STATUS(authkit_config_set(config, "jwks", VECTOR_JWKS, NULL), AUTHKIT_OK);
    CHECK_STATUS(authkit_config_set(config, "token_cache_size", token_cache_size, NULL), AUTHKIT_OK);
    CHECK_STATUS(authkit_verifier_new(config, &verifier, NULL), AUTHKIT_OK);
    authkit_config_free(config);
    return verifier;
}

/* The first accepted token of the vectors. */
static size_t good(const char **out_token) {
    for (size_t i = 0; i < sizeof VECTORS / sizeof *VECTORS; i++) {
        if (VECTORS[i].status == AUTHKIT_OK) {
            *out_token = VECTORS[i].token;
            return VECTORS[i].length;
        }
    }
    abort();
}

/* The part of the record after so many separators. */
static const char *part(const char *record, int after) {
    for (; after > 0 && record != NULL; after--) {
        record = strchr(record, 0x1E);
        record = record == NULL ? NULL : record + 1;
    }
    return record;
}

static void shared_cases_have_the_verdicts_of_the_plain_call(void) {
    authkit_verifier *verifier = verifier_of_size("64");
    for (int round = 0; round < 4; round++) {
        for (size_t i = 0; i < sizeof VECTORS / sizeof *VECTORS; i++) {
            const char *token = VECTORS[i].token;
            size_t length = VECTORS[i].length;
            authkit_claims *claims;
            authkit_status status = authkit_verifier_verify(verifier, token, length, NULL, &claims, NULL);
            int32_t written = authkit_verifier_verify_into(verifier, token, length, NULL, buffer, sizeof buffer);
            uint64_t ticket = authkit_verifier_recall(verifier, token, length, NULL);
            CHECK_STATUS(status, VECTORS[i].status);
            CHECK(status == AUTHKIT_OK ? written > 0 : written == -(int32_t)status);
            CHECK(strlen(buffer) == (written > 0 ? (size_t)written : strlen(buffer)));
            CHECK((ticket != 0) == (status == AUTHKIT_OK)); /* kept from the second time on */
            if (claims != NULL) {
                CHECK_TEXT(part(buffer, 4), authkit_claims_json(claims, NULL));
            } else {
                CHECK(strncmp(buffer, "{\"hint\":", 8) == 0 && strstr(buffer, "\"reason\":\"") != NULL);
            }
            authkit_claims_free(claims);
            CHECK(authkit_verifier_try_verify_into(verifier, token, length, NULL, buffer, sizeof buffer) == written);
        }
    }
    authkit_verifier_free(verifier);
}

static void a_record_says_what_the_getters_say(void) {
    const char *token;
    size_t length = good(&token), told = 0;
    authkit_verifier *verifier = verifier_of_size("64");
    authkit_claims *claims = NULL;
    CHECK(authkit_verifier_verify_into(verifier, token, length, NULL, buffer, sizeof buffer) > 0);
    CHECK(strncmp(buffer, "0\x1e[", 3) == 0); /* not kept at its first coming */
    CHECK(authkit_verifier_verify_into(verifier, token, length, NULL, buffer, sizeof buffer) > 0);
    uint64_t ticket = authkit_verifier_recall(verifier, token, length, NULL);
    CHECK(ticket != 0 && ticket < (uint64_t)1 << 53);
    CHECK(strtoull(buffer, NULL, 10) == ticket);
    CHECK_STATUS(authkit_verifier_verify(verifier, token, length, NULL, &claims, NULL), AUTHKIT_OK);
    CHECK_TEXT(authkit_claims_record(claims, &told), buffer);
    CHECK(told == strlen(buffer));
    int64_t expires_at = 0, issued_at = 0;
    CHECK_STATUS(authkit_claims_expires_at(claims, &expires_at), AUTHKIT_OK);
    CHECK_STATUS(authkit_claims_issued_at(claims, &issued_at), AUTHKIT_OK);
    char facts[1024];
    snprintf(facts, sizeof facts,
             "[\"%s\",\"%s\",\"%s\",[\"%s\",\"%s\",\"%s\"],%lld,[\"%s\",\"%s\",\"%s\"],\"%s\",%lld,null,\"%s\",\"%s\","
             "\"user\",\"connect\"]\x1e{\"org_id\":\"%s\",",
             authkit_claims_issuer(claims), authkit_claims_subject(claims), authkit_claims_client_id(claims),
             authkit_claims_scope_at(claims, 0), authkit_claims_scope_at(claims, 1), authkit_claims_scope_at(claims, 2),
             (long long)expires_at, authkit_claims_audience_at(claims, 0), authkit_claims_audience_at(claims, 1),
             authkit_claims_audience_at(claims, 2), authkit_claims_resource(claims), (long long)issued_at,
             authkit_claims_key_id(claims), authkit_claims_algorithm(claims), authkit_claims_org_id(claims));
    CHECK(strncmp(part(buffer, 1), facts, strlen(facts)) == 0);
    CHECK(strncmp(part(buffer, 3), authkit_claims_header_json(claims, NULL),
                  strlen(authkit_claims_header_json(claims, NULL))) == 0);
    authkit_claims_free(claims);
    authkit_verifier_free(verifier);
}

/* What a ticket was given for must still hold whenever it is given again. */
static void a_ticket_is_given_only_while_the_token_is_good(void) {
    const char *token;
    size_t length = good(&token);
    authkit_verifier *verifier = verifier_of_size("64");
    for (int i = 0; i < 2; i++) {
        CHECK(authkit_verifier_verify_into(verifier, token, length, NULL, buffer, sizeof buffer) > 0);
    }
    uint64_t ticket = authkit_verifier_recall(verifier, token, length, NULL);
    CHECK(ticket != 0 && authkit_verifier_recall(verifier, token, length, NULL) == ticket);
    CHECK(authkit_verifier_recall(verifier, token, length - 1, NULL) == 0);

    authkit_policy *policy = authkit_policy_new();
    CHECK(authkit_verifier_recall(verifier, token, length, policy) == ticket);
    CHECK_STATUS(authkit_policy_set_now(policy, 9999999999), AUTHKIT_OK);
    CHECK(authkit_verifier_recall(verifier, token, length, policy) == 0); /* expired by then */
    CHECK(authkit_verifier_verify_into(verifier, token, length, policy, buffer, sizeof buffer) == -AUTHKIT_EXPIRED);
    authkit_policy_free(policy);
    policy = authkit_policy_new();
    CHECK_STATUS(authkit_policy_require_scope(policy, NOBODYS_SCOPE, NULL), AUTHKIT_OK);
    CHECK(authkit_verifier_recall(verifier, token, length, policy) == 0);
    CHECK(authkit_verifier_verify_into(verifier, token, length, policy, buffer, sizeof buffer) == -AUTHKIT_SCOPE);
    authkit_policy_free(policy);

    /* The same keys, given anew: verified anew, and another acceptance. */
    CHECK_STATUS(authkit_verifier_set_jwks(verifier, NULL, VECTOR_JWKS, strlen(VECTOR_JWKS), NULL), AUTHKIT_OK);
    CHECK(authkit_verifier_recall(verifier, token, length, NULL) == 0);
    CHECK(authkit_verifier_verify_into(verifier, token, length, NULL, buffer, sizeof buffer) > 0);
    CHECK(authkit_verifier_recall(verifier, token, length, NULL) != ticket);
    authkit_verifier_free(verifier);
}

static void a_request_is_recalled_as_it_is_decided_on(void) {
    const char *token;
    size_t length = good(&token);
    char header[20000];
    snprintf(header, sizeof header, "Bearer %.*s", (int)length, token);
    authkit_verifier *verifier = verifier_of_size("64");
    CHECK(authkit_verifier_recall_request(verifier, header, length + 7, NULL, 0, NULL) == 0);
    for (int i = 0; i < 2; i++) {
        authkit_response *response;
        CHECK_STATUS(authkit_verifier_authorize(verifier, header, length + 7, NULL, 0, NULL, &response, NULL),
                     AUTHKIT_OK);
        authkit_response_free(response);
    }
    uint64_t ticket = authkit_verifier_recall_request(verifier, header, length + 7, NULL, 0, NULL);
    CHECK(ticket != 0 && ticket == authkit_verifier_recall(verifier, token, length, NULL));
    CHECK(authkit_verifier_recall_request(verifier, header, length + 7, "a=1", 3, NULL) == ticket);
    const char query[] = "access_token=x";
    CHECK(authkit_verifier_recall_request(verifier, header, length + 7, query, strlen(query), NULL) == 0);
    CHECK(authkit_verifier_recall_request(verifier, header + 7, length, NULL, 0, NULL) == 0);
    CHECK(authkit_verifier_recall_request(verifier, NULL, 0, NULL, 0, NULL) == 0);
    authkit_verifier_free(verifier);
}

/* What is written says what the response says that the plain call makes. */
static void a_request_is_decided_on_in_one_call(void) {
    authkit_verifier *verifier = verifier_of_size("0");
    char header[20000], expected[64];
    for (size_t i = 0; i < sizeof VECTORS / sizeof *VECTORS; i++) {
        size_t length = (size_t)snprintf(header, sizeof header, "Bearer %.*s", (int)VECTORS[i].length, VECTORS[i].token);
        authkit_response *response = NULL;
        authkit_status status = authkit_verifier_authorize(verifier, header, length, NULL, 0, NULL, &response, NULL);
        int32_t written =
            authkit_verifier_authorize_into(verifier, header, length, NULL, 0, NULL, buffer, sizeof buffer);
        CHECK(status == AUTHKIT_OK ? written == (int32_t)strlen(buffer) : written == -(int32_t)status);
        if (status == AUTHKIT_OK) {
            CHECK_TEXT(authkit_claims_record(authkit_response_claims(response), NULL), buffer);
        } else {
            snprintf(expected, sizeof expected, "\"status\":%d}", authkit_response_status(response));
            CHECK(strstr(buffer, expected) != NULL);
            CHECK(strstr(buffer, "[\"www-authenticate\",\"Bearer ") != NULL && strstr(buffer, "\"body\":\"{") != NULL);
            CHECK(strstr(buffer, "\"reason\":\"") != NULL && strstr(buffer, "\"hint\":") != NULL);
        }
        CHECK(authkit_verifier_try_authorize_into(verifier, header, length, NULL, 0, NULL, buffer, sizeof buffer) ==
              written);
        authkit_response_free(response);
    }
    const char query[] = "access_token=x";
    CHECK(authkit_verifier_authorize_into(verifier, NULL, 0, query, strlen(query), NULL, buffer, sizeof buffer) ==
          -(int32_t)AUTHKIT_INVALID_REQUEST);
    CHECK(authkit_verifier_authorize_into(verifier, NULL, 0, NULL, 0, NULL, buffer, sizeof buffer) ==
          -(int32_t)AUTHKIT_NO_CREDENTIALS);
    authkit_policy *policy = authkit_policy_new();
    CHECK_STATUS(authkit_policy_require_scope(policy, NOBODYS_SCOPE, NULL), AUTHKIT_OK);
    const char *token;
    size_t length = good(&token);
    snprintf(header, sizeof header, "Bearer %.*s", (int)length, token);
    CHECK(authkit_verifier_authorize_into(verifier, header, length + 7, NULL, 0, policy, buffer, sizeof buffer) ==
          -(int32_t)AUTHKIT_SCOPE);
    CHECK(strstr(buffer, "\"status\":403") != NULL && strstr(buffer, "scope=\\\"" NOBODYS_SCOPE) != NULL);
    authkit_policy_free(policy);
    authkit_verifier_free(verifier);
}

static void nothing_is_kept_where_that_is_off(void) {
    const char *token;
    size_t length = good(&token);
    authkit_verifier *verifier = verifier_of_size("0");
    for (int i = 0; i < 4; i++) {
        CHECK(authkit_verifier_verify_into(verifier, token, length, NULL, buffer, sizeof buffer) > 0);
        CHECK(strncmp(buffer, "0\x1e", 2) == 0);
        CHECK(authkit_verifier_recall(verifier, token, length, NULL) == 0);
    }
    authkit_verifier_free(verifier);
}

typedef int32_t (*into_function)(const authkit_verifier *, const char *header, size_t length, const authkit_policy *,
                                 char *, size_t);
static int32_t verify(const authkit_verifier *it, const char *header, size_t length, const authkit_policy *policy,
                      char *into, size_t capacity) {
    return authkit_verifier_verify_into(it, header + 7, length - 7, policy, into, capacity);
}
static int32_t try_verify(const authkit_verifier *it, const char *header, size_t length, const authkit_policy *policy,
                          char *into, size_t capacity) {
    return authkit_verifier_try_verify_into(it, header + 7, length - 7, policy, into, capacity);
}
static int32_t authorize(const authkit_verifier *it, const char *header, size_t length, const authkit_policy *policy,
                         char *into, size_t capacity) {
    return authkit_verifier_authorize_into(it, header, length, NULL, 0, policy, into, capacity);
}
static int32_t try_authorize(const authkit_verifier *it, const char *header, size_t length,
                             const authkit_policy *policy, char *into, size_t capacity) {
    return authkit_verifier_try_authorize_into(it, header, length, NULL, 0, policy, into, capacity);
}
static const into_function INTO[] = {verify, try_verify, authorize, try_authorize};

/* A buffer is used for one token after the other: whatever becomes of a call, it shows nothing of the one before. */
static void no_call_leaves_what_an_earlier_one_has_written(void) {
    authkit_verifier *verifier = verifier_of_size("0");
    char header[20000];
    for (size_t i = 0; i < sizeof VECTORS / sizeof *VECTORS; i++) {
        size_t length = (size_t)snprintf(header, sizeof header, "Bearer %.*s", (int)VECTORS[i].length, VECTORS[i].token);
        for (size_t how = 0; how < sizeof INTO / sizeof *INTO; how++) {
            /* Once before, since a cause has a line for the log only the first time in 10 s. */
            int32_t enough = INTO[how](verifier, header, length, NULL, buffer, sizeof buffer);
            CHECK(INTO[how](verifier, header, length, NULL, buffer, sizeof buffer) == enough);
            CHECK(enough > 0 ? VECTORS[i].status == AUTHKIT_OK : enough == -(int32_t)VECTORS[i].status);
            size_t shown = strlen(buffer);
            for (size_t capacity = 0; capacity < shown + 3; capacity = capacity < 40 ? capacity + 1 : capacity * 2) {
                memset(buffer, 'x', sizeof buffer);
                CHECK(INTO[how](verifier, header, length, NULL, buffer, capacity) == -(int32_t)AUTHKIT_MISUSE);
                CHECK(capacity == 0 ? buffer[0] == 'x' : buffer[0] == '\0');
                CHECK(buffer[capacity] == 'x');
            }
            memset(buffer, 'x', sizeof buffer);
            CHECK(INTO[how](verifier, header, length, NULL, buffer, sizeof buffer) == enough);
            CHECK(strlen(buffer) == shown && strstr(buffer, "xxxx") == NULL);
        }
    }
    authkit_verifier_free(verifier);
}

/* So many scopes that the answer which names them finds no room: the answer is the same but for their names. */
static void an_answer_without_room_for_its_challenge_is_still_this_answer(void) {
    const char *token;
    size_t length = good(&token);
    char header[20000], scope[64];
    length = (size_t)snprintf(header, sizeof header, "Bearer %.*s", (int)length, token);
    authkit_verifier *verifier = verifier_of_size("0");
    authkit_policy *policy = authkit_policy_new();
    for (int i = 0; i < 4000; i++) {
        snprintf(scope, sizeof scope, "a-scope-that-nobody-has-%d", i);
        CHECK_STATUS(authkit_policy_require_scope(policy, scope, NULL), AUTHKIT_OK);
    }
    for (size_t how = 0; how < sizeof INTO / sizeof *INTO; how++) {
        memset(buffer, 'x', sizeof buffer);
        CHECK(INTO[how](verifier, header, length, policy, buffer, sizeof buffer) == -(int32_t)AUTHKIT_SCOPE);
        CHECK(strstr(buffer, "a-scope-that-nobody-has-0") != NULL && strstr(buffer, "xxxx") == NULL);
        CHECK(how < 2 || strstr(buffer, "\"status\":403}") != NULL);
    }
    authkit_policy_free(policy);
    authkit_verifier_free(verifier);
}

static void misuse_is_told_and_nothing_stale_is_shown(void) {
    const char *token;
    size_t length = good(&token);
    authkit_verifier *verifier = verifier_of_size("64");
    const int32_t misuse = -(int32_t)AUTHKIT_MISUSE;
    memset(buffer, 'x', 8);
    CHECK(authkit_verifier_verify_into(verifier, token, length, NULL, NULL, sizeof buffer) == misuse);
    CHECK(authkit_verifier_verify_into(verifier, token, length, NULL, buffer, sizeof buffer - 1) == misuse);
    CHECK(authkit_verifier_try_verify_into(verifier, token, length, NULL, buffer, 0) == misuse);
    CHECK(authkit_verifier_authorize_into(verifier, NULL, 0, NULL, 0, NULL, NULL, sizeof buffer) == misuse);
    CHECK(authkit_verifier_try_authorize_into(verifier, NULL, 0, NULL, 0, NULL, buffer, 1) == misuse);
    CHECK(memcmp(buffer, "\0xxxxxxx", 8) == 0);
    CHECK(authkit_verifier_authorize_into(NULL, NULL, 0, NULL, 0, NULL, buffer, sizeof buffer) == misuse);
    CHECK(strstr(buffer, "verifier is NULL") != NULL && strstr(buffer, "\"status\"") == NULL);
    CHECK(authkit_verifier_verify_into(NULL, token, length, NULL, buffer, sizeof buffer) == misuse);
    CHECK(strstr(buffer, "verifier is NULL") != NULL);
    CHECK(authkit_verifier_verify_into(verifier, NULL, length, NULL, buffer, sizeof buffer) == misuse);
    CHECK(authkit_verifier_recall(NULL, token, length, NULL) == 0);
    CHECK(authkit_verifier_recall(verifier, NULL, length, NULL) == 0);
    CHECK(authkit_verifier_recall(verifier, token, SIZE_MAX, NULL) == 0);
    CHECK(authkit_verifier_recall_request(NULL, token, length, NULL, 0, NULL) == 0);
    CHECK_TEXT(authkit_claims_record(NULL, NULL), NULL);
    authkit_verifier_free(verifier);
}

int main(void) {
    shared_cases_have_the_verdicts_of_the_plain_call();
    a_record_says_what_the_getters_say();
    a_ticket_is_given_only_while_the_token_is_good();
    a_request_is_recalled_as_it_is_decided_on();
    a_request_is_decided_on_in_one_call();
    nothing_is_kept_where_that_is_off();
    no_call_leaves_what_an_earlier_one_has_written();
    an_answer_without_room_for_its_challenge_is_still_this_answer();
    misuse_is_told_and_nothing_stale_is_shown();
    return checks_done("verdict");
}
