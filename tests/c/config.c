/* Configuration: settings by name and as JSON, and what refuses to become a verifier. */

#define _XOPEN_SOURCE 700 /* setrlimit */

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "vectors.h"

#define DOMAIN "https://your-project-12345.authkit.app"
#define BASE "https://your-server.example"

/* Every setting with a value that fits. */
static const char *const SETTINGS[][2] = {
    {"authkit_domain", DOMAIN},
    {"base_url", BASE},
    {"mcp_path", "/mcp"},
    {"resource", BASE "/mcp"},
    {"resource_name", "My server"},
    {"resource_documentation", BASE "/docs"},
    {"audiences", "https://a.example, https://b.example"},
    {"accept_client_id_audience", "client_1 client_2"},
    {"ignore_trailing_slash", "true"},
    {"required_scopes", "[\"openid\", \"profile\"]"},
    {"scopes_supported", "openid profile email"},
    {"scope_claims", "permissions"},
    {"scope_hierarchy", "{\"admin\": [\"read\"]}"},
    {"issuers", "{\"https://api.workos.com\": \"https://api.workos.com/sso/jwks/client_1\"}"},
    {"session_client_id", "client_1"},
    {"algorithms", "RS256 ES256"},
    {"leeway", "300"},
    {"max_token_age", "3600"},
    {"typ", "rfc9068"},
    {"now", VECTOR_NOW},
    {"jwks", "{\"keys\": []}"},
    {"allow_insecure_loopback", "false"},
    {"allow_insecure_http", "host.docker.internal, jwks"},
    {"ca_file", "/etc/ssl/certs/ca-certificates.crt"},
    {"extra_ca_file", "/etc/ssl/certs/extra.pem"},
    {"proxy", "http://proxy.example:3128"},
    {"fetch_timeout", "10"},
    {"refresh_mode", "inline"},
    {"jwks_cache_dir", "/var/cache/app/authkit"},
    {"token_cache_size", "4096"},
};

static void every_documented_setting_can_be_set(void) {
    authkit_config *config = authkit_config_new();
    authkit_error *error = NULL;
    CHECK(config != NULL);
    for (size_t i = 0; i < sizeof SETTINGS / sizeof *SETTINGS; i++) {
        CHECK_STATUS(authkit_config_set(config, SETTINGS[i][0], SETTINGS[i][1], &error), AUTHKIT_OK);
        CHECK(error == NULL);
    }
    authkit_config_free(config);
}

static void a_wrong_name_or_form_is_named(void) {
    authkit_config *config = authkit_config_new();
    authkit_error *error = NULL;
    CHECK_REFUSAL(authkit_config_set(config, "authkit_domian", DOMAIN, &error), error, AUTHKIT_CONFIG,
                  "authkit_domian");
    CHECK_REFUSAL(authkit_config_set(config, "leeway", "a minute", &error), error, AUTHKIT_CONFIG, "leeway");
    CHECK_REFUSAL(authkit_config_set(config, "ignore_trailing_slash", "perhaps", &error), error, AUTHKIT_CONFIG,
                  "ignore_trailing_slash");
    authkit_config_free(config);
}

