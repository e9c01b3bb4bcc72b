/* Claims: every getter over a token that carries a claim of every kind. */

#include "check.h"
#include "vectors.h"

static authkit_claims *claims_of(const authkit_verifier *verifier, const char *token) {
    authkit_claims *claims = NULL;
    CHECK_STATUS(authkit_verifier_verify(verifier, token, strlen(token), NULL, &claims, NULL), AUTHKIT_OK);
    return claims;
}

static void named_claims_are_read(const authkit_claims *claims) {
    CHECK_TEXT(authkit_claims_issuer(claims), VECTOR_ISSUER);
    CHECK_TEXT(authkit_claims_subject(claims), "user_rich");
    CHECK_TEXT(authkit_claims_resource(claims), VECTOR_RESOURCE);
    CHECK_TEXT(authkit_claims_client_id(claims), "client_1");
    CHECK_TEXT(authkit_claims_key_id(claims), "minted-for-the-c-tests");
    CHECK_TEXT(authkit_claims_algorithm(claims), "ES256");
    CHECK(authkit_claims_subject(claims) == authkit_claims_subject(claims)); /* borrowed, not made anew */
}

static void times_are_whole_seconds(const authkit_claims *claims) {
    int64_t at = -1;
    CHECK_STATUS(authkit_claims_expires_at(claims, &at), AUTHKIT_OK);
    CHECK(at == 4102444800);
    CHECK_STATUS(authkit_claims_issued_at(claims, &at), AUTHKIT_OK);
    CHECK(at == 1759999940); /* .75 is dropped */
    CHECK_STATUS(authkit_claims_not_before(claims, &at), AUTHKIT_OK);
    CHECK(at == 1759999900);
}

static void lists_are_counted_and_read(const authkit_claims *claims) {
    CHECK(authkit_claims_scope_count(claims) == 2);
    CHECK_TEXT(authkit_claims_scope_at(claims, 0), "read");
    CHECK_TEXT(authkit_claims_scope_at(claims, 1), "write");
    CHECK_TEXT(authkit_claims_scope_at(claims, 2), NULL);
    CHECK_TEXT(authkit_claims_scope_at(claims, SIZE_MAX), NULL);
    CHECK(authkit_claims_has_scope(claims, "read"));
    CHECK(!authkit_claims_has_scope(claims, "rea"));
    CHECK(!authkit_claims_has_scope(claims, "READ"));
    CHECK(!authkit_claims_has_scope(claims, ""));

    CHECK(authkit_claims_audience_count(claims) == 1);
    CHECK_TEXT(authkit_claims_audience_at(claims, 0), VECTOR_RESOURCE);
    CHECK_TEXT(authkit_claims_audience_at(claims, 1), NULL);

    size_t length = 99;
    CHECK(authkit_claims_list_count(claims, "roles") == 2);
    CHECK_TEXT(authkit_claims_list_at(claims, "roles", 0, NULL), "admin");
    CHECK_TEXT(authkit_claims_list_at(claims, "roles", 1, &length), "m\xc3\xa9mber");
    CHECK(length == 7);
    CHECK_TEXT(authkit_claims_list_at(claims, "roles", 2, &length), NULL);
    CHECK(length == 0);
    CHECK(authkit_claims_list_count(claims, "permissions") == 0);
    CHECK(authkit_claims_list_count(claims, "mixed") == 0); /* not a list of strings */
    CHECK(authkit_claims_list_count(claims, "org_id") == 0);
    CHECK(authkit_claims_list_count(claims, "missing") == 0);
}

