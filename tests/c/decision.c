/* Decisions and responses: what a server in C sends, from the request to the last header. */

#include "check.h"
#include "vectors.h"

#define METADATA_URL "https://mcp.heldout.example/.well-known/oauth-protected-resource/mcp"
#define METADATA                                                                                                       \
    "{\"resource\":\"" VECTOR_RESOURCE "\",\"authorization_servers\":[\"" VECTOR_ISSUER                                \
    "\"],\"bearer_methods_supported\":[\"header\"]}"

static const char *header_of(const authkit_response *response, const char *name) {
    for (size_t i = 0; i < authkit_response_header_count(response); i++) {
        if (strcmp(authkit_response_header_name_at(response, i), name) == 0) {
            return authkit_response_header_value_at(response, i);
        }
    }
    return NULL;
}

/* "Bearer " and a token. */
static char *bearer(const char *token, size_t length, size_t *out_length) {
    char *value = malloc(length + 8);
    memcpy(value, "Bearer ", 7);
    memcpy(value + 7, token, length);
    *out_length = length + 7;
    return value;
}

static void shared_cases_are_answered_by_their_verdicts(const authkit_verifier *verifier) {
    for (size_t i = 0; i < sizeof VECTORS / sizeof *VECTORS; i++) {
        size_t length;
        char *value = bearer(VECTORS[i].token, VECTORS[i].length, &length);
        authkit_response *response = (authkit_response *)&response; /* must be overwritten */
        authkit_error *error = (authkit_error *)&error;
        authkit_status status =
            authkit_verifier_authorize(verifier, value, length, NULL, 0, NULL, &response, &error);
        CHECK((status == AUTHKIT_OK) == (VECTORS[i].status == AUTHKIT_OK));
        CHECK(authkit_response_status(response) == authkit_status_http_status(status));
        CHECK((authkit_response_claims(response) != NULL) == (status == AUTHKIT_OK));
        CHECK((header_of(response, "www-authenticate") == NULL) == (status == AUTHKIT_OK));
        CHECK((error == NULL) == (status == AUTHKIT_OK));
        CHECK((authkit_response_error(response) == NULL) == (status == AUTHKIT_OK));
        if (error != NULL) {
            CHECK_STATUS(authkit_error_status(error), status);
            CHECK_STATUS(authkit_error_status(authkit_response_error(response)), status);
        } else {
            CHECK_TEXT(authkit_claims_issuer(authkit_response_claims(response)), VECTOR_ISSUER);
        }
        authkit_error_free(error);
        authkit_response_free(response);
        CHECK_STATUS(authkit_verifier_try_authorize(verifier, value, length, NULL, 0, NULL, &response, NULL), status);
        authkit_response_free(response);
        free(value);
    }
}