static void settings_that_do_not_fit_together_make_no_verifier(void) {
    authkit_config *config = authkit_config_new();
    authkit_verifier *verifier = (authkit_verifier *)&verifier;
    authkit_error *error = NULL;
    CHECK_REFUSAL(authkit_verifier_new(config, &verifier, &error), error, AUTHKIT_CONFIG, "authkit_domain");
    CHECK(verifier == NULL);

    CHECK_STATUS(authkit_config_set(config, "authkit_domain", "your-project-12345.authkit.app", NULL), AUTHKIT_OK);
    CHECK_STATUS(authkit_config_set(config, "base_url", BASE, NULL), AUTHKIT_OK);
    CHECK_STATUS(authkit_verifier_new(config, &verifier, &error), AUTHKIT_CONFIG);
    CHECK_TEXT(authkit_error_hint(error), "set it to " DOMAIN);
    authkit_error_free(error);

    CHECK_STATUS(authkit_config_set(config, "authkit_domain", DOMAIN "/", NULL), AUTHKIT_OK);
    CHECK_STATUS(authkit_config_set(config, "leeway", "301", NULL), AUTHKIT_OK);
    CHECK_REFUSAL(authkit_verifier_new(config, &verifier, &error), error, AUTHKIT_CONFIG, "leeway");
    CHECK_STATUS(authkit_config_set(config, "leeway", "300", NULL), AUTHKIT_OK);
    CHECK_STATUS(authkit_verifier_new(config, &verifier, &error), AUTHKIT_OK);
    CHECK_TEXT(authkit_verifier_resource(verifier), BASE "/mcp");

    /* The configuration is still the caller's, to change and use again. */
    authkit_verifier *second = NULL;
    CHECK_STATUS(authkit_config_set(config, "mcp_path", "/other", NULL), AUTHKIT_OK);
    CHECK_STATUS(authkit_verifier_new(config, &second, NULL), AUTHKIT_OK);
    authkit_config_free(config);
    CHECK_TEXT(authkit_verifier_resource(second), BASE "/other");
    CHECK_TEXT(authkit_verifier_resource(verifier), BASE "/mcp");
    authkit_verifier_free(second);
    authkit_verifier_free(verifier);
}

static void json_takes_the_same_names(void) {
    const char json[] = "{\"authkit_domain\": \"" DOMAIN "\", \"base_url\": \"" BASE "\", \"leeway\": 5}trailing";
    authkit_config *config = NULL;
    authkit_verifier *verifier = NULL;
    authkit_error *error = NULL;
    size_t object = (size_t)(strchr(json, '}') - json) + 1;
    CHECK_STATUS(authkit_config_from_json(json, object, &config, &error), AUTHKIT_OK);
    CHECK_STATUS(authkit_verifier_new(config, &verifier, &error), AUTHKIT_OK);
    authkit_verifier_free(verifier);
    authkit_config_free(config);
    CHECK_REFUSAL(authkit_config_from_json(json, strlen(json), &config, &error), error, AUTHKIT_CONFIG, "not valid JSON");
    CHECK(config == NULL);
    CHECK_REFUSAL(authkit_config_from_json("{\"audience\": 1}", 15, &config, &error), error, AUTHKIT_CONFIG,
                  "audience");
}

/* No descriptor can be had here: neither a file nor a connection is opened where no ca_file is set. */
static void making_a_verifier_opens_nothing(void) {
    struct rlimit usual, none;
    authkit_config *config = authkit_config_new();
    authkit_verifier *verifier = NULL;
    CHECK_STATUS(authkit_config_set(config, "authkit_domain", DOMAIN, NULL), AUTHKIT_OK);
    CHECK_STATUS(authkit_config_set(config, "base_url", BASE, NULL), AUTHKIT_OK);
    CHECK(getrlimit(RLIMIT_NOFILE, &usual) == 0);
    none = usual;
    none.rlim_cur = 0;
    CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
    CHECK_STATUS(authkit_verifier_new(config, &verifier, NULL), AUTHKIT_OK);
    CHECK(setrlimit(RLIMIT_NOFILE, &usual) == 0);
    authkit_verifier_free(verifier);
    authkit_config_free(config);
}

static void a_ca_file_that_is_not_there_is_refused_when_the_verifier_is_made(void) {
    authkit_config *config = authkit_config_new();
    authkit_verifier *verifier = NULL;
    authkit_error *error = NULL;
    CHECK_STATUS(authkit_config_set(config, "authkit_domain", DOMAIN, NULL), AUTHKIT_OK);
    CHECK_STATUS(authkit_config_set(config, "base_url", BASE, NULL), AUTHKIT_OK);
    CHECK_STATUS(authkit_config_set(config, "ca_file", "/nonexistent/ca.pem", NULL), AUTHKIT_OK);
    CHECK_REFUSAL(authkit_verifier_new(config, &verifier, &error), error, AUTHKIT_CONFIG, "/nonexistent/ca.pem");
    CHECK(verifier == NULL);
    authkit_config_free(config);
}

