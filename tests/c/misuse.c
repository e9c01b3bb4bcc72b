/* Misuse: NULL, text that is not UTF-8, impossible lengths, at every function (row 56 of the rules). */

#include "check.h"
#include "vectors.h"

#define NOT_UTF8 "\xff"

/* What outputs hold before a call, to see that they are written. */
static char somewhere;
#define GARBAGE ((void *)&somewhere)

static void config_functions(void) {
    authkit_config *config = authkit_config_new();
    authkit_config *out = GARBAGE;
    authkit_error *error = GARBAGE;
    CHECK_REFUSAL(authkit_config_set(NULL, "leeway", "1", &error), error, AUTHKIT_MISUSE, "config is NULL");
    CHECK_REFUSAL(authkit_config_set(config, NULL, "1", &error), error, AUTHKIT_MISUSE, "name is NULL");
    CHECK_REFUSAL(authkit_config_set(config, "leeway", NULL, &error), error, AUTHKIT_MISUSE, "value is NULL");
    CHECK_REFUSAL(authkit_config_set(config, NOT_UTF8, "1", &error), error, AUTHKIT_MISUSE, "name is not UTF-8");
    CHECK_REFUSAL(authkit_config_set(config, "base_url", NOT_UTF8, &error), error, AUTHKIT_MISUSE,
                  "value is not UTF-8");
    CHECK_STATUS(authkit_config_set(NULL, NULL, NULL, NULL), AUTHKIT_MISUSE);

    CHECK_REFUSAL(authkit_config_from_environment(NULL, &error), error, AUTHKIT_MISUSE, "out_config is NULL");
    CHECK_REFUSAL(authkit_config_from_json("{}", 2, NULL, &error), error, AUTHKIT_MISUSE, "out_config is NULL");
    CHECK_REFUSAL(authkit_config_from_json(NULL, 2, &out, &error), error, AUTHKIT_MISUSE, "json is NULL");
    CHECK(out == NULL);
    out = GARBAGE;
    CHECK_REFUSAL(authkit_config_from_json(NOT_UTF8, 1, &out, &error), error, AUTHKIT_MISUSE, "json is not UTF-8");
    CHECK(out == NULL);
    out = GARBAGE;
    CHECK_REFUSAL(authkit_config_from_json("{}", SIZE_MAX, &out, &error), error, AUTHKIT_MISUSE, "length of json");
    CHECK(out == NULL);
    authkit_config_free(config);
}

static void policy_functions(void) {
    authkit_policy *policy = authkit_policy_new();
    authkit_error *error = GARBAGE;
    CHECK_REFUSAL(authkit_policy_require_scope(NULL, "a", &error), error, AUTHKIT_MISUSE, "policy is NULL");
    CHECK_REFUSAL(authkit_policy_require_scope(policy, NULL, &error), error, AUTHKIT_MISUSE, "scope is NULL");
    CHECK_REFUSAL(authkit_policy_require_scope(policy, NOT_UTF8, &error), error, AUTHKIT_MISUSE, "scope is not UTF-8");
    CHECK_REFUSAL(authkit_policy_require_scope(policy, "two scopes", &error), error, AUTHKIT_MISUSE, "two scopes");
    CHECK_REFUSAL(authkit_policy_require_scope(policy, "", &error), error, AUTHKIT_MISUSE, "");
    CHECK_STATUS(authkit_policy_set_now(NULL, 0), AUTHKIT_MISUSE);
    authkit_policy_free(policy);
}

typedef authkit_status (*verify_function)(const authkit_verifier *, const char *, size_t, const authkit_policy *,
                                          authkit_claims **, authkit_error **);