static void a_request_is_answered_whole(const authkit_verifier *verifier) {
    authkit_policy *policy = authkit_policy_new();
    CHECK_STATUS(authkit_policy_require_scope(policy, "admin", NULL), AUTHKIT_OK);
    CHECK_STATUS(authkit_policy_require_scope(policy, "openid", NULL), AUTHKIT_OK);
    size_t length;
    char *good = bearer(VECTORS[0].token, VECTORS[0].length, &length);
    const struct {
        const char *value;
        size_t length;
        const char *query;
        authkit_status status;
        const char *challenge;
    } cases[] = {
        {NULL, 0, NULL, AUTHKIT_NO_CREDENTIALS,
         "Bearer scope=\"admin openid\", resource_metadata=\"" METADATA_URL "\""},
        {NULL, 7, "", AUTHKIT_NO_CREDENTIALS,
         "Bearer scope=\"admin openid\", resource_metadata=\"" METADATA_URL "\""},
        {"Basic x", 7, NULL, AUTHKIT_NO_CREDENTIALS,
         "Bearer scope=\"admin openid\", resource_metadata=\"" METADATA_URL "\""},
        {"Bearer \0x", 9, NULL, AUTHKIT_INVALID_REQUEST,
         "Bearer error=\"invalid_request\", error_description=\"Send one access token, as Authorization: Bearer, and none "
         "anywhere else\", scope=\"admin openid\", resource_metadata=\"" METADATA_URL "\""},
        {good, length, "access_token=x", AUTHKIT_INVALID_REQUEST,
         "Bearer error=\"invalid_request\", error_description=\"Send one access token, as Authorization: Bearer, and none "
         "anywhere else\", scope=\"admin openid\", resource_metadata=\"" METADATA_URL "\""},
        {good, length, "a=b", AUTHKIT_SCOPE,
         "Bearer error=\"insufficient_scope\", error_description=\"The access token lacks the scope admin\", "
         "scope=\"admin openid\", resource_metadata=\"" METADATA_URL "\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        authkit_response *response;
        const char *query = cases[i].query;
        CHECK_STATUS(authkit_verifier_authorize(verifier, cases[i].value, cases[i].length, query,
                                                query ? strlen(query) : 0, policy, &response, NULL),
                     cases[i].status);
        CHECK(authkit_response_status(response) == authkit_status_http_status(cases[i].status));
        CHECK_TEXT(header_of(response, "www-authenticate"), cases[i].challenge);
        CHECK_TEXT(header_of(response, "cache-control"), "no-store");
        CHECK_TEXT(header_of(response, "content-type"), "application/json");
        size_t body_length = 0;
        const char *body = authkit_response_body(response, &body_length);
        CHECK(body != NULL && strlen(body) == body_length && body[0] == '{');
        CHECK(authkit_response_claims(response) == NULL);
        CHECK(authkit_response_take_claims(response) == NULL);
        authkit_response_free(response);
    }
    free(good);
    authkit_policy_free(policy);
}

static void claims_can_be_kept_longer_than_the_response(const authkit_verifier *verifier) {
    size_t length;
    char *value = bearer(VECTORS[0].token, VECTORS[0].length, &length);
    authkit_response *response;
    CHECK_STATUS(authkit_verifier_authorize(verifier, value, length, NULL, 0, NULL, &response, NULL), AUTHKIT_OK);
    CHECK(authkit_response_status(response) == 200);
    CHECK(authkit_response_header_count(response) == 0);
    authkit_claims *claims = authkit_response_take_claims(response);
    CHECK(authkit_response_claims(response) == NULL);
    authkit_response_free(response);
    CHECK_TEXT(authkit_claims_issuer(claims), VECTOR_ISSUER);
    authkit_claims_free(claims);
    free(value);
}

static void the_metadata_are_served_where_clients_look(const authkit_verifier *verifier) {
    const char *const places[] = {"/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"};
    size_t length = 0;
    CHECK_TEXT(authkit_verifier_resource_metadata(verifier, &length), METADATA);
    CHECK(length == strlen(METADATA));
    CHECK_TEXT(authkit_verifier_resource_metadata_url(verifier), METADATA_URL);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        authkit_response *response;
        CHECK_STATUS(
            authkit_verifier_well_known(verifier, "GET", places[i], strlen(places[i]), &response, NULL), AUTHKIT_OK);
        CHECK(authkit_response_status(response) == 200);
        CHECK_TEXT(authkit_response_body(response, NULL), METADATA);
        CHECK_TEXT(header_of(response, "access-control-allow-origin"), "*");
        CHECK(authkit_response_error(response) == NULL);
        authkit_response_free(response);
        CHECK_STATUS(
            authkit_verifier_try_well_known(verifier, "POST", places[i], strlen(places[i]), &response, NULL),
            AUTHKIT_OK);
        CHECK(authkit_response_status(response) == 405);
        authkit_response_free(response);
    }
    const char *const elsewhere[] = {"/mcp", "", "/.well-known/oauth-protected-resource/\xff",
                                     "/.well-known/oauth-authorization-server"};
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++) {
        authkit_response *response = (authkit_response *)&response;
        authkit_error *error = NULL;
        CHECK_REFUSAL(
            authkit_verifier_well_known(verifier, "GET", elsewhere[i], strlen(elsewhere[i]), &response, &error), error,
            AUTHKIT_ABSENT, "well-known");
        CHECK(response == NULL);
    }
}

