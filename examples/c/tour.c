/* What docs/c.md shows, in one program: verifies the token on standard input in every way there is. Configured by the
 * environment (AUTHKIT_DOMAIN, AUTHKIT_BASE_URL ...); build/test/c/tour in the tests. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authkit.h"

static void front_door(const char *token) {
    /* [readme first] */
    authkit_claims *claims;
    authkit_status status = authkit_verify(token, &claims);
    printf("%s, HTTP %d\n", authkit_status_name(status), authkit_status_http_status(status));
    if (status == AUTHKIT_OK)
        printf("subject: %s\n", authkit_claims_subject(claims));
    authkit_claims_free(claims);
    /* [/readme] */
}

/* [readme configure] */
static authkit_verifier *make_verifier(void) {
    authkit_config *config = NULL;
    authkit_verifier *verifier = NULL;
    authkit_error *error = NULL;
    if (authkit_config_from_environment(&config, &error) != AUTHKIT_OK ||
        authkit_config_set(config, "resource_name", "Notes", &error) != AUTHKIT_OK ||
        authkit_config_set(config, "scopes_supported", "openid,profile", &error) != AUTHKIT_OK ||
        authkit_verifier_new(config, &verifier, &error) != AUTHKIT_OK) {
        fprintf(stderr, "authkit: %s\n", authkit_error_reason(error));
        if (authkit_error_hint(error))
            fprintf(stderr, "hint: %s\n", authkit_error_hint(error));
    }
    authkit_error_free(error);
    authkit_config_free(config);
    return verifier; /* NULL where a setting is missing or wrong */
}
/* [/readme] */

/* [readme refusal] */
static void tell(authkit_status status, const authkit_error *error) {
    printf("%s, HTTP %d: %s\n", authkit_status_name(status), authkit_status_http_status(status),
           authkit_error_reason(error));
    switch (authkit_status_class(status)) {
    case AUTHKIT_CLASS_TOKEN:     /* 401: this token will not do */
    case AUTHKIT_CLASS_FORBIDDEN: /* 403: another one with more scopes would */
        printf("challenge: %s\n", authkit_status_oauth_error(status));
        break;
    case AUTHKIT_CLASS_UNCONFIRMED:      /* 429: the issuer could not be asked about the token's key */
    case AUTHKIT_CLASS_KEYS_UNAVAILABLE: /* 503: says nothing of the token */
        printf("retry after %" PRId64 " s\n", authkit_error_retry_after(error));
        break;
    default: /* a defect of the program, its configuration or the library */
        break;
    }
}
/* [/readme] */

/* [readme claims] */
static void show(const authkit_claims *claims) {
    printf("client: %s\n", authkit_claims_client_id(claims));
    for (size_t i = 0; i < authkit_claims_scope_count(claims); i++)
        printf("scope: %s\n", authkit_claims_scope_at(claims, i));
    for (size_t i = 0; i < authkit_claims_list_count(claims, "roles"); i++)
        printf("role: %s\n", authkit_claims_list_at(claims, "roles", i, NULL));
    if (authkit_claims_org_id(claims)) /* NULL where the token has none */
        printf("organization: %s\n", authkit_claims_org_id(claims));
    int64_t issued_at;
    if (authkit_claims_issued_at(claims, &issued_at) == AUTHKIT_OK)
        printf("issued at: %" PRId64 "\n", issued_at);
    const char *id = authkit_claims_string(claims, "jti", NULL); /* any claim by its name */
    printf("token id: %s\n", id ? id : "none");
}
/* [/readme] */

/* [readme policy] */
static authkit_status may_delete_notes(const authkit_verifier *verifier, const char *token) {
    authkit_policy *policy = authkit_policy_new(); /* or once, at the start, for all calls of this tool */
    authkit_claims *claims = NULL;
    authkit_error *error = NULL;
    authkit_status status = authkit_policy_require_scope(policy, "notes:write", &error);
    if (status == AUTHKIT_OK)
        status = authkit_verifier_verify(verifier, token, strlen(token), policy, &claims, &error);
    if (status != AUTHKIT_OK)
        tell(status, error);
    authkit_claims_free(claims);
    authkit_error_free(error);
    authkit_policy_free(policy);
    return status;
}
/* [/readme] */

/* [readme keys] */
static void use_keys(const authkit_verifier *verifier, const char *jwks) {
    authkit_error *error = NULL;
    if (authkit_verifier_set_jwks(verifier, NULL, jwks, strlen(jwks), &error) != AUTHKIT_OK)
        fprintf(stderr, "authkit: %s\n", authkit_error_reason(error)); /* the keys before stay in force */
    authkit_error_free(error);
}
/* [/readme] */

/* [readme wait] */
/* On the event loop: never waits. `seen` is for the worker. */
static authkit_status try_on_loop(const authkit_verifier *verifier, const char *token, uint64_t *seen,
                                  authkit_claims **claims, authkit_error **error) {
    *seen = authkit_verifier_fetches_ended(verifier); /* before the try, so that no end is missed */
    return authkit_verifier_try_verify(verifier, token, strlen(token), NULL, claims, error);
}

/* On one worker thread, for all requests whose try gave AUTHKIT_WOULD_BLOCK. Then try each of them again,
   even if no fetch has ended within the second. */