static void other_claims_are_read_by_name_and_type(const authkit_claims *claims) {
    size_t length = 99;
    int64_t integer = 99;
    double number = 99;
    bool boolean = false;
    CHECK_TEXT(authkit_claims_string(claims, "org_id", NULL), "org_1");
    CHECK_TEXT(authkit_claims_string(claims, "sid", &length), "session_1");
    CHECK(length == 9);
    CHECK_TEXT(authkit_claims_string(claims, "", NULL), "empty name");
    CHECK_TEXT(authkit_claims_string(claims, "auth_time", &length), NULL);
    CHECK(length == 0);
    CHECK_TEXT(authkit_claims_string(claims, "nothing", NULL), NULL);

    CHECK_STATUS(authkit_claims_integer(claims, "auth_time", &integer), AUTHKIT_OK);
    CHECK(integer == 1759999000);
    CHECK_STATUS(authkit_claims_integer(claims, "whole", &integer), AUTHKIT_OK);
    CHECK(integer == 7);
    const char *const inexact[] = {"ratio", "huge", "org_id", "missing", "nothing"};
    for (size_t i = 0; i < sizeof inexact / sizeof *inexact; i++) {
        integer = 99;
        CHECK_STATUS(authkit_claims_integer(claims, inexact[i], &integer), AUTHKIT_ABSENT);
        CHECK(integer == 0);
    }

    CHECK_STATUS(authkit_claims_number(claims, "ratio", &number), AUTHKIT_OK);
    CHECK(number == 0.5);
    CHECK_STATUS(authkit_claims_number(claims, "org_id", &number), AUTHKIT_ABSENT);
    CHECK(number == 0);

    CHECK_STATUS(authkit_claims_boolean(claims, "email_verified", &boolean), AUTHKIT_OK);
    CHECK(boolean);
    CHECK_STATUS(authkit_claims_boolean(claims, "blocked", &boolean), AUTHKIT_OK);
    CHECK(!boolean);
    boolean = true;
    CHECK_STATUS(authkit_claims_boolean(claims, "whole", &boolean), AUTHKIT_ABSENT);
    CHECK(!boolean);
}

static void json_is_what_was_signed(const authkit_claims *claims) {
    size_t length = 0;
    const char *json = authkit_claims_json(claims, &length);
    CHECK(json != NULL && strlen(json) == length && json[0] == '{' && json[length - 1] == '}');
    CHECK(strstr(json, "\"whole\":7e0") != NULL); /* not re-written */
    CHECK(json == authkit_claims_json(claims, NULL));
    const char *header = authkit_claims_header_json(claims, &length);
    CHECK_TEXT(header, "{\"alg\":\"ES256\",\"kid\":\"minted-for-the-c-tests\"}");
    CHECK(length == strlen(header));
    CHECK_TEXT(authkit_claims_value_json(claims, "act", NULL), "{\"sub\":\"agent_1\",\"act\":{\"sub\":\"agent_0\"}}");
    CHECK_TEXT(authkit_claims_value_json(claims, "org_id", &length), "\"org_1\"");
    CHECK(length == 7);
    CHECK_TEXT(authkit_claims_value_json(claims, "permissions", NULL), "[]");
    CHECK_TEXT(authkit_claims_value_json(claims, "nothing", NULL), "null");
    CHECK_TEXT(authkit_claims_value_json(claims, "missing", &length), NULL);
    CHECK(length == 0);
}

static void the_caller_is_told_as_authkit_names_it(const authkit_claims *claims) {
    CHECK_TEXT(authkit_claims_org_id(claims), "org_1");
    CHECK_TEXT(authkit_claims_session_id(claims), "session_1");
    CHECK_TEXT(authkit_claims_role(claims), NULL);
    CHECK_TEXT(authkit_claims_actor(claims), "agent_1");
    CHECK(authkit_claims_actor_count(claims) == 2);
    CHECK_TEXT(authkit_claims_actor_at(claims, 0), "agent_1");
    CHECK_TEXT(authkit_claims_actor_at(claims, 1), "agent_0");
    CHECK_TEXT(authkit_claims_actor_at(claims, 2), NULL);
    CHECK(!authkit_claims_is_impersonated(claims)); /* a delegation: no session */
    CHECK(authkit_claims_kind(claims) == AUTHKIT_KIND_USER);
    CHECK(authkit_claims_family(claims) == AUTHKIT_FAMILY_CONNECT);
    size_t length = 0;
    const char *json = authkit_claims_identity_json(claims, &length);
    CHECK(json != NULL && strlen(json) == length && json[0] == '{');
    CHECK(strstr(json, "\"roles\":[\"admin\",\"m\xc3\xa9mber\"]") != NULL);
    CHECK(strstr(json, "\"family\":\"connect\"") != NULL);
    CHECK(strstr(json, "\"actors\":[\"agent_1\",\"agent_0\"]") != NULL);
}

