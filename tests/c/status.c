/* Version and status: the numbers of the header and what they mean to an HTTP server. */

#include "check.h"

struct expectation {
    authkit_status status;
    int32_t number;
    const char *name;
    int32_t http_status;
    const char *oauth_error;
    authkit_class class_;
};

/* The numbers are spelled out: a program compiled against an older header depends on them. */
static const struct expectation EXPECTED[] = {
    {AUTHKIT_OK, 0x000, "OK", 200, NULL, AUTHKIT_CLASS_OK},
    {AUTHKIT_MISUSE, 0x001, "MISUSE", 500, NULL, AUTHKIT_CLASS_MISUSE},
    {AUTHKIT_CONFIG, 0x002, "CONFIG", 500, NULL, AUTHKIT_CLASS_CONFIG},
    {AUTHKIT_MALFORMED, 0x103, "MALFORMED", 401, "invalid_token", AUTHKIT_CLASS_TOKEN},
    {AUTHKIT_TOO_LARGE, 0x203, "TOO_LARGE", 401, "invalid_token", AUTHKIT_CLASS_TOKEN},
    {AUTHKIT_ALGORITHM, 0x303, "ALGORITHM", 401, "invalid_token", AUTHKIT_CLASS_TOKEN},
    {AUTHKIT_CRITICAL_HEADER, 0x403, "CRITICAL_HEADER", 401, "invalid_token", AUTHKIT_CLASS_TOKEN},
    {AUTHKIT_TYPE, 0x503, "TYPE", 401, "invalid_token", AUTHKIT_CLASS_TOKEN},
    {AUTHKIT_UNKNOWN_KEY, 0x603, "UNKNOWN_KEY", 401, "invalid_token", AUTHKIT_CLASS_TOKEN},
    {AUTHKIT_SIGNATURE, 0x703, "SIGNATURE", 401, "invalid_token", AUTHKIT_CLASS_TOKEN},
    {AUTHKIT_EXPIRED, 0x803, "EXPIRED", 401, "invalid_token", AUTHKIT_CLASS_TOKEN},
    {AUTHKIT_NOT_YET_VALID, 0x903, "NOT_YET_VALID", 401, "invalid_token", AUTHKIT_CLASS_TOKEN},
    {AUTHKIT_CLAIM, 0xa03, "CLAIM", 401, "invalid_token", AUTHKIT_CLASS_TOKEN},
    {AUTHKIT_ISSUER, 0xb03, "ISSUER", 401, "invalid_token", AUTHKIT_CLASS_TOKEN},
    {AUTHKIT_AUDIENCE, 0xc03, "AUDIENCE", 401, "invalid_token", AUTHKIT_CLASS_TOKEN},
    {AUTHKIT_SCOPE, 0x104, "SCOPE", 403, "insufficient_scope", AUTHKIT_CLASS_FORBIDDEN},
    {AUTHKIT_KEYS_UNAVAILABLE, 0x005, "KEYS_UNAVAILABLE", 503, NULL, AUTHKIT_CLASS_KEYS_UNAVAILABLE},
    {AUTHKIT_WOULD_BLOCK, 0x006, "WOULD_BLOCK", 503, NULL, AUTHKIT_CLASS_WOULD_BLOCK},
    {AUTHKIT_ABSENT, 0x007, "ABSENT", 500, NULL, AUTHKIT_CLASS_ABSENT},
    {AUTHKIT_INTERNAL, 0x008, "INTERNAL", 500, NULL, AUTHKIT_CLASS_INTERNAL},
    {AUTHKIT_NO_CREDENTIALS, 0x009, "NO_CREDENTIALS", 401, NULL, AUTHKIT_CLASS_NO_CREDENTIALS},
    {AUTHKIT_KEY_UNCONFIRMED, 0x00b, "KEY_UNCONFIRMED", 429, NULL, AUTHKIT_CLASS_UNCONFIRMED},
    {AUTHKIT_FETCH_NEEDED, 0x106, "FETCH_NEEDED", 503, NULL, AUTHKIT_CLASS_WOULD_BLOCK},
    {AUTHKIT_INVALID_REQUEST, 0x00a, "INVALID_REQUEST", 400, "invalid_request", AUTHKIT_CLASS_REQUEST},
};

static void every_status_keeps_its_number_and_meaning(void) {
    for (size_t i = 0; i < sizeof EXPECTED / sizeof *EXPECTED; i++) {
        const struct expectation *expected = &EXPECTED[i];
        CHECK(expected->status == expected->number);
        CHECK_TEXT(authkit_status_name(expected->status), expected->name);
        CHECK(authkit_status_http_status(expected->status) == expected->http_status);
        CHECK_TEXT(authkit_status_oauth_error(expected->status), expected->oauth_error);
        CHECK(authkit_status_class(expected->status) == expected->class_);
        CHECK((expected->number & 0xff) == expected->class_);
    }
}

static void a_number_that_is_no_status_opens_nothing(void) {
    const int32_t numbers[] = {-1, INT32_MIN, INT32_MAX, 3, 12, 0x100, 0x7fff03};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        CHECK_TEXT(authkit_status_name(numbers[i]), "UNKNOWN");
        CHECK(authkit_status_http_status(numbers[i]) == 500);
        CHECK_TEXT(authkit_status_oauth_error(numbers[i]), NULL);
        CHECK(authkit_status_class(numbers[i]) == AUTHKIT_CLASS_INTERNAL);
    }
}

static void header_and_library_are_of_one_release(void) {
    char release[64];
    snprintf(release, sizeof release, "%d.%d.%d", AUTHKIT_VERSION_MAJOR, AUTHKIT_VERSION_MINOR, AUTHKIT_VERSION_PATCH);
    CHECK_TEXT(authkit_version(), AUTHKIT_VERSION);
    CHECK(strncmp(AUTHKIT_VERSION, release, strlen(release)) == 0);
    CHECK(authkit_abi_version() == AUTHKIT_ABI_VERSION);
}

int main(void) {
    every_status_keeps_its_number_and_meaning();
    a_number_that_is_no_status_opens_nothing();
    header_and_library_are_of_one_release();
    return checks_done("status");
}