static void verify_functions(verify_function verify, const authkit_verifier *verifier) {
    authkit_claims *claims = GARBAGE;
    authkit_error *error = GARBAGE;
    CHECK_REFUSAL(verify(NULL, "a", 1, NULL, &claims, &error), error, AUTHKIT_MISUSE, "verifier is NULL");
    CHECK(claims == NULL);
    claims = GARBAGE;
    CHECK_REFUSAL(verify(verifier, NULL, 0, NULL, &claims, &error), error, AUTHKIT_MISUSE, "token is NULL");
    CHECK(claims == NULL);
    claims = GARBAGE;
    CHECK_REFUSAL(verify(verifier, "a", (size_t)PTRDIFF_MAX + 1, NULL, &claims, &error), error, AUTHKIT_MISUSE,
                  "length of token");
    CHECK_REFUSAL(verify(verifier, "a", SIZE_MAX, NULL, &claims, &error), error, AUTHKIT_MISUSE, "length of token");
    CHECK(claims == NULL);
    CHECK_REFUSAL(verify(verifier, "a", 1, NULL, NULL, &error), error, AUTHKIT_MISUSE, "out_claims is NULL");
    CHECK_STATUS(verify(NULL, NULL, 0, NULL, NULL, NULL), AUTHKIT_MISUSE);
    /* A good token and nowhere to put the claims: refused, not leaked. */
    CHECK_STATUS(verify(verifier, VECTORS[0].token, VECTORS[0].length, NULL, NULL, NULL), AUTHKIT_MISUSE);
}

/* What a setter could not set is not gone without, also if nobody looked at its result and whatever is set later. */
static void failed_setters_leave_a_configuration_that_makes_no_verifier(void) {
    static const struct {
        const char *name, *value;
        authkit_status status;
        const char *reason;
    } failing[] = {
        {"leeway", "a minute", AUTHKIT_CONFIG, "config_set for 'leeway' failed: leeway is 'a minute'"},
        {"required_scopes", "[", AUTHKIT_CONFIG, "config_set for 'required_scopes' failed: "},
        {"required_scope", "a", AUTHKIT_CONFIG, "'required_scope' is not a setting"},
        {"issuers", "{", AUTHKIT_CONFIG, "config_set for 'issuers' failed: "},
        {"typ", "jwt", AUTHKIT_CONFIG, "config_set for 'typ' failed: "},
        {"audiences", NULL, AUTHKIT_MISUSE, "config_set for 'audiences' failed: value is NULL"},
        {"audiences", NOT_UTF8, AUTHKIT_MISUSE, "value is not UTF-8"},
        {NULL, "a", AUTHKIT_MISUSE, "name is NULL"},
        {NOT_UTF8, "a", AUTHKIT_MISUSE, "name is not UTF-8"},
    };
    for (size_t i = 0; i < sizeof failing / sizeof *failing; i++) {
        authkit_config *config = authkit_config_new();
        authkit_verifier *verifier = GARBAGE;
        authkit_error *error = NULL;
        CHECK_STATUS(authkit_config_set(config, "authkit_domain", VECTOR_ISSUER, NULL), AUTHKIT_OK);
        CHECK_STATUS(authkit_config_set(config, "resource", VECTOR_RESOURCE, NULL), AUTHKIT_OK);
        CHECK_STATUS(authkit_config_set(config, failing[i].name, failing[i].value, NULL), failing[i].status);
        for (int again = 0; again < 2; again++) {
            CHECK_REFUSAL(authkit_verifier_new(config, &verifier, &error), error, failing[i].status,
                          failing[i].reason);
            CHECK(verifier == NULL);
            /* The first failure is told, and what is set well later mends nothing. */
            CHECK(authkit_config_set(config, "leeway", "a day", NULL) == AUTHKIT_CONFIG);
            CHECK_STATUS(authkit_config_set(config, "leeway", "60", NULL), AUTHKIT_OK);
        }
        authkit_config_free(config);
    }
}

static void refused_by_every_call(const authkit_verifier *verifier, const authkit_policy *policy, const char *reason) {
    static char buffer[AUTHKIT_RECORD_CAPACITY], header[20000];
    const char *token = VECTORS[0].token;
    size_t length = VECTORS[0].length;
    snprintf(header, sizeof header, "Bearer %s", token);
    authkit_claims *claims = GARBAGE;
    authkit_response *response = GARBAGE;
    authkit_error *error = NULL;
    CHECK_REFUSAL(authkit_verifier_verify(verifier, token, length, policy, &claims, &error), error, AUTHKIT_MISUSE,
                  reason);
    CHECK_REFUSAL(authkit_verifier_try_verify(verifier, token, length, policy, &claims, &error), error,
                  AUTHKIT_MISUSE, reason);
    CHECK_REFUSAL(authkit_verifier_verify(verifier, "no token", 8, policy, &claims, &error), error, AUTHKIT_MISUSE,
                  reason);
    CHECK(claims == NULL);
    CHECK_REFUSAL(authkit_verifier_authorize(verifier, header, strlen(header), NULL, 0, policy, &response, &error),
                  error, AUTHKIT_MISUSE, reason);
    CHECK_REFUSAL(authkit_verifier_try_authorize(verifier, NULL, 0, NULL, 0, policy, &response, &error), error,
                  AUTHKIT_MISUSE, reason);
    CHECK(response == NULL);
    CHECK(authkit_verifier_recall(verifier, token, length, policy) == 0);
    CHECK(authkit_verifier_recall_request(verifier, header, strlen(header), NULL, 0, policy) == 0);
    const int32_t written[] = {
        authkit_verifier_verify_into(verifier, token, length, policy, buffer, sizeof buffer),
        authkit_verifier_try_verify_into(verifier, token, length, policy, buffer, sizeof buffer),
        authkit_verifier_authorize_into(verifier, header, strlen(header), NULL, 0, policy, buffer, sizeof buffer),
        authkit_verifier_try_authorize_into(verifier, header, strlen(header), NULL, 0, policy, buffer, sizeof buffer),
    };
    for (size_t i = 0; i < sizeof written / sizeof *written; i++) {
        CHECK(written[i] == -(int32_t)AUTHKIT_MISUSE);
    }
    CHECK(strstr(buffer, reason) != NULL && strstr(buffer, "\"status\"") == NULL);
}

