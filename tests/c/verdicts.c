/* Verdicts: shared cases through the C ABI, by `verify` and `try_verify` alike. */

#include "check.h"
#include "vectors.h"

typedef authkit_status (*verify_function)(const authkit_verifier *, const char *, size_t, const authkit_policy *,
                                          authkit_claims **, authkit_error **);

static void judge(verify_function verify, const authkit_verifier *verifier, const struct vector *vector) {
    authkit_claims *claims = (authkit_claims *)&claims; /* must be overwritten */
    authkit_error *error = (authkit_error *)&error;
    authkit_status status = verify(verifier, vector->token, vector->length, NULL, &claims, &error);
    if (status != vector->status) {
        fprintf(stderr, "%s: %s, not %s\n", vector->name, authkit_status_name(status),
                authkit_status_name(vector->status));
        checks_failed++;
    }
    CHECK((claims != NULL) == (status == AUTHKIT_OK));
    CHECK((error == NULL) == (status == AUTHKIT_OK));
    if (error != NULL) {
        CHECK_STATUS(authkit_error_status(error), status);
        CHECK(strlen(authkit_error_reason(error)) > 0);
        CHECK(authkit_error_retry_after(error) == -1);
    } else {
        CHECK_TEXT(authkit_claims_issuer(claims), VECTOR_ISSUER);
        CHECK_TEXT(authkit_claims_resource(claims), VECTOR_RESOURCE);
        CHECK_TEXT(authkit_claims_algorithm(claims), "RS256");
    }
    authkit_claims_free(claims);
    authkit_error_free(error);
}

static void shared_cases_get_their_verdicts(const authkit_verifier *verifier) {
    for (size_t i = 0; i < sizeof VECTORS / sizeof *VECTORS; i++) {
        judge(authkit_verifier_verify, verifier, &VECTORS[i]);
        judge(authkit_verifier_try_verify, verifier, &VECTORS[i]);
    }
}

static authkit_status verdict(const authkit_verifier *verifier, const char *token, size_t length,
                              const authkit_policy *policy) {
    authkit_claims *claims;
    authkit_status status = authkit_verifier_verify(verifier, token, length, policy, &claims, NULL);
    authkit_claims_free(claims);
    return status;
}

/* Row 7 of the rules and its neighbours: the length counts, not a NUL. */
static void the_length_decides_where_a_token_ends(const authkit_verifier *verifier) {
    const struct vector *good = &VECTORS[0];
    char *copy = malloc(good->length + 8);
    memcpy(copy, good->token, good->length);
    memcpy(copy + good->length, "\0AAAAAA", 8);
    CHECK_STATUS(verdict(verifier, copy, good->length, NULL), AUTHKIT_OK);
    CHECK_STATUS(verdict(verifier, copy, good->length + 1, NULL), AUTHKIT_MALFORMED);
    CHECK_STATUS(verdict(verifier, copy, good->length + 8, NULL), AUTHKIT_MALFORMED);
    copy[strcspn(copy, ".")] = '\0';
    CHECK_STATUS(verdict(verifier, copy, good->length, NULL), AUTHKIT_MALFORMED);
    free(copy);

    /* Not a byte is read past the length: nothing follows this block. */
    copy = malloc(good->length);
    memcpy(copy, good->token, good->length);
    CHECK_STATUS(verdict(verifier, copy, good->length, NULL), AUTHKIT_OK);
    free(copy);
}

static void what_is_no_token_is_refused_by_its_form(const authkit_verifier *verifier) {
    char *large = malloc(16 * 1024 + 1);
    memset(large, 'a', 16 * 1024 + 1);
    CHECK_STATUS(verdict(verifier, large, 16 * 1024 + 1, NULL), AUTHKIT_TOO_LARGE);
    memset(large, '.', 16 * 1024);
    CHECK_STATUS(verdict(verifier, large, 16 * 1024, NULL), AUTHKIT_MALFORMED);
    free(large);
    CHECK_STATUS(verdict(verifier, "", 0, NULL), AUTHKIT_MALFORMED);
    CHECK_STATUS(verdict(verifier, "\xff\xfe.\xff.\xff", 7, NULL), AUTHKIT_MALFORMED);
}