static bool wait_on_worker(const authkit_verifier *verifier, uint64_t seen) {
    return authkit_verifier_wait(verifier, seen, 1000) == AUTHKIT_OK;
}
/* [/readme] */

/* Both on one thread here; five tries of a second, as docs/event-loops.md says. */
static authkit_claims *verify_by_trying(const authkit_verifier *verifier, const char *token) {
    authkit_claims *claims = NULL;
    authkit_error *error = NULL;
    uint64_t seen;
    authkit_status status = try_on_loop(verifier, token, &seen, &claims, &error);
    for (int tries = 1; status == AUTHKIT_WOULD_BLOCK && tries < 5; tries++) {
        authkit_error_free(error);
        wait_on_worker(verifier, seen);
        status = try_on_loop(verifier, token, &seen, &claims, &error);
    }
    if (status != AUTHKIT_OK)
        tell(status, error);
    authkit_error_free(error);
    return claims;
}

/* [readme serve] */
struct request {
    const char *method, *path;
    const char *query;         /* as it came, still encoded; NULL for none */
    const char *authorization; /* the header's value; NULL for none */
};

/* Sends what the library has decided, as it is. */
static void respond(const authkit_response *response) {
    size_t length;
    const char *body = authkit_response_body(response, &length);
    printf("HTTP %d\n", authkit_response_status(response)); /* 500 of NULL */
    for (size_t i = 0; i < authkit_response_header_count(response); i++)
        printf("%s: %s\n", authkit_response_header_name_at(response, i), authkit_response_header_value_at(response, i));
    printf("content-length: %zu\n\n%s\n", length, body ? body : "");
}

/* Who may go on: the caller frees the claims. NULL where the request has been answered. */
static authkit_claims *admit(const authkit_verifier *verifier, const struct request *request) {
    const char *authorization = request->authorization, *query = request->query;
    authkit_response *response = NULL;
    authkit_claims *claims = NULL;
    authkit_status status =
        authkit_verifier_well_known(verifier, request->method, request->path, strlen(request->path), &response, NULL);
    if (status == AUTHKIT_ABSENT) /* none of the documents: the request must carry a token */
        status = authkit_verifier_authorize(verifier, authorization, authorization ? strlen(authorization) : 0, query,
                                            query ? strlen(query) : 0, NULL, &response, NULL);
    claims = authkit_response_take_claims(response); /* NULL unless the request may go on */
    if (claims == NULL)
        respond(response);
    const authkit_log_line *line = authkit_response_log_line(response); /* says more than the client is told */
    if (line != NULL)
        fprintf(stderr, "%s\n", authkit_log_line_text(line));
    authkit_response_free(response);
    return claims;
}
/* [/readme] */

static void serve(const authkit_verifier *verifier, const char *token) {
    char header[16 * 1024 + 16];
    snprintf(header, sizeof header, "Bearer %s", token);
    const struct request requests[] = {
        {"GET", "/.well-known/oauth-protected-resource", NULL, NULL},
        {"POST", "/mcp", NULL, NULL},
        {"POST", "/mcp", "session=1", header},
    };
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        authkit_claims *claims = admit(verifier, &requests[i]);
        if (claims != NULL)
            printf("served: %s\n", authkit_claims_subject(claims));
        authkit_claims_free(claims);
    }
}

/* [readme watch] */
static void watch(const authkit_verifier *verifier) {
    for (authkit_event *event; (event = authkit_verifier_next_event(verifier)) != NULL; authkit_event_free(event))
        printf("event %s: %s\n", authkit_event_name(event), authkit_event_json(event, NULL));
    authkit_stats *stats = NULL;
    int64_t accepted, age;
    if (authkit_verifier_stats(verifier, &stats, NULL) == AUTHKIT_OK) {
        if (authkit_stats_number(stats, NULL, "verdicts.OK", &accepted) == AUTHKIT_OK)
            printf("accepted so far: %" PRId64 "\n", accepted);
        if (authkit_stats_number(stats, NULL, "age", &age) == AUTHKIT_OK) /* ABSENT where keys were given */
            printf("keys are %" PRId64 " s old\n", age);
    }
    authkit_stats_free(stats);
}
/* [/readme] */

int main(void) {
    char token[16 * 1024 + 2]; /* longer ones are refused in any case */
    if (fgets(token, sizeof token, stdin) == NULL)
        token[0] = '\0';
    token[strcspn(token, "\r\n")] = '\0';

    front_door(token);
    authkit_verifier *verifier = make_verifier();
    if (verifier == NULL)
        return 2;
    puts(authkit_verifier_describe(verifier, NULL));
    if (getenv("AUTHKIT_JWKS") != NULL)
        use_keys(verifier, getenv("AUTHKIT_JWKS"));
    authkit_claims *claims = verify_by_trying(verifier, token);
    if (claims != NULL)
        show(claims);
    may_delete_notes(verifier, token);
    serve(verifier, token);
    watch(verifier);
    int accepted = claims != NULL;
    authkit_verifier_free(verifier);
    authkit_claims_free(claims); /* independent of the verifier that made them */
    return accepted ? 0 : 1;
}