static void failed_demands_leave_a_policy_that_no_token_passes(const authkit_verifier *verifier) {
    const char *const no_scope[] = {NULL, NOT_UTF8, "", " ", "two scopes", "a\tb", "a\"b"};
    const char *const no_scopes[] = {NULL, NOT_UTF8, "", " ", "a  b", "a b ", "a\tb", "a \"b\""};
    authkit_claims *claims = NULL;
    for (int i = 0; i < 2; i++) { /* kept from the second time on, so that it is recalled where it may be */
        CHECK_STATUS(authkit_verifier_verify(verifier, VECTORS[0].token, VECTORS[0].length, NULL, &claims, NULL),
                     AUTHKIT_OK);
        authkit_claims_free(claims);
    }
    CHECK(authkit_verifier_recall(verifier, VECTORS[0].token, VECTORS[0].length, NULL) != 0);
    for (size_t i = 0; i < sizeof no_scope / sizeof *no_scope; i++) {
        authkit_policy *policy = authkit_policy_new();
        CHECK_STATUS(authkit_policy_require_scope(policy, no_scope[i], NULL), AUTHKIT_MISUSE);
        refused_by_every_call(verifier, policy, "an earlier policy_require_scope failed: ");
        CHECK_STATUS(authkit_policy_require_scope(policy, "profile", NULL), AUTHKIT_OK);
        CHECK_STATUS(authkit_policy_set_now(policy, 1760000000), AUTHKIT_OK);
        refused_by_every_call(verifier, policy, "an earlier policy_require_scope failed: ");
        authkit_policy_free(policy);
    }
    for (size_t i = 0; i < sizeof no_scopes / sizeof *no_scopes; i++) {
        authkit_policy *policy = authkit_policy_new();
        CHECK_STATUS(authkit_policy_require_any_scope(policy, no_scopes[i], NULL), AUTHKIT_MISUSE);
        refused_by_every_call(verifier, policy, "an earlier policy_require_any_scope failed: ");
        authkit_policy_free(policy);
    }
}

/* A default that could not be set is not replaced by the environment's, which may demand less. */
static void a_default_that_could_not_be_set_is_none(void) {
    const authkit_verifier *lent = GARBAGE;
    authkit_claims *claims = GARBAGE;
    authkit_error *error = NULL;
    CHECK_STATUS(authkit_set_default(NULL), AUTHKIT_MISUSE);
    CHECK_REFUSAL(authkit_default_verifier(&lent, &error), error, AUTHKIT_MISUSE,
                  "an earlier set_default failed: verifier is NULL");
    CHECK(lent == NULL);
    CHECK_STATUS(authkit_verify("a", &claims), AUTHKIT_MISUSE);
    CHECK(claims == NULL);
}

