// What the C++ layer allocates itself: nothing, but for a copy of a name or setting that is long. Every operator
// new of the program is counted; what the library allocates behind a C call is not one.

#include "authkit.hpp"

#include <cstdio>
#include <cstdlib>
#include <new>

#include "../c/vectors.h"

namespace {

std::size_t allocations = 0;

void *allocate(std::size_t size) noexcept {
    allocations++;
    return std::malloc(size);
}

void *allocate_or_end(std::size_t size) noexcept {
    void *room = allocate(size);
    if (!room) {
        std::abort();
    }
    return room;
}

} // namespace

// All of them but those with an alignment, which nothing here has use for. noinline: gcc looks for pairs.
void *operator new(std::size_t size) { return allocate_or_end(size); }
void *operator new[](std::size_t size) { return allocate_or_end(size); }
void *operator new(std::size_t size, const std::nothrow_t &) noexcept { return allocate(size); }
void *operator new[](std::size_t size, const std::nothrow_t &) noexcept { return allocate(size); }
[[gnu::noinline]] void operator delete(void *room) noexcept { std::free(room); }
[[gnu::noinline]] void operator delete[](void *room) noexcept { std::free(room); }
[[gnu::noinline]] void operator delete(void *room, std::size_t) noexcept { std::free(room); }
[[gnu::noinline]] void operator delete[](void *room, std::size_t) noexcept { std::free(room); }

namespace {

int failed = 0;

void check(bool holds, const char *text, int line) {
    if (!holds) {
        std::fprintf(stderr, "allocations.cpp:%d: does not hold: %s\n", line, text);
        failed++;
    }
}
#define CHECK(condition) check((condition), #condition, __LINE__)

template <class F>
std::size_t allocations_of(F &&act) {
    const std::size_t before = allocations;
    act();
    return allocations - before;
}
#define CHECK_ALLOCATES(count, ...) CHECK(allocations_of([&] { __VA_ARGS__; }) == (count))

constexpr std::string_view good(VECTORS[0].token, VECTORS[0].length);
constexpr std::string_view expired(VECTORS[3].token, VECTORS[3].length);
std::size_t seen = 0; // so that nothing that is read is optimised away

authkit::Verifier configured() {
    authkit::Config config;
    CHECK(config.set("authkit_domain", VECTOR_ISSUER).has_value());
    CHECK(config.set("resource", VECTOR_RESOURCE).has_value());
    CHECK(config.set("now", VECTOR_NOW).has_value());
    authkit::Verifier verifier = authkit::Verifier::create(config).value();
    CHECK(verifier.set_jwks(VECTOR_JWKS).has_value());
    return verifier;
}

void read_all(const authkit::Claims &claims) {
    seen += claims.subject().size() + claims.issuer().size() + claims.client_id().size() + claims.json().size();
    seen += claims.header_json().size() + claims.algorithm().size() + claims.identity_json().size();
    seen += claims.org_id().value_or("").size() + claims.string("sid").value_or("").size();
    seen += claims.value_json("aud").value_or("").size() + claims.has_scope("profile");
    seen += static_cast<std::size_t>(claims.expires_at() + claims.integer("iat").value_or(0));
    seen += claims.number("exp").has_value() + claims.boolean("email_verified").has_value();
    for (const std::string_view scope : claims.scopes()) {
        seen += scope.size();
    }
    for (const std::string_view audience : claims.audience()) {
        seen += audience.size();
    }
    for (const std::string_view role : claims.roles()) {
        seen += role.size();
    }
}

void decide(const authkit::Verifier &verifier, std::string_view authorization, const authkit::Policy &policy) {
    const authkit::Decision decision = verifier.authorize(authorization, "a=1", policy);
    seen += static_cast<std::size_t>(decision.response.status()) + decision.response.body().size();
    for (const auto &[name, value] : decision.response.headers()) {
        seen += name.size() + value.size();
    }
}

void a_verdict_allocates_nothing(const authkit::Verifier &verifier, const authkit::Policy &policy) {
    char header[2048];
    std::snprintf(header, sizeof header, "Bearer %.*s", static_cast<int>(good.size()), good.data());
    for (int round = 0; round < 3; round++) { // verified, kept, recalled
        CHECK_ALLOCATES(0, read_all(*verifier.verify(good)));
        CHECK_ALLOCATES(0, seen += verifier.try_verify(good, policy).has_value());
        CHECK_ALLOCATES(0, decide(verifier, header, policy));
        CHECK_ALLOCATES(0, seen += verifier.recall(good) + verifier.recall_request(header, std::nullopt, policy));
    }
    CHECK(verifier.recall(good) != 0);
    CHECK_ALLOCATES(0, seen += verifier.well_known("GET", "/.well-known/oauth-protected-resource")->body().size());
}

void a_refusal_allocates_nothing(const authkit::Verifier &verifier, const authkit::Policy &policy) {
    CHECK_ALLOCATES(0, {
        const auto refused = verifier.verify(expired);
        const authkit::Error copy = refused.error();
        seen += copy.reason().size() + copy.code().size() + copy.hint().value_or("").size();
        CHECK(copy.status() == AUTHKIT_EXPIRED);
    });
    CHECK_ALLOCATES(0, decide(verifier, "Bearer a", policy));
    CHECK_ALLOCATES(0, seen += verifier.verify(expired).transform([](const auto &) { return 1; }).has_value());
}

void what_is_watched_allocates_nothing(const authkit::Verifier &verifier) {
    CHECK_ALLOCATES(0, seen += verifier.stats()->json().size());
    CHECK_ALLOCATES(0, seen += static_cast<std::size_t>(verifier.stats()->number(VECTOR_ISSUER, "keys").value_or(0)));
    CHECK_ALLOCATES(0, seen += verifier.next_event().has_value());
}

void settings_allocate_only_where_they_are_long() {
    authkit::Config config;
    const std::string_view jwks = VECTOR_JWKS;
    CHECK_ALLOCATES(0, CHECK(config.set("resource_name", jwks.substr(0, 255)).has_value()));
    CHECK_ALLOCATES(1, CHECK(config.set("resource_name", jwks.substr(0, 256)).has_value()));
    CHECK_ALLOCATES(1, CHECK(config.set("jwks", jwks).has_value()));
}

} // namespace

int main() {
    CHECK_ALLOCATES(1, delete new int); // the counter counts
    const authkit::Verifier verifier = configured();
    authkit::Policy policy;
    CHECK_ALLOCATES(0, CHECK(policy.require_scope("profile").has_value()));
    a_verdict_allocates_nothing(verifier, policy);
    a_refusal_allocates_nothing(verifier, policy);
    what_is_watched_allocates_nothing(verifier);
    settings_allocate_only_where_they_are_long();
    return failed == 0 && seen != 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
