// The C++ layer: owners, results and exceptions, over the tokens of the C tests. Built under every standard from
// C++17 on, and without exceptions and RTTI.

#include "authkit.hpp"
#include "authkit.hpp"

#include <chrono>
#include <cstring>
#include <iostream>
#include <string>
#include <type_traits>
#include <vector>

#include "../c/server.h"
#include "../c/vectors.h"
#include "nothing.hpp"

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
static_assert(std::is_nothrow_move_constructible_v<authkit::Access> && !std::is_copy_constructible_v<authkit::Access>);
static_assert(std::is_nothrow_move_constructible_v<authkit::Stats> && !std::is_copy_constructible_v<authkit::Stats>);
static_assert(std::is_nothrow_move_constructible_v<authkit::Event> && !std::is_copy_constructible_v<authkit::Event>);
static_assert(std::is_nothrow_copy_constructible_v<authkit::Error> && std::is_nothrow_copy_assignable_v<authkit::Error>);
static_assert(std::is_nothrow_move_constructible_v<authkit::Result<authkit::Claims>>);
static_assert(std::is_same_v<authkit::Result<authkit::Claims>::value_type, authkit::Claims>);
#if defined(__cpp_lib_ranges)
static_assert(std::ranges::forward_range<authkit::Texts> && std::ranges::sized_range<authkit::NamedTexts>);
static_assert(std::ranges::forward_range<authkit::Headers>);
#endif
#if __cplusplus > 202002L && !defined(__clang__)
static_assert(__cpp_lib_expected >= 202202L, "the C++23 build is to meet std::expected");
#endif

template <class List>
std::vector<std::string_view> texts(const List &list) {
    return {list.begin(), list.end()};
}
using Texts = std::vector<std::string_view>;

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
    CHECK((texts(claims.scopes()) == Texts{"read", "write"}));
    CHECK((texts(claims.audience()) == Texts{VECTOR_RESOURCE}));
    CHECK(claims.scopes().contains("write") && !claims.scopes().contains("admin"));
    CHECK(claims.scopes().size() == 2 && claims.scopes()[1] == "write" && claims.scopes()[2].empty());
    CHECK(claims.has_scope("read") && !claims.has_scope("admin"));
    CHECK(!claims.has_scope(std::string_view("read\0x", 6)));
    CHECK(claims.string("org_id") == std::string_view("org_1"));
    CHECK(!claims.string("missing"));
    CHECK(claims.integer("whole") == 7);
    CHECK(claims.number("ratio") == 0.5);
    CHECK(claims.boolean("email_verified") == true && claims.boolean("blocked") == false);
    CHECK(!claims.boolean("org_id"));
    CHECK((texts(claims.list("roles")) == Texts{"admin", "m\xc3\xa9mber"}));
    CHECK(claims.list("mixed").empty());
    CHECK(claims.value_json("act") == std::string_view(R"({"sub":"agent_1","act":{"sub":"agent_0"}})"));
    CHECK(claims.json().front() == '{' && claims.json().back() == '}');
    CHECK(claims.header_json() == R"({"alg":"ES256","kid":"minted-for-the-c-tests"})");

    CHECK(claims.org_id() == std::string_view("org_1") && claims.session_id() == std::string_view("session_1"));
    CHECK(!claims.role() && texts(claims.roles()) == texts(claims.list("roles")));
    CHECK(claims.permissions().empty() && claims.entitlements().empty() && claims.feature_flags().empty());
    CHECK(claims.actor() == std::string_view("agent_1") && !claims.is_impersonated());
    CHECK((texts(claims.actors()) == Texts{"agent_1", "agent_0"}));
    CHECK(claims.kind() == AUTHKIT_KIND_USER && !claims.is_machine() && claims.family() == AUTHKIT_FAMILY_CONNECT);
    CHECK(claims.identity_json().front() == '{');

    const authkit::Claims moved = std::move(claims);
    CHECK(moved.subject() == "user_rich");
    CHECK(claims.subject().empty() && claims.expires_at() == 0 && !claims.has_scope("read")); // NOLINT: on purpose
    CHECK(claims.scopes().empty() && claims.roles().empty() && claims.actors().empty());
    CHECK(claims.is_impersonated());
}