/* Takes sessions of that client. */
static authkit_verifier *of_sessions(const char *client_id) {
    const char text[] = "{\"issuers\": {\"" VECTOR_ISSUER "\": {\"family\": \"session\", \"audience\": \"if_present\"}},"
                        " \"resource\": \"" VECTOR_RESOURCE "\", \"algorithms\": \"ES256\", \"now\": " VECTOR_NOW "}";
    authkit_config *config = NULL;
    authkit_verifier *verifier = NULL;
    authkit_error *error = NULL;
    CHECK_STATUS(authkit_config_from_json(text, strlen(text), &config, &error), AUTHKIT_OK);
    CHECK_STATUS(authkit_config_set(config, "session_client_id", client_id, &error), AUTHKIT_OK);
    CHECK_STATUS(authkit_verifier_new(config, &verifier, &error), AUTHKIT_OK);
    authkit_config_free(config);
    return verifier;
}

static void a_session_token_is_taken_by_its_client_id(void) {
    authkit_verifier *verifier = of_sessions("client_1");
    authkit_error *error = NULL;
    CHECK_STATUS(authkit_verifier_set_jwks(verifier, VECTOR_ISSUER, MINTED_JWKS, strlen(MINTED_JWKS), &error),
                 AUTHKIT_OK);
    CHECK_STATUS(authkit_verifier_set_jwks(verifier, "https://api.workos.com/user_management/client_1", MINTED_JWKS,
                                           strlen(MINTED_JWKS), &error),
                 AUTHKIT_OK);
    authkit_claims *claims = claims_of(verifier, MINTED_RICH);
    CHECK(authkit_claims_family(claims) == AUTHKIT_FAMILY_SESSION);
    CHECK(authkit_claims_is_impersonated(claims));
    authkit_claims_free(claims);
    authkit_verifier_free(verifier);

    verifier = of_sessions("client_2");
    CHECK_STATUS(authkit_verifier_set_jwks(verifier, VECTOR_ISSUER, MINTED_JWKS, strlen(MINTED_JWKS), &error),
                 AUTHKIT_OK);
    claims = NULL;
    CHECK_REFUSAL(authkit_verifier_verify(verifier, MINTED_RICH, strlen(MINTED_RICH), NULL, &claims, &error), error,
                  AUTHKIT_AUDIENCE, "client_1");
    CHECK(claims == NULL);
    authkit_verifier_free(verifier);
}