static void verifier_functions(const authkit_verifier *verifier) {
    authkit_config *config = authkit_config_new();
    authkit_verifier *out = GARBAGE;
    authkit_error *error = GARBAGE;
    CHECK_REFUSAL(authkit_verifier_new(NULL, &out, &error), error, AUTHKIT_MISUSE, "config is NULL");
    CHECK(out == NULL);
    CHECK_REFUSAL(authkit_verifier_new(config, NULL, &error), error, AUTHKIT_MISUSE, "out_verifier is NULL");
    authkit_config_free(config);

    CHECK_REFUSAL(authkit_verifier_refresh(NULL, &error), error, AUTHKIT_MISUSE, "verifier is NULL");
    CHECK_REFUSAL(authkit_verifier_set_jwks(NULL, NULL, "{}", 2, &error), error, AUTHKIT_MISUSE, "verifier is NULL");
    CHECK_REFUSAL(authkit_verifier_set_jwks(verifier, NULL, NULL, 2, &error), error, AUTHKIT_MISUSE, "json is NULL");
    CHECK_REFUSAL(authkit_verifier_set_jwks(verifier, NULL, NOT_UTF8, 1, &error), error, AUTHKIT_MISUSE,
                  "json is not UTF-8");
    CHECK_REFUSAL(authkit_verifier_set_jwks(verifier, NULL, "{}", SIZE_MAX, &error), error, AUTHKIT_MISUSE,
                  "length of json");
    CHECK_REFUSAL(authkit_verifier_set_jwks(verifier, NOT_UTF8, "{}", 2, &error), error, AUTHKIT_MISUSE,
                  "issuer is not UTF-8");
    CHECK_TEXT(authkit_verifier_resource(NULL), NULL);
    size_t length = 99;
    CHECK_TEXT(authkit_verifier_describe(NULL, &length), NULL);
    CHECK(length == 0);
    CHECK_REFUSAL(authkit_config_from_env_file(NULL, &config, &error), error, AUTHKIT_MISUSE, "path is NULL");
    CHECK_REFUSAL(authkit_config_from_implicit_env_file(NULL, &config, &error), error, AUTHKIT_MISUSE, "path is NULL");
    CHECK(config == NULL);
    authkit_policy *policy = authkit_policy_new();
    CHECK_REFUSAL(authkit_policy_require_any_scope(NULL, "a", &error), error, AUTHKIT_MISUSE, "policy is NULL");
    CHECK_STATUS(authkit_policy_require_any_scope(policy, "admin profile", NULL), AUTHKIT_OK);
    authkit_claims *scoped = NULL;
    CHECK_STATUS(authkit_verifier_verify(verifier, VECTORS[0].token, VECTORS[0].length, policy, &scoped, NULL),
                 AUTHKIT_OK);
    authkit_claims_free(scoped);
    CHECK_STATUS(authkit_policy_require_any_scope(policy, "admin editor", NULL), AUTHKIT_OK);
    CHECK_REFUSAL(authkit_verifier_verify(verifier, VECTORS[0].token, VECTORS[0].length, policy, &scoped, &error),
                  error, AUTHKIT_SCOPE, "admin editor");
    authkit_policy_free(policy);
    CHECK_REFUSAL(authkit_verifier_start_refresh(NULL, &error), error, AUTHKIT_MISUSE, "verifier is NULL");
    CHECK_REFUSAL(authkit_verifier_wait_ready(NULL, 0, &error), error, AUTHKIT_MISUSE, "verifier is NULL");
    CHECK_STATUS(authkit_verifier_wait(NULL, 0, 0), AUTHKIT_MISUSE);
    CHECK(authkit_verifier_fetches_ended(NULL) == 0);
    verify_functions(authkit_verifier_verify, verifier);
    verify_functions(authkit_verifier_try_verify, verifier);
}

static void default_functions(void) {
    authkit_claims *claims = GARBAGE;
    authkit_error *error = GARBAGE;
    CHECK_STATUS(authkit_verify(NULL, &claims), AUTHKIT_MISUSE);
    CHECK(claims == NULL);
    CHECK_STATUS(authkit_verify("a", NULL), AUTHKIT_MISUSE);
    CHECK_REFUSAL(authkit_default_verifier(NULL, &error), error, AUTHKIT_MISUSE, "out_verifier is NULL");
    CHECK_STATUS(authkit_set_default(NULL), AUTHKIT_MISUSE);
}