void names_of_any_length_reach_the_library_whole() {
    authkit::Config config;
    for (const std::size_t length : {254u, 255u, 256u, 257u, 100000u}) {
        const std::string name(length, 'n');
        const auto set = config.set("resource_name", name);
        CHECK(set.has_value());
        CHECK(config.set(name, "1").error().status() == AUTHKIT_CONFIG);
    }
    const std::string json = R"({"authkit_domain":")" VECTOR_ISSUER R"(","resource":")" VECTOR_RESOURCE R"("})";
    authkit::Config whole = authkit::Config::from_json(json).value();
    CHECK(whole.set("resource_name", std::string(300, 'n')).has_value());
    const authkit::Verifier verifier = authkit::Verifier::create(whole).value();
    CHECK(verifier.resource_metadata().find('"' + std::string(300, 'n') + '"') != std::string_view::npos);
    CHECK(!config.set("resource_name", std::string(300, 'n') + std::string(1, '\0') + "n").has_value());
}

void policies_demand_scopes(const authkit::Verifier &verifier) {
    authkit::Policy policy;
    CHECK(policy.require_scope("profile").has_value());
    const std::string_view scoped(VECTORS[0].token, VECTORS[0].length), scopeless(VECTORS[2].token, VECTORS[2].length);
    CHECK(verifier.verify(scoped, policy).has_value());
    const auto refused = verifier.verify(scopeless, policy);
    CHECK(!refused && refused.error().status() == AUTHKIT_SCOPE && refused.error().http_status() == 403);
    CHECK(refused.error().oauth_error() == std::string_view("insufficient_scope"));
    authkit::Policy any;
    CHECK(any.require_any_scope("admin profile").has_value());
    CHECK(verifier.verify(scoped, any).has_value());
    CHECK(verifier.verify(scopeless, any).error().reason().find("admin profile") != std::string_view::npos);
    CHECK(policy.set_now(1900000000).has_value());
    CHECK(verifier.try_verify(scoped, policy).error().code() == "EXPIRED");
}

void what_a_failed_setter_left_out_is_not_gone_without(const authkit::Verifier &verifier) {
    const std::string_view good(VECTORS[0].token, VECTORS[0].length);
    const std::string_view demands[] = {"two scopes", "", std::string_view("a\0b", 3)};
    for (const std::string_view demand : demands) {
        authkit::Policy all, any;
        CHECK(all.require_scope(demand).error().status() == AUTHKIT_MISUSE);
        CHECK(all.require_scope("profile").has_value()); // too late
        CHECK(verifier.verify(good, all).error().reason().find("policy_require_scope failed") < 20);
        CHECK(verifier.authorize("Bearer " + std::string(good), std::nullopt, all).response.status() == 500);
        CHECK(demand == "two scopes" || any.require_any_scope(demand).error().status() == AUTHKIT_MISUSE);
        CHECK(demand == "two scopes" || verifier.try_verify(good, any).error().status() == AUTHKIT_MISUSE);
    }
    authkit::Config config = nothing::config();
    CHECK(authkit::Verifier::create(config).has_value());
    CHECK(!config.set("required_scopes", "[admin") && config.set("required_scopes", "admin").has_value());
    CHECK(authkit::Verifier::create(config).error().reason().find("config_set for 'required_scopes' failed") < 20);
}

void timeouts_of_any_length_are_waited_for() {
    using namespace std::chrono;
    constexpr std::uint32_t most = std::numeric_limits<std::uint32_t>::max();
    using authkit::detail::milliseconds;
    CHECK(milliseconds(hours::max()) == most && milliseconds(hours::min()) == 0);
    CHECK(milliseconds(nanoseconds::max()) == most && milliseconds(nanoseconds::min()) == 0);
    CHECK(milliseconds(nanoseconds(1)) == 1 && milliseconds(microseconds(1001)) == 2 && milliseconds(seconds(1)) == 1000);
    CHECK(milliseconds(duration<double>(std::numeric_limits<double>::infinity())) == most);
    CHECK(milliseconds(duration<double>(-std::numeric_limits<double>::infinity())) == 0);
    CHECK(milliseconds(duration<double>(std::numeric_limits<double>::quiet_NaN())) == 0);
    CHECK(milliseconds(duration<double>(1e300)) == most && milliseconds(duration<float>(0.25f)) == 250);
    CHECK(milliseconds(std::chrono::milliseconds(most)) == most);
    CHECK(milliseconds(std::chrono::milliseconds(most - 1)) == most - 1);
}