static void policies_add_scopes_and_a_time(const authkit_verifier *verifier) {
    const struct vector *scoped = &VECTORS[0]; /* openid profile email */
    const struct vector *scopeless = &VECTORS[2];
    authkit_policy *policy = authkit_policy_new();
    authkit_error *error = NULL;
    CHECK_STATUS(verdict(verifier, scoped->token, scoped->length, policy), AUTHKIT_OK);
    CHECK_STATUS(authkit_policy_require_scope(policy, "profile", &error), AUTHKIT_OK);
    CHECK_STATUS(authkit_policy_require_scope(policy, "email", &error), AUTHKIT_OK);
    CHECK_STATUS(verdict(verifier, scoped->token, scoped->length, policy), AUTHKIT_OK);
    CHECK_STATUS(verdict(verifier, scopeless->token, scopeless->length, policy), AUTHKIT_SCOPE);
    CHECK_STATUS(authkit_policy_require_scope(policy, "mail", NULL), AUTHKIT_OK);
    authkit_claims *claims;
    CHECK_REFUSAL(authkit_verifier_verify(verifier, scoped->token, scoped->length, policy, &claims, &error), error,
                  AUTHKIT_SCOPE, "mail");

    /* Expired comes before scope: a dead token is never 403. */
    CHECK_STATUS(authkit_policy_set_now(policy, 1900000000), AUTHKIT_OK);
    CHECK_STATUS(verdict(verifier, scoped->token, scoped->length, policy), AUTHKIT_EXPIRED);
    CHECK_STATUS(authkit_policy_set_now(policy, INT64_MIN), AUTHKIT_OK);
    CHECK_STATUS(verdict(verifier, scoped->token, scoped->length, policy), AUTHKIT_NOT_YET_VALID);
    authkit_policy_free(policy);
}

static void given_keys_replace_what_was_there(authkit_verifier *verifier) {
    const struct vector *good = &VECTORS[0];
    authkit_error *error = NULL;
    CHECK_REFUSAL(
        authkit_verifier_set_jwks(verifier, "https://other.example", VECTOR_JWKS, strlen(VECTOR_JWKS), &error), error,
        AUTHKIT_CONFIG, "issuer");
    CHECK_REFUSAL(authkit_verifier_set_jwks(verifier, NULL, "{\"keys\":[]}", 11, &error), error, AUTHKIT_CONFIG, "");
    CHECK_STATUS(verdict(verifier, good->token, good->length, NULL), AUTHKIT_OK);
    CHECK_STATUS(authkit_verifier_set_jwks(verifier, NULL, VECTOR_JWKS, strlen(VECTOR_JWKS), &error), AUTHKIT_OK);
    CHECK_STATUS(verdict(verifier, good->token, good->length, NULL), AUTHKIT_OK);
    CHECK_STATUS(authkit_verifier_refresh(verifier, NULL), AUTHKIT_OK); /* configured keys: nothing to fetch */
}

static void a_token_of_another_kind_is_refused(void) {
    authkit_verifier *verifier = verifier_over(VECTOR_ISSUER, VECTOR_RESOURCE, "ES256", VECTOR_NOW, MINTED_JWKS);
    CHECK_STATUS(verdict(verifier, MINTED_DPOP, strlen(MINTED_DPOP), NULL), AUTHKIT_TYPE);
    authkit_verifier_free(verifier);
}

int main(void) {
    authkit_verifier *verifier = verifier_over(VECTOR_ISSUER, VECTOR_RESOURCE, "RS256", VECTOR_NOW, VECTOR_JWKS);
    shared_cases_get_their_verdicts(verifier);
    the_length_decides_where_a_token_ends(verifier);
    what_is_no_token_is_refused_by_its_form(verifier);
    policies_add_scopes_and_a_time(verifier);
    given_keys_replace_what_was_there(verifier);
    authkit_verifier_free(verifier);
    a_token_of_another_kind_is_refused();
    return checks_done("verdicts");
}