static void claims_functions_of_nothing(void) {
    size_t length = 99;
    int64_t integer = 99;
    double number = 99;
    bool boolean = true;
    CHECK_TEXT(authkit_claims_json(NULL, &length), NULL);
    CHECK(length == 0);
    CHECK_TEXT(authkit_claims_header_json(NULL, NULL), NULL);
    CHECK_TEXT(authkit_claims_issuer(NULL), NULL);
    CHECK_TEXT(authkit_claims_subject(NULL), NULL);
    CHECK_TEXT(authkit_claims_resource(NULL), NULL);
    CHECK_TEXT(authkit_claims_client_id(NULL), NULL);
    CHECK_TEXT(authkit_claims_key_id(NULL), NULL);
    CHECK_TEXT(authkit_claims_algorithm(NULL), NULL);
    CHECK_STATUS(authkit_claims_expires_at(NULL, &integer), AUTHKIT_MISUSE);
    CHECK(integer == 0);
    CHECK_STATUS(authkit_claims_issued_at(NULL, &integer), AUTHKIT_MISUSE);
    CHECK_STATUS(authkit_claims_not_before(NULL, &integer), AUTHKIT_MISUSE);
    CHECK(authkit_claims_scope_count(NULL) == 0);
    CHECK_TEXT(authkit_claims_scope_at(NULL, 0), NULL);
    CHECK(!authkit_claims_has_scope(NULL, "a"));
    CHECK(authkit_claims_audience_count(NULL) == 0);
    CHECK_TEXT(authkit_claims_audience_at(NULL, 0), NULL);
    CHECK_TEXT(authkit_claims_string(NULL, "a", &length), NULL);
    CHECK_STATUS(authkit_claims_integer(NULL, "a", &integer), AUTHKIT_MISUSE);
    CHECK_STATUS(authkit_claims_number(NULL, "a", &number), AUTHKIT_MISUSE);
    CHECK(number == 0);
    CHECK_STATUS(authkit_claims_boolean(NULL, "a", &boolean), AUTHKIT_MISUSE);
    CHECK(!boolean);
    CHECK(authkit_claims_list_count(NULL, "a") == 0);
    CHECK_TEXT(authkit_claims_list_at(NULL, "a", 0, &length), NULL);
    CHECK_TEXT(authkit_claims_value_json(NULL, "a", &length), NULL);
    CHECK_TEXT(authkit_claims_identity_json(NULL, &length), NULL);
    CHECK_TEXT(authkit_claims_org_id(NULL), NULL);
    CHECK_TEXT(authkit_claims_session_id(NULL), NULL);
    CHECK_TEXT(authkit_claims_role(NULL), NULL);
    CHECK_TEXT(authkit_claims_actor(NULL), NULL);
    CHECK(authkit_claims_actor_count(NULL) == 0);
    CHECK_TEXT(authkit_claims_actor_at(NULL, 0), NULL);
    CHECK(authkit_claims_is_impersonated(NULL)); /* the careful answer */
    CHECK(authkit_claims_kind(NULL) == AUTHKIT_KIND_UNKNOWN);
    CHECK(authkit_claims_family(NULL) == AUTHKIT_FAMILY_UNKNOWN);
}

static void claims_functions_with_bad_arguments(const authkit_claims *claims) {
    const char *const names[] = {NULL, NOT_UTF8};
    for (size_t i = 0; i < 2; i++) {
        int64_t integer;
        double number;
        bool boolean;
        size_t length = 99;
        CHECK(!authkit_claims_has_scope(claims, names[i]));
        CHECK_TEXT(authkit_claims_string(claims, names[i], &length), NULL);
        CHECK(length == 0);
        CHECK_STATUS(authkit_claims_integer(claims, names[i], &integer), AUTHKIT_MISUSE);
        CHECK_STATUS(authkit_claims_number(claims, names[i], &number), AUTHKIT_MISUSE);
        CHECK_STATUS(authkit_claims_boolean(claims, names[i], &boolean), AUTHKIT_MISUSE);
        CHECK(authkit_claims_list_count(claims, names[i]) == 0);
        CHECK_TEXT(authkit_claims_list_at(claims, names[i], 0, &length), NULL);
        CHECK_TEXT(authkit_claims_value_json(claims, names[i], &length), NULL);
    }
    CHECK_STATUS(authkit_claims_expires_at(claims, NULL), AUTHKIT_MISUSE);
    CHECK_STATUS(authkit_claims_issued_at(claims, NULL), AUTHKIT_MISUSE);
    CHECK_STATUS(authkit_claims_not_before(claims, NULL), AUTHKIT_MISUSE);
    CHECK_STATUS(authkit_claims_integer(claims, "exp", NULL), AUTHKIT_MISUSE);
    CHECK_STATUS(authkit_claims_number(claims, "exp", NULL), AUTHKIT_MISUSE);
    CHECK_STATUS(authkit_claims_boolean(claims, "exp", NULL), AUTHKIT_MISUSE);
}