void paths_demand_scopes(const authkit::Verifier &verifier) {
    auto access = authkit::Access::from_json(
        R"({"public": ["/health"], "required_scopes": {"/files": ["openid", "profile"], "/admin": ["admin"]}})");
    const std::string_view scoped(VECTORS[0].token, VECTORS[0].length);
    bool is_public = false;
    authkit::Policy none;
    CHECK(access->judge("/health", none, is_public) && is_public);
    CHECK(access->judge("/api/health", none, is_public, "/api") && is_public);
    CHECK(access->judge("/api/health", none, is_public) && !is_public);
    CHECK(verifier.verify(scoped, none).has_value());
    authkit::Policy files;
    CHECK(access->judge("/api/files/x", files, is_public) && !is_public);
    CHECK(verifier.verify(scoped, files).has_value());
    authkit::Policy all;
    CHECK(access->judge("/mcp%0a", all, is_public) && !is_public);
    CHECK(verifier.verify(scoped, all).error().status() == AUTHKIT_SCOPE);
    const authkit::Access moved = std::move(access).value();
    CHECK(!access && access.error().status() == AUTHKIT_MISUSE);
    CHECK(moved.handle() != nullptr);
    CHECK(authkit::Access::from_json("[]").error().status() == AUTHKIT_CONFIG);
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
    CHECK(!error.retry_after() && !error.oauth_error() && error.status_class() == AUTHKIT_CLASS_CONFIG);
    authkit::Error assigned = verifier.error();
    assigned = error;
    const authkit::Error &same = assigned;
    assigned = same; // to itself
    CHECK(assigned.reason() == error.reason() && assigned.reason().data() != error.reason().data());
    const authkit::Error moved = std::move(assigned);
    CHECK(moved.hint() == error.hint() && assigned.status() == AUTHKIT_CONFIG); // NOLINT: on purpose
    CHECK(assigned.reason() == "CONFIG");
    CHECK(authkit::Config::from_json("{").error().status() == AUTHKIT_CONFIG);
    CHECK(authkit::Config::from_json({}).error().status() == AUTHKIT_CONFIG);
    CHECK(config.set("nonsense", "1").error().status() == AUTHKIT_CONFIG);
    CHECK(config.set("resource", std::string_view("https://a\0b", 11)).error().status() == AUTHKIT_MISUSE);
}

void results_are_chained(const authkit::Verifier &verifier) {
    const std::string_view good(VECTORS[0].token, VECTORS[0].length), expired(VECTORS[3].token, VECTORS[3].length);
    const auto subject = [](const authkit::Claims &claims) { return std::string(claims.subject()); };
    const auto status = [](authkit_status of) {
        return [of](authkit::Error error) {
            CHECK(error.status() == of && !error.reason().empty());
            return authkit::Result<std::string>("nobody");
        };
    };
    CHECK(verifier.verify(good).transform(subject).value() == "user_01K7HELD0UTSUBJECT00000001");
    CHECK(verifier.verify(expired).transform(subject).error().status() == AUTHKIT_EXPIRED);
    CHECK(verifier.verify(expired).transform(subject).or_else(status(AUTHKIT_EXPIRED)).value() == "nobody");
    CHECK(verifier.verify(good).transform(subject).or_else(status(AUTHKIT_OK)).value() != "nobody");

    const auto claims = verifier.verify(good);
    const auto refused = verifier.verify(expired);
    CHECK(claims.transform(subject).has_value() && claims->subject().size() > 0); // left as it was
    CHECK(refused.transform(subject).error().reason() == refused.error().reason());
    bool seen = false;
    CHECK(claims.transform([&](const authkit::Claims &) { seen = true; }).has_value() && seen);
    const auto again = [&](const authkit::Claims &) { return verifier.verify(expired); };
    CHECK(claims.and_then(again).error().status() == AUTHKIT_EXPIRED);
    CHECK(verifier.verify(good).and_then(again).error().status() == AUTHKIT_EXPIRED);
    CHECK(refused.and_then([&](const authkit::Claims &) { return verifier.verify(good); }).error().code() == "EXPIRED");
}

