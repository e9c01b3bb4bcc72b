// The C++ layer: owners, results and exceptions, over the tokens of the C tests. Also built without exceptions.

#include "authkit.hpp"
#include "authkit.hpp"

#include <cstring>
#include <iostream>
#include <type_traits>

#include "../c/vectors.h"

namespace {

int failed = 0;

void check(bool holds, const char *text, int line) {
    if (!holds) {
        std::cerr << "authkit_hpp.cpp:" << line << ": does not hold: " << text << '\n';
        failed++;
    }
}
#define CHECK(condition) check((condition), #condition, __LINE__)

static_assert(std::is_nothrow_move_constructible_v<authkit::Claims> && !std::is_copy_constructible_v<authkit::Claims>);
static_assert(std::is_nothrow_move_constructible_v<authkit::Verifier> &&
              !std::is_copy_constructible_v<authkit::Verifier>);
static_assert(std::is_nothrow_move_constructible_v<authkit::Config> && !std::is_copy_constructible_v<authkit::Config>);
static_assert(std::is_nothrow_move_constructible_v<authkit::Policy> && !std::is_copy_constructible_v<authkit::Policy>);
static_assert(std::is_nothrow_copy_constructible_v<authkit::Error>);

authkit::Verifier verifier_over(std::string_view algorithm, std::string_view jwks) {
    authkit::Config config;
    CHECK(config.set("authkit_domain", VECTOR_ISSUER).has_value());
    CHECK(config.set("resource", VECTOR_RESOURCE).has_value());
    CHECK(config.set("algorithms", algorithm).has_value());
    CHECK(config.set("now", VECTOR_NOW).has_value());
    CHECK(config.set("jwks", jwks).has_value());
    return authkit::Verifier::create(config).value();
}

void shared_cases_get_their_verdicts(const authkit::Verifier &verifier) {
    for (const struct vector &vector : VECTORS) {
        const std::string_view token(vector.token, vector.length);
        for (const auto &claims : {verifier.verify(token), verifier.try_verify(token)}) {
            CHECK(claims.has_value() == (vector.status == AUTHKIT_OK));
            CHECK(claims ? claims->issuer() == VECTOR_ISSUER : claims.error().status() == vector.status);
        }
    }
}

void claims_are_read_in_their_types(authkit::Claims claims) {
    CHECK(claims.subject() == "user_rich");
    CHECK(claims.client_id() == "client_1");
    CHECK(claims.resource() == std::string_view(VECTOR_RESOURCE));
    CHECK(claims.key_id() == std::string_view("minted-for-the-c-tests"));
    CHECK(claims.algorithm() == "ES256");
    CHECK(claims.expires_at() == 4102444800);
    CHECK(claims.issued_at() == 1759999940);
    CHECK(claims.not_before() == 1759999900);
    CHECK((claims.scopes() == std::vector<std::string_view>{"read", "write"}));
    CHECK((claims.audience() == std::vector<std::string_view>{VECTOR_RESOURCE}));
    CHECK(claims.has_scope("read") && !claims.has_scope("admin"));
    CHECK(!claims.has_scope(std::string_view("read\0x", 6)));
    CHECK(claims.string("org_id") == std::string_view("org_1"));
    CHECK(!claims.string("missing"));
    CHECK(claims.integer("whole") == 7);
    CHECK(claims.number("ratio") == 0.5);
    CHECK(claims.boolean("email_verified") == true && claims.boolean("blocked") == false);
    CHECK(!claims.boolean("org_id"));
    CHECK((claims.list("roles") == std::vector<std::string_view>{"admin", "m\xc3\xa9mber"}));
    CHECK(claims.list("mixed").empty());
    CHECK(claims.value_json("act") == std::string_view(R"({"sub":"agent_1","act":{"sub":"agent_0"}})"));
    CHECK(claims.json().front() == '{' && claims.json().back() == '}');
    CHECK(claims.header_json() == R"({"alg":"ES256","kid":"minted-for-the-c-tests"})");

    CHECK(claims.org_id() == std::string_view("org_1") && claims.session_id() == std::string_view("session_1"));
    CHECK(!claims.role() && claims.roles() == claims.list("roles"));
    CHECK(claims.permissions().empty() && claims.entitlements().empty() && claims.feature_flags().empty());
    CHECK(claims.actor() == std::string_view("agent_1") && claims.is_impersonated());
    CHECK(claims.kind() == AUTHKIT_KIND_USER && !claims.is_machine() && claims.family() == AUTHKIT_FAMILY_CONNECT);
    CHECK(claims.identity_json().front() == '{');

    const authkit::Claims moved = std::move(claims);
    CHECK(moved.subject() == "user_rich");
    CHECK(claims.subject().empty() && claims.expires_at() == 0 && !claims.has_scope("read")); // NOLINT: on purpose
}

void policies_demand_scopes(const authkit::Verifier &verifier) {
    authkit::Policy policy;
    CHECK(policy.require_scope("profile").has_value());
    CHECK(!policy.require_scope("two scopes").has_value());
    CHECK(!policy.require_scope(std::string_view("a\0b", 3)).has_value());
    const std::string_view scoped(VECTORS[0].token, VECTORS[0].length), scopeless(VECTORS[2].token, VECTORS[2].length);
    CHECK(verifier.verify(scoped, policy).has_value());
    const auto refused = verifier.verify(scopeless, policy);
    CHECK(!refused && refused.error().status() == AUTHKIT_SCOPE && refused.error().http_status() == 403);
    CHECK(refused.error().oauth_error() == std::string_view("insufficient_scope"));
    authkit::Policy any;
    CHECK(any.require_any_scope("admin profile").has_value() && !any.require_any_scope("").has_value());
    CHECK(!any.require_any_scope(std::string_view("a\0b", 3)).has_value());
    CHECK(verifier.verify(scoped, any).has_value());
    CHECK(verifier.verify(scopeless, any).error().reason().find("admin profile") != std::string_view::npos);
    CHECK(policy.set_now(1900000000).has_value());
    CHECK(verifier.try_verify(scoped, policy).error().code() == "EXPIRED");
}

void errors_say_what_to_do() {
    authkit::Config config;
    CHECK(config.set("authkit_domain", "your-project.authkit.app").has_value());
    CHECK(config.set("base_url", "https://your-server.example").has_value());
    const auto verifier = authkit::Verifier::create(config);
    CHECK(!verifier);
    const authkit::Error error = verifier.error(); // a copy
    CHECK(error.status() == AUTHKIT_CONFIG && error.http_status() == 500);
    CHECK(error.hint() == std::string_view("set it to https://your-project.authkit.app"));
    CHECK(error.reason() == error.what() && !error.reason().empty());
    CHECK(!error.retry_after() && !error.oauth_error());
    CHECK(authkit::Config::from_json("{").error().status() == AUTHKIT_CONFIG);
    CHECK(authkit::Config::from_json({}).error().status() == AUTHKIT_CONFIG);
    CHECK(config.set("nonsense", "1").error().status() == AUTHKIT_CONFIG);
    CHECK(config.set("resource", std::string_view("https://a\0b", 11)).error().status() == AUTHKIT_MISUSE);
}

void requests_are_decided_and_answered(const authkit::VerifierRef &verifier) {
    const std::string good = "Bearer " + std::string(VECTORS[0].token, VECTORS[0].length);
    const auto allowed = verifier.authorize(good);
    CHECK(allowed && allowed.claims->issuer() == VECTOR_ISSUER && allowed.response.status() == 200);
    CHECK(verifier.try_authorize(good).claims.has_value());
    CHECK(verifier.authorize(good, "access_token=x").claims.error().status() == AUTHKIT_INVALID_REQUEST);
    authkit::Policy policy;
    CHECK(policy.require_scope("admin").has_value());
    CHECK(verifier.authorize(good, std::nullopt, policy).response.status() == 403);
    const auto refused = verifier.authorize(std::nullopt);
    CHECK(!refused && refused.response.status() == 401 && refused.response.headers().size() == 4);
    CHECK(refused.response.headers()[0].first == "www-authenticate" && !refused.response.body().empty());
    CHECK(verifier.well_known("GET", "/.well-known/oauth-protected-resource")->status() == 200);
    CHECK(!verifier.well_known("GET", "/mcp"));
    CHECK(verifier.resource_metadata_url().has_value());
}

void what_was_moved_from_is_refused(authkit::Verifier verifier) {
    const authkit::Verifier moved = std::move(verifier);
    CHECK(moved.resource() == std::string_view(VECTOR_RESOURCE));
    CHECK(moved.describe().find("resource indicator: " VECTOR_RESOURCE "\n") == 0);
    CHECK(authkit::Config::from_env_file("/nonexistent").error().status() == AUTHKIT_CONFIG);
    CHECK(moved.set_jwks(VECTOR_JWKS).has_value());
    CHECK(moved.set_jwks(VECTOR_ISSUER, VECTOR_JWKS).has_value());
    CHECK(!moved.set_jwks(std::string_view("a\0b", 3), VECTOR_JWKS).has_value());
    CHECK(moved.refresh().has_value());                             // given keys are not fetched
    CHECK(verifier.verify("a").error().status() == AUTHKIT_MISUSE); // NOLINT: on purpose
    CHECK(moved.verify({}).error().status() == AUTHKIT_MALFORMED);
}

void the_default_verifier_serves_the_front_door() {
    CHECK(authkit::verify("a").error().status() == AUTHKIT_CONFIG); // the environment says nothing
    CHECK(!authkit::Verifier::create(authkit::Config::from_environment().value()));
    CHECK(authkit::set_default(verifier_over("RS256", VECTOR_JWKS)).has_value());
    CHECK(!authkit::set_default(verifier_over("RS256", VECTOR_JWKS)).has_value());
    CHECK(authkit::verify({VECTORS[0].token, VECTORS[0].length})->issuer() == VECTOR_ISSUER);
    CHECK(authkit::default_verifier()->resource() == std::string_view(VECTOR_RESOURCE));
}

#if defined(__cpp_exceptions)
void the_value_of_a_failure_throws_the_error(const authkit::Verifier &verifier) {
    bool caught = false;
    try {
        (void)verifier.verify("not a token").value();
    } catch (const std::exception &error) {
        caught =
            dynamic_cast<const authkit::Error &>(error).status() == AUTHKIT_MALFORMED && std::strlen(error.what()) > 0;
    }
    CHECK(caught);
    caught = false;
    try {
        (void)verifier.verify("not a token")->subject();
    } catch (const authkit::Error &error) {
        caught = error.http_status() == 401;
    }
    CHECK(caught);
}
#endif

} // namespace

int main() {
    const authkit::Verifier verifier = verifier_over("RS256", VECTOR_JWKS);
    shared_cases_get_their_verdicts(verifier);
    claims_are_read_in_their_types(verifier_over("ES256", MINTED_JWKS).verify(MINTED_RICH).value());
    policies_demand_scopes(verifier);
    errors_say_what_to_do();
    requests_are_decided_and_answered(authkit::VerifierRef(verifier.handle()));
    what_was_moved_from_is_refused(verifier_over("RS256", VECTOR_JWKS));
    the_default_verifier_serves_the_front_door();
#if defined(__cpp_exceptions)
    the_value_of_a_failure_throws_the_error(verifier);
#endif
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