/* Signed by the issuer, and yet no access token for a bearer at this server. */
static void other_kinds_of_token_are_refused(void) {
    const char text[] = "{\"issuers\": {\"" VECTOR_ISSUER "\": null}, \"resource\": \"" VECTOR_RESOURCE "\","
                        " \"accept_client_id_audience\": \"client_1\", \"algorithms\": \"ES256\", \"now\": " VECTOR_NOW "}";
    const struct {
        const char *token;
        authkit_status status;
        const char *reason;
    } cases[] = {
        {MINTED_ID_TOKEN, AUTHKIT_TYPE, "ID token"},
        {MINTED_BOUND, AUTHKIT_CLAIM, "cnf"},
        {MINTED_NOBODYS, AUTHKIT_CLAIM, "client_id"},
    };
    authkit_config *config = NULL;
    authkit_verifier *verifier = NULL;
    authkit_error *error = NULL;
    CHECK_STATUS(authkit_config_from_json(text, strlen(text), &config, &error), AUTHKIT_OK);
    CHECK_STATUS(authkit_config_set(config, "jwks", MINTED_JWKS, &error), AUTHKIT_OK);
    CHECK_STATUS(authkit_verifier_new(config, &verifier, &error), AUTHKIT_OK);
    authkit_config_free(config);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        authkit_claims *claims = NULL;
        CHECK_REFUSAL(authkit_verifier_verify(verifier, cases[i].token, strlen(cases[i].token), NULL, &claims, &error),
                      error, cases[i].status, cases[i].reason);
        CHECK(claims == NULL);
    }
    authkit_verifier_free(verifier);

    const char both[] = "{\"issuers\": {\"" VECTOR_ISSUER "\": \"https://keys.example/jwks\"}, \"resource\": \"" VECTOR_RESOURCE
                        "\"}";
    CHECK_STATUS(authkit_config_from_json(both, strlen(both), &config, &error), AUTHKIT_OK);
    CHECK_STATUS(authkit_config_set(config, "jwks", MINTED_JWKS, &error), AUTHKIT_OK);
    CHECK_REFUSAL(authkit_verifier_new(config, &verifier, &error), error, AUTHKIT_CONFIG, "jwks_url");
    authkit_config_free(config);
}

/* "admin\0x" must not be read as "admin". */
static void text_that_c_would_cut_short_is_refused(const authkit_verifier *verifier) {
    for (size_t i = 0; i < sizeof MINTED_NULS / sizeof *MINTED_NULS; i++) {
        authkit_claims *claims = NULL;
        authkit_error *error = NULL;
        const char *token = MINTED_NULS[i];
        CHECK_REFUSAL(authkit_verifier_verify(verifier, token, strlen(token), NULL, &claims, &error), error,
                      AUTHKIT_CLAIM, "U+0000");
        CHECK(claims == NULL);
    }
}

static void what_a_token_does_not_say_is_absent(void) {
    authkit_verifier *verifier = verifier_over(VECTOR_ISSUER, VECTOR_RESOURCE, "RS256", VECTOR_NOW, VECTOR_JWKS);
    authkit_claims *claims = claims_of(verifier, VECTORS[2].token);
    int64_t at = 99;
    CHECK_STATUS(authkit_claims_not_before(claims, &at), AUTHKIT_ABSENT);
    CHECK(at == 0);
    CHECK(authkit_claims_scope_count(claims) == 0);
    authkit_claims_free(claims);
    claims = claims_of(verifier, VECTORS[0].token);
    CHECK(authkit_claims_audience_count(claims) == 3);
    CHECK_TEXT(authkit_claims_audience_at(claims, 0), "https://other.example");
    CHECK_TEXT(authkit_claims_resource(claims), VECTOR_RESOURCE);
    authkit_claims_free(claims);
    authkit_verifier_free(verifier);
}

int main(void) {
    authkit_verifier *verifier = verifier_over(VECTOR_ISSUER, VECTOR_RESOURCE, "ES256", VECTOR_NOW, MINTED_JWKS);
    authkit_claims *claims = claims_of(verifier, MINTED_RICH);
    authkit_verifier_free(verifier); /* claims do not need it */
    named_claims_are_read(claims);
    times_are_whole_seconds(claims);
    lists_are_counted_and_read(claims);
    other_claims_are_read_by_name_and_type(claims);
    json_is_what_was_signed(claims);
    the_caller_is_told_as_authkit_names_it(claims);
    authkit_claims_free(claims);

    verifier = verifier_over(VECTOR_ISSUER, VECTOR_RESOURCE, "ES256", VECTOR_NOW, MINTED_JWKS);
    text_that_c_would_cut_short_is_refused(verifier);
    authkit_verifier_free(verifier);
    what_a_token_does_not_say_is_absent();
    a_session_token_is_taken_by_its_client_id();
    other_kinds_of_token_are_refused();
    return checks_done("claims");
}