#if defined(__cpp_lib_expected)
void a_result_becomes_an_expected(const authkit::Verifier &verifier) {
    const std::string_view good(VECTORS[0].token, VECTORS[0].length);
    const std::expected<authkit::Claims, authkit::Error> claims = verifier.verify(good).expected();
    CHECK(claims.has_value() && claims->issuer() == VECTOR_ISSUER);
    const auto refused = verifier.verify("a").expected();
    CHECK(!refused && refused.error().status() == AUTHKIT_MALFORMED && !refused.error().reason().empty());
#if __cpp_lib_expected >= 202211L
    CHECK(verifier.verify(good).expected().transform([](auto c) { return c.expires_at(); }).value_or(0) > 0);
#endif
}
#endif

void what_c_made_is_taken_over(const authkit::Verifier &verifier) {
    authkit_policy *made = authkit_policy_new();
    CHECK(authkit_policy_require_scope(made, "profile", nullptr) == AUTHKIT_OK);
    const authkit::Policy policy(made);
    CHECK(verifier.verify({VECTORS[2].token, VECTORS[2].length}, policy).error().status() == AUTHKIT_SCOPE);
    authkit_error *refused = nullptr;
    const authkit_status status = authkit_policy_require_scope(nullptr, "a", &refused);
    CHECK(authkit::Error(status, refused).reason() == "policy is NULL");
}

template <class AnyVerifier>
void requests_are_decided_and_answered(const AnyVerifier &verifier) {
    const std::string good = "Bearer " + std::string(VECTORS[0].token, VECTORS[0].length);
    const auto allowed = verifier.authorize(good);
    CHECK(allowed && allowed.claims->issuer() == VECTOR_ISSUER && allowed.response.status() == 200);
    CHECK(verifier.try_authorize(good).claims.has_value());
    CHECK(verifier.authorize(good, "access_token=x").claims.error().status() == AUTHKIT_INVALID_REQUEST);
    authkit::Policy policy;
    CHECK(policy.require_scope("admin").has_value());
    CHECK(verifier.authorize(good, std::nullopt, policy).response.status() == 403);
    CHECK(verifier.try_authorize(good, std::nullopt, policy).claims.error().status() == AUTHKIT_SCOPE);
    const auto refused = verifier.authorize(std::nullopt);
    CHECK(!refused && refused.response.status() == 401 && refused.response.headers().size() == 4);
    CHECK(refused.response.headers()[0].first == "www-authenticate" && !refused.response.body().empty());
    for (const auto &[name, value] : refused.response.headers()) {
        CHECK(!name.empty() && !value.empty());
    }
    CHECK(verifier.well_known("GET", "/.well-known/oauth-protected-resource")->body() == verifier.resource_metadata());
    CHECK(verifier.try_well_known("GET", "/.well-known/oauth-protected-resource")->status() == 200);
    CHECK(!verifier.well_known("GET", "/mcp") && !verifier.try_well_known("GET", "/mcp"));
    CHECK(!allowed.response.would_block() && !refused.response.would_block());
    CHECK(verifier.resource_metadata_url().has_value());
}

void a_token_that_comes_again_is_recalled(const authkit::Verifier &verifier) {
    const std::string_view token(VECTORS[1].token, VECTORS[1].length);
    const std::string header = "Bearer " + std::string(token);
    authkit::Policy admin;
    CHECK(admin.require_scope("admin").has_value());
    CHECK(verifier.verify(token).has_value() && verifier.verify(token).has_value());
    const std::uint64_t ticket = verifier.recall(token);
    CHECK(ticket != 0 && verifier.recall(token, authkit::Policy()) == ticket);
    CHECK(verifier.recall_request(header) == ticket && verifier.ref().recall_request(header, "a=1") == ticket);
    CHECK(verifier.recall(token, admin) == 0 && verifier.recall_request(header, std::nullopt, admin) == 0);
    CHECK(verifier.recall("a") == 0 && verifier.recall_request(std::nullopt) == 0);
    CHECK(verifier.recall_request(header, "access_token=x") == 0);
}

void the_library_is_the_one_of_the_header() {
    CHECK(authkit::abi_version() == AUTHKIT_ABI_VERSION && authkit::version() == AUTHKIT_VERSION);
}