static void misuse_has_no_response_and_null_has_an_answer(const authkit_verifier *verifier) {
    authkit_response *response = (authkit_response *)&response;
    authkit_error *error = NULL;
    CHECK_REFUSAL(authkit_verifier_authorize(NULL, "x", 1, NULL, 0, NULL, &response, &error), error, AUTHKIT_MISUSE,
                  "verifier");
    CHECK(response == NULL);
    CHECK_REFUSAL(authkit_verifier_authorize(verifier, "x", 1, NULL, 0, NULL, NULL, &error), error, AUTHKIT_MISUSE,
                  "out_response");
    CHECK_REFUSAL(authkit_verifier_authorize(verifier, "x", SIZE_MAX, NULL, 0, NULL, &response, &error), error,
                  AUTHKIT_MISUSE, "nullable_authorization");
    CHECK_REFUSAL(authkit_verifier_try_authorize(verifier, "x", 1, "x", SIZE_MAX, NULL, &response, &error), error,
                  AUTHKIT_MISUSE, "nullable_query");
    CHECK_REFUSAL(authkit_verifier_well_known(NULL, "GET", "/", 1, &response, &error), error, AUTHKIT_MISUSE,
                  "verifier");
    CHECK_REFUSAL(authkit_verifier_well_known(verifier, NULL, "/", 1, &response, &error), error, AUTHKIT_MISUSE,
                  "method");
    CHECK_REFUSAL(authkit_verifier_well_known(verifier, "GET", NULL, 1, &response, &error), error, AUTHKIT_MISUSE,
                  "path");
    CHECK_REFUSAL(authkit_verifier_try_well_known(verifier, "GET", "/", 1, NULL, &error), error, AUTHKIT_MISUSE,
                  "out_response");
    CHECK(authkit_response_status(NULL) == 500);
    CHECK(authkit_response_header_count(NULL) == 0);
    CHECK(authkit_response_header_name_at(NULL, 0) == NULL);
    CHECK(authkit_response_header_value_at(NULL, 0) == NULL);
    size_t length = 1;
    CHECK(authkit_response_body(NULL, &length) == NULL && length == 0);
    CHECK(authkit_response_claims(NULL) == NULL);
    CHECK(authkit_response_take_claims(NULL) == NULL);
    CHECK(authkit_response_error(NULL) == NULL);
    CHECK(authkit_verifier_resource_metadata(NULL, &length) == NULL);
    CHECK(authkit_verifier_resource_metadata_url(NULL) == NULL);
    authkit_response_free(NULL);
    CHECK_STATUS(authkit_verifier_authorize(verifier, "", 0, NULL, 0, NULL, &response, NULL), AUTHKIT_NO_CREDENTIALS);
    CHECK(authkit_response_header_name_at(response, 99) == NULL);
    CHECK(authkit_response_header_value_at(response, SIZE_MAX) == NULL);
    authkit_response_free(response);
}

int main(void) {
    authkit_verifier *verifier = verifier_over(VECTOR_ISSUER, VECTOR_RESOURCE, "RS256", VECTOR_NOW, VECTOR_JWKS);
    shared_cases_are_answered_by_their_verdicts(verifier);
    a_request_is_answered_whole(verifier);
    claims_can_be_kept_longer_than_the_response(verifier);
    the_metadata_are_served_where_clients_look(verifier);
    misuse_has_no_response_and_null_has_an_answer(verifier);
    authkit_verifier_free(verifier);
    return checks_done("decision");
}