static void the_fetch_timeout_is_told_to_hosts_that_wait_themselves(void) {
    authkit_config *config = authkit_config_new();
    authkit_verifier *verifier = NULL;
    authkit_error *error = NULL;
    CHECK_STATUS(authkit_config_set(config, "authkit_domain", DOMAIN, NULL), AUTHKIT_OK);
    CHECK_STATUS(authkit_config_set(config, "base_url", BASE, NULL), AUTHKIT_OK);
    CHECK_STATUS(authkit_verifier_new(config, &verifier, NULL), AUTHKIT_OK);
    CHECK(authkit_verifier_fetch_timeout(verifier) == 5);
    CHECK(authkit_verifier_fetch_timeout(NULL) == 0);
    authkit_verifier_free(verifier);
    verifier = NULL;
    CHECK_STATUS(authkit_config_set(config, "fetch_timeout", "30", NULL), AUTHKIT_OK);
    CHECK_STATUS(authkit_verifier_new(config, &verifier, NULL), AUTHKIT_OK);
    CHECK(authkit_verifier_fetch_timeout(verifier) == 30);
    authkit_verifier_free(verifier);
    verifier = NULL;
    CHECK_STATUS(authkit_config_set(config, "fetch_timeout", "31", NULL), AUTHKIT_OK);
    CHECK_REFUSAL(authkit_verifier_new(config, &verifier, &error), error, AUTHKIT_CONFIG, "fetch_timeout");
    authkit_config_free(config);
}

/* The verifier without keys at hand: nothing answers at this address, by construction. */
static void keys_that_cannot_be_had_are_told_from_a_bad_token(void) {
    authkit_config *config = authkit_config_new();
    authkit_verifier *verifier = NULL;
    authkit_claims *claims = NULL;
    authkit_error *error = NULL;
    const char issuers[] = "{\"" VECTOR_ISSUER "\": \"http://127.0.0.1:1/jwks\"}";
    CHECK_STATUS(authkit_config_set(config, "issuers", issuers, NULL), AUTHKIT_OK);
    CHECK_STATUS(authkit_config_set(config, "allow_insecure_loopback", "true", NULL), AUTHKIT_OK);
    CHECK_STATUS(authkit_config_set(config, "resource", VECTOR_RESOURCE, NULL), AUTHKIT_OK);
    CHECK_STATUS(authkit_config_set(config, "now", VECTOR_NOW, NULL), AUTHKIT_OK);
    CHECK_STATUS(authkit_verifier_new(config, &verifier, &error), AUTHKIT_OK);
    authkit_config_free(config);

    const struct vector *good = &VECTORS[0];
    CHECK_STATUS(authkit_verifier_try_verify(verifier, good->token, good->length, NULL, &claims, NULL),
                 AUTHKIT_WOULD_BLOCK);
    CHECK(claims == NULL);
    CHECK_STATUS(authkit_verifier_verify(verifier, good->token, good->length, NULL, &claims, &error),
                 AUTHKIT_KEYS_UNAVAILABLE);
    CHECK(claims == NULL);
    CHECK(authkit_error_retry_after(error) >= 0);
    authkit_error_free(error);
    CHECK_REFUSAL(authkit_verifier_refresh(verifier, &error), error, AUTHKIT_KEYS_UNAVAILABLE, "");

    /* Given keys end the trouble. */
    CHECK_STATUS(authkit_verifier_set_jwks(verifier, VECTOR_ISSUER, VECTOR_JWKS, strlen(VECTOR_JWKS), &error),
                 AUTHKIT_OK);
    CHECK_STATUS(authkit_verifier_verify(verifier, good->token, good->length, NULL, &claims, NULL), AUTHKIT_OK);
    authkit_claims_free(claims);
    CHECK_STATUS(authkit_verifier_try_verify(verifier, good->token, good->length, NULL, &claims, NULL), AUTHKIT_OK);
    authkit_claims_free(claims);

    /* A refresh that fails leaves them in use. */
    CHECK_STATUS(authkit_verifier_refresh(verifier, NULL), AUTHKIT_KEYS_UNAVAILABLE);
    CHECK_STATUS(authkit_verifier_verify(verifier, good->token, good->length, NULL, &claims, NULL), AUTHKIT_OK);
    authkit_claims_free(claims);
    authkit_verifier_free(verifier);
}

