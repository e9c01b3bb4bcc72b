/* Places: which paths demand which scopes, and which are open to all. */

#include <stdbool.h>

#include "check.h"

static authkit_access *access_of(const char *json) {
    authkit_access *access = NULL;
    authkit_error *error = NULL;
    CHECK_STATUS(authkit_access_from_json(json, strlen(json), &access, &error), AUTHKIT_OK);
    CHECK(error == NULL);
    return access;
}

static char scopes[AUTHKIT_ACCESS_CAPACITY];

static bool is_public(const authkit_access *access, const char *path, const char *decoded, const char *root) {
    bool open = true;
    authkit_error *error = (authkit_error *)&error; /* must be overwritten */
    authkit_status status = authkit_access_judge(access, path, path ? strlen(path) : 0, decoded,
                                                 decoded ? strlen(decoded) : 0, root, root ? strlen(root) : 0, scopes,
                                                 sizeof scopes, &open, &error);
    CHECK_STATUS(status, AUTHKIT_OK);
    CHECK(error == NULL);
    return open;
}

static void a_path_is_judged_in_every_spelling(void) {
    authkit_access *access =
        access_of("{\"public\": [\"/health\"], \"required_scopes\": {\"/admin\": [\"a\", \"b\"], \"/files\": [\"c\"]}}");
    CHECK(is_public(access, "/health", NULL, NULL));
    CHECK_TEXT(scopes, "");
    CHECK(is_public(access, "/api/health?x", "/api/health", "/api"));
    CHECK(!is_public(access, "/api/health", NULL, NULL));
    CHECK(!is_public(access, "/health", "/health\n", NULL));
    CHECK_TEXT(scopes, "a b c");
    CHECK(!is_public(access, "/api/Admin/x", NULL, NULL));
    CHECK_TEXT(scopes, "a b");
    CHECK(!is_public(access, NULL, "/files/admin", NULL));
    CHECK_TEXT(scopes, "a b c");
    CHECK(!is_public(access, NULL, NULL, NULL));
    CHECK_TEXT(scopes, "a b c");
    CHECK(!is_public(access, "/mcp", NULL, NULL));
    CHECK_TEXT(scopes, "");
    authkit_access_free(access);
}

static void what_fails_demands_what_no_token_has(void) {
    authkit_access *access = access_of("{\"public\": [\"/*\"]}");
    authkit_error *error = NULL;
    bool open = true;
    strcpy(scopes, "old");
    CHECK_REFUSAL(authkit_access_judge(NULL, "/", 1, NULL, 0, NULL, 0, scopes, sizeof scopes, &open, &error), error,
                  AUTHKIT_MISUSE, "access");
    CHECK(!open);
    CHECK_TEXT(scopes, "\\");
    authkit_policy *policy = authkit_policy_new();
    CHECK_STATUS(authkit_policy_require_scope(policy, scopes, NULL), AUTHKIT_MISUSE);
    authkit_policy_free(policy);
    open = true;
    strcpy(scopes, "old");
    CHECK_REFUSAL(authkit_access_judge(access, "/", 1, NULL, 0, NULL, 0, scopes, 2, &open, &error), error,
                  AUTHKIT_MISUSE, "8192");
    CHECK(!open);
    CHECK_TEXT(scopes, "\\");
    CHECK_REFUSAL(authkit_access_judge(access, "/", 1, NULL, 0, NULL, 0, NULL, sizeof scopes, &open, &error), error,
                  AUTHKIT_MISUSE, "scopes");
    CHECK_REFUSAL(authkit_access_judge(access, "/", 1, NULL, 0, NULL, 0, scopes, sizeof scopes, NULL, &error), error,
                  AUTHKIT_MISUSE, "out_public");
    CHECK_TEXT(scopes, "\\");
    CHECK_REFUSAL(authkit_access_judge(access, "/", (size_t)-1, NULL, 0, NULL, 0, scopes, sizeof scopes, &open, &error),
                  error, AUTHKIT_MISUSE, "nullable_path");
    CHECK(!open);
    CHECK_STATUS(authkit_access_judge(access, "/", 1, NULL, 0, NULL, 0, scopes, sizeof scopes, &open, NULL), AUTHKIT_OK);
    CHECK(open);
    authkit_access_free(access);
}

static void what_could_never_hold_is_refused(void) {
    authkit_access *access = (authkit_access *)&access; /* must be overwritten */
    authkit_error *error = NULL;
    const char *contradiction = "{\"public\": [\"/mcp\"], \"required_scopes\": {\"/mcp\": [\"x\"]}}";
    CHECK_REFUSAL(authkit_access_from_json(contradiction, strlen(contradiction), &access, &error), error,
                  AUTHKIT_CONFIG, "always wins");
    CHECK(access == NULL);
    CHECK_REFUSAL(authkit_access_from_json(NULL, 0, &access, &error), error, AUTHKIT_MISUSE, "json");
    CHECK_REFUSAL(authkit_access_from_json("\xff", 1, &access, &error), error, AUTHKIT_MISUSE, "UTF-8");
    CHECK_REFUSAL(authkit_access_from_json("{}", 2, NULL, &error), error, AUTHKIT_MISUSE, "out_access");
    authkit_access_free(NULL);
}

int main(void) {
    a_path_is_judged_in_every_spelling();
    what_fails_demands_what_no_token_has();
    what_could_never_hold_is_refused();
    return checks_done("access");
}