void what_was_moved_from_is_refused(authkit::Verifier verifier) {
    const authkit::Verifier moved = std::move(verifier);
    CHECK(moved.resource() == std::string_view(VECTOR_RESOURCE));
    CHECK(moved.describe().find("resource indicator: " VECTOR_RESOURCE "\n") == 0);
    CHECK(authkit::Config::from_env_file("/nonexistent").error().status() == AUTHKIT_CONFIG);
    CHECK(authkit::Config::from_implicit_env_file("/nonexistent").has_value());
    CHECK(moved.set_jwks(VECTOR_JWKS).has_value());
    CHECK(moved.set_jwks(VECTOR_ISSUER, VECTOR_JWKS).has_value());
    CHECK(!moved.set_jwks(std::string_view("a\0b", 3), VECTOR_JWKS).has_value());
    CHECK(moved.refresh().has_value());                             // given keys are not fetched
    CHECK(verifier.verify("a").error().status() == AUTHKIT_MISUSE); // NOLINT: on purpose
    CHECK(moved.verify({}).error().status() == AUTHKIT_MALFORMED);
}

constexpr std::chrono::minutes patience(1); // longer than any wait that is expected to end

authkit::Verifier verifier_asking(const char *url) {
    char json[1024];
    server_settings(json, sizeof json, url, "RS256,ES256", "background");
    return authkit::Verifier::create(authkit::Config::from_json(json).value()).value();
}

void a_host_waits_off_its_event_loop() {
    struct server server;
    server_start(&server, VECTOR_JWKS);
    server_hold(&server, true);
    const authkit::Verifier verifier = verifier_asking(server.url);
    const std::string_view token(VECTORS[0].token, VECTORS[0].length);
    const std::uint64_t seen = verifier.fetches_ended();
    CHECK(verifier.try_verify(token).error().status() == AUTHKIT_WOULD_BLOCK);
    const auto undecided = verifier.ref().try_authorize("Bearer " + std::string(token));
    CHECK(!undecided && undecided.response.would_block() && undecided.response.status() == 503);
    CHECK(verifier.wait(seen, std::chrono::milliseconds(-5)).error().status() == AUTHKIT_WOULD_BLOCK);
    CHECK(verifier.wait(seen, std::chrono::milliseconds(20)).error().status() == AUTHKIT_WOULD_BLOCK);
    server_await_requests(&server, 1);
    server_hold(&server, false);
    CHECK(verifier.wait(seen, patience).has_value());
    CHECK(verifier.fetches_ended() == seen + 1);
    CHECK(verifier.try_verify(token).has_value());
    CHECK(verifier.wait_ready(std::chrono::seconds(0)).has_value());
    const auto idle = verifier.wait(verifier.fetches_ended(), std::chrono::hours(24 * 365)); // for a second
    CHECK(idle.error().status() == AUTHKIT_WOULD_BLOCK);

    CHECK(verifier.start_refresh().has_value());
    CHECK(verifier.wait(seen + 1, patience).has_value());
    CHECK(server_requests(&server) == 2);
    server_stop(&server);
}

void stats_and_events_tell_what_happened() {
    struct server server;
    server_start(&server, VECTOR_JWKS);
    std::optional<authkit::Verifier> verifier = verifier_asking(server.url);
    CHECK(!verifier->next_event());
    CHECK(verifier->stats()->number("age") == std::nullopt);
    CHECK(verifier->wait_ready(patience).has_value());
    server_answer(&server, MINTED_JWKS);
    CHECK(verifier->refresh().has_value());
    std::vector<authkit::Event> events;
    while (auto event = verifier->next_event()) {
        events.push_back(std::move(*event));
    }
    const authkit::Stats stats = verifier->stats().value();
    verifier.reset(); // neither stats nor events need it
    server_stop(&server);
    CHECK(events.size() == 3 && events[0].name() == "fetched" && events[2].name() == "rotated");
    CHECK(events[2].json().find(R"("added":["minted-for-the-c-tests"])") != std::string_view::npos);
    CHECK(stats.json().find(server.url) != std::string_view::npos && stats.json().back() == '}');
    CHECK(stats.number("fetches") == 2 && stats.number(VECTOR_ISSUER, "keys") == 1);
    CHECK(!stats.number("nonsense") && !stats.number("https://elsewhere.example", "keys"));
    CHECK(stats.number(std::string_view("a\0b", 3), "keys") == std::nullopt);
    CHECK(stats.number(std::string_view("keys\0x", 6)) == std::nullopt);
}