static void an_env_file_configures_and_what_is_in_force_is_described(void) {
    char path[] = "/tmp/authkit-env-XXXXXX";
    const char text[] = "FASTMCP_SERVER_AUTH=fastmcp.server.auth.providers.workos.AuthKitProvider\n"
                        "FASTMCP_SERVER_AUTH_AUTHKITPROVIDER_AUTHKIT_DOMAIN=" DOMAIN "\n"
                        "FASTMCP_SERVER_AUTH_AUTHKITPROVIDER_BASE_URL=" BASE "\n"
                        "FASTMCP_SERVER_AUTH_AUTHKITPROVIDER_REQUIRED_SCOPES=[\"openid\", \"mcp:use\"]\n"
                        "AUTHKIT_PROXY=http://user:hunter2@proxy.example:3128\n";
    authkit_config *config = NULL;
    authkit_verifier *verifier = NULL;
    authkit_error *error = NULL;
    int file = mkstemp(path);
    CHECK(file >= 0 && write(file, text, sizeof text - 1) == (ssize_t)(sizeof text - 1));
    CHECK_STATUS(authkit_config_from_env_file(path, &config, &error), AUTHKIT_OK);
    CHECK_STATUS(authkit_verifier_new(config, &verifier, &error), AUTHKIT_OK);
    authkit_config_free(config);
    size_t length = 0;
    const char *description = authkit_verifier_describe(verifier, &length);
    const char first[] = "resource indicator: " BASE "/mcp\n";
    CHECK(description != NULL && strlen(description) == length);
    CHECK(strncmp(description, first, sizeof first - 1) == 0);
    CHECK(strstr(description, "required_scopes: [\"openid\",\"mcp:use\"]") != NULL);
    CHECK(strstr(description, "hunter2") == NULL);
    CHECK(description == authkit_verifier_describe(verifier, NULL)); /* borrowed, not made anew */
    authkit_verifier_free(verifier);

    /* The same file, which nobody named: no line of ours counts, and the description says so. */
    CHECK_STATUS(authkit_config_from_implicit_env_file(path, &config, &error), AUTHKIT_OK);
    CHECK_STATUS(authkit_verifier_new(config, &verifier, &error), AUTHKIT_OK);
    authkit_config_free(config);
    description = authkit_verifier_describe(verifier, NULL);
    CHECK(strstr(description, "proxy: null") != NULL);
    CHECK(strstr(description, "sets AUTHKIT_PROXY without effect") != NULL);
    authkit_verifier_free(verifier);
    CHECK(fchmod(file, 0666) == 0);
    CHECK_REFUSAL(authkit_config_from_implicit_env_file(path, &config, &error), error, AUTHKIT_CONFIG,
                  "every user can write to it");
    CHECK(config == NULL);

    /* Half of it is refused, by the guide's names. */
    CHECK(ftruncate(file, 0) == 0 && pwrite(file, "FASTMCP_SERVER_AUTH=AuthKitProvider\n", 36, 0) == 36);
    CHECK_STATUS(authkit_config_from_env_file(path, &config, &error), AUTHKIT_OK);
    CHECK_REFUSAL(authkit_verifier_new(config, &verifier, &error), error, AUTHKIT_CONFIG,
                  "FASTMCP_SERVER_AUTH_AUTHKITPROVIDER_BASE_URL");
    authkit_config_free(config);
    close(file);
    unlink(path);
    CHECK_REFUSAL(authkit_config_from_env_file(path, &config, &error), error, AUTHKIT_CONFIG, path);
    CHECK_STATUS(authkit_config_from_implicit_env_file(path, &config, &error), AUTHKIT_OK);
    authkit_config_free(config);
    config = NULL;
    CHECK(config == NULL);
}

int main(void) {
    an_env_file_configures_and_what_is_in_force_is_described();
    every_documented_setting_can_be_set();
    a_wrong_name_or_form_is_named();
    settings_that_do_not_fit_together_make_no_verifier();
    json_takes_the_same_names();
    making_a_verifier_opens_nothing();
    a_ca_file_that_is_not_there_is_refused_when_the_verifier_is_made();
    the_fetch_timeout_is_told_to_hosts_that_wait_themselves();
    keys_that_cannot_be_had_are_told_from_a_bad_token();
    return checks_done("config");
}