static void stats_functions(const authkit_verifier *verifier) {
    authkit_stats *stats = GARBAGE;
    authkit_error *error = GARBAGE;
    CHECK_REFUSAL(authkit_verifier_stats(NULL, &stats, &error), error, AUTHKIT_MISUSE, "verifier is NULL");
    CHECK(stats == NULL);
    CHECK_REFUSAL(authkit_verifier_stats(verifier, NULL, &error), error, AUTHKIT_MISUSE, "out_stats is NULL");
    CHECK_STATUS(authkit_verifier_stats(NULL, NULL, NULL), AUTHKIT_MISUSE);
    CHECK_STATUS(authkit_verifier_stats(verifier, &stats, NULL), AUTHKIT_OK);

    size_t length = 99;
    int64_t number = 99;
    CHECK_TEXT(authkit_stats_json(NULL, &length), NULL);
    CHECK(length == 0);
    CHECK_STATUS(authkit_stats_number(NULL, NULL, "keys", &number), AUTHKIT_MISUSE);
    CHECK(number == 0);
    CHECK_STATUS(authkit_stats_number(stats, NULL, NULL, &number), AUTHKIT_MISUSE);
    CHECK_STATUS(authkit_stats_number(stats, NULL, NOT_UTF8, &number), AUTHKIT_MISUSE);
    CHECK_STATUS(authkit_stats_number(stats, NOT_UTF8, "keys", &number), AUTHKIT_MISUSE);
    CHECK_STATUS(authkit_stats_number(stats, NULL, "keys", NULL), AUTHKIT_MISUSE);
    authkit_stats_free(stats);
}

static void event_functions_of_nothing(void) {
    size_t length = 99;
    CHECK(authkit_verifier_next_event(NULL) == NULL);
    CHECK_TEXT(authkit_event_name(NULL), NULL);
    CHECK(authkit_verifier_next_log_line(NULL) == NULL);
    CHECK(authkit_response_log_line(NULL) == NULL);
    CHECK(authkit_log_line_level(NULL) == AUTHKIT_LOG_WARNING);
    CHECK_TEXT(authkit_log_line_text(NULL), NULL);
    CHECK_STATUS(authkit_policy_set_tool(NULL, "tool"), AUTHKIT_MISUSE);
    CHECK_TEXT(authkit_event_json(NULL, &length), NULL);
    CHECK(length == 0);
    CHECK_TEXT(authkit_event_json(NULL, NULL), NULL);
}

static void error_functions_of_nothing(void) {
    CHECK_STATUS(authkit_error_status(NULL), AUTHKIT_MISUSE);
    CHECK_TEXT(authkit_error_reason(NULL), NULL);
    CHECK_TEXT(authkit_error_hint(NULL), NULL);
    CHECK(authkit_error_retry_after(NULL) == -1);
    CHECK(authkit_error_clone(NULL) == NULL);
}

static void freeing_nothing_does_nothing(void) {
    authkit_config_free(NULL);
    authkit_policy_free(NULL);
    authkit_verifier_free(NULL);
    authkit_claims_free(NULL);
    authkit_error_free(NULL);
    authkit_stats_free(NULL);
    authkit_event_free(NULL);
    authkit_log_line_free(NULL);
}

int main(void) {
    authkit_verifier *verifier = verifier_over(VECTOR_ISSUER, VECTOR_RESOURCE, "RS256", VECTOR_NOW, VECTOR_JWKS);
    authkit_claims *claims = NULL;
    CHECK_STATUS(authkit_verifier_verify(verifier, VECTORS[0].token, VECTORS[0].length, NULL, &claims, NULL),
                 AUTHKIT_OK);
    config_functions();
    policy_functions();
    verifier_functions(verifier);
    failed_setters_leave_a_configuration_that_makes_no_verifier();
    failed_demands_leave_a_policy_that_no_token_passes(verifier);
    default_functions();
    a_default_that_could_not_be_set_is_none();
    claims_functions_of_nothing();
    claims_functions_with_bad_arguments(claims);
    stats_functions(verifier);
    event_functions_of_nothing();
    error_functions_of_nothing();
    freeing_nothing_does_nothing();
    authkit_claims_free(claims);
    authkit_verifier_free(verifier);
    return checks_done("misuse");
}