void refusals_and_the_start_have_lines_for_the_log() {
    const authkit::Verifier verifier = nothing::verifier();
    std::vector<std::string> lines;
    while (auto line = verifier.next_log_line()) {
        lines.emplace_back(line->text());
    }
    CHECK(lines.size() == 4 && lines[0] == "resource indicator: " VECTOR_RESOURCE);
    authkit::Policy policy;
    CHECK(policy.require_scope("nobody:has") && policy.set_tool("send_mail"));
    const auto refused = verifier.authorize(nothing::header(), std::nullopt, policy);
    CHECK(refused.response.log_level() == AUTHKIT_LOG_INFO);
    CHECK(refused.response.log_line()->substr(0, 20) == "answered 403: SCOPE:");
    CHECK(refused.response.log_line()->find("tool send_mail") != std::string_view::npos);
    CHECK(!verifier.authorize(nothing::header(), std::nullopt, policy).response.log_line()); // told a moment ago
    CHECK(!verifier.authorize(std::nullopt).response.log_line());
    CHECK(!verifier.authorize(nothing::header()).response.log_line());
}

void an_outage_is_an_error_that_says_when_to_ask_again() {
    char url[64];
    server_closed_url(url, sizeof url);
    const authkit::Verifier verifier = verifier_asking(url);
    CHECK(verifier.refresh().error().status() == AUTHKIT_KEYS_UNAVAILABLE);
    const auto ready = verifier.wait_ready(std::chrono::seconds(0));
    CHECK(ready.error().status() == AUTHKIT_KEYS_UNAVAILABLE && ready.error().http_status() == 503);
    CHECK(ready.error().retry_after().value_or(0) >= 1);
    CHECK(verifier.next_event()->name() == "failed");
    CHECK(verifier.stats()->number("failures") == 1);
}

void what_watches_a_verifier_that_was_moved_from_is_refused(authkit::Verifier verifier) {
    const authkit::Verifier moved = std::move(verifier);
    CHECK(moved.stats()->number("keys") == 2);
    CHECK(verifier.start_refresh().error().status() == AUTHKIT_MISUSE); // NOLINT: on purpose, and below
    CHECK(verifier.wait(0, patience).error().status() == AUTHKIT_MISUSE);
    CHECK(verifier.wait_ready(patience).error().status() == AUTHKIT_MISUSE);
    CHECK(verifier.stats().error().status() == AUTHKIT_MISUSE);
    CHECK(verifier.fetches_ended() == 0 && !verifier.next_event());
    authkit::Stats stats = moved.stats().value();
    const authkit::Stats taken = std::move(stats);
    CHECK(stats.json().empty() && !stats.number("keys") && taken.number("keys") == 2);
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
    what_a_failed_setter_left_out_is_not_gone_without(verifier);
    timeouts_of_any_length_are_waited_for();
    paths_demand_scopes(verifier);
    errors_say_what_to_do();
    results_are_chained(verifier);
#if defined(__cpp_lib_expected)
    a_result_becomes_an_expected(verifier);
#endif
    what_c_made_is_taken_over(verifier);
    names_of_any_length_reach_the_library_whole();
    requests_are_decided_and_answered(verifier);
    requests_are_decided_and_answered(authkit::VerifierRef(verifier.handle()));
    a_token_that_comes_again_is_recalled(verifier_over("RS256", VECTOR_JWKS));
    the_library_is_the_one_of_the_header();
    what_was_moved_from_is_refused(verifier_over("RS256", VECTOR_JWKS));
    a_host_waits_off_its_event_loop();
    stats_and_events_tell_what_happened();
    refusals_and_the_start_have_lines_for_the_log();
    an_outage_is_an_error_that_says_when_to_ask_again();
    what_watches_a_verifier_that_was_moved_from_is_refused(verifier_over("RS256", VECTOR_JWKS));
    the_default_verifier_serves_the_front_door();
    nothing::opens_nothing([](bool holds, const char *text, int line) { check(holds, text, line); });
#if defined(__cpp_exceptions)
    the_value_of_a_failure_throws_the_error(verifier);
#endif
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
