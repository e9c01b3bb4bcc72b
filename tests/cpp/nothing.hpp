// What holds nothing opens nothing: every wrapper, emptied in every way, asked for everything that it can be asked.
// tests/cpp/wrapped.sh sees to it that each member of authkit.hpp is in these tables.

#ifndef AUTHKIT_TEST_NOTHING_HPP
#define AUTHKIT_TEST_NOTHING_HPP

#include <string>
#include <utility>
#include <vector>

#include "authkit.hpp"

#include "../c/vectors.h"

namespace nothing {

/// What an object that holds nothing is asked, and whether it refuses.
template <class T>
struct Question {
    const char *member;
    bool (*is_refused)(T &);
};
#define ASK(type, member, condition)                                                                                   \
    nothing::Question<authkit::type> {                                                                                 \
        #type "::" #member, [](authkit::type & it) -> bool { return condition; }                                       \
    }

using Report = void (*)(bool holds, const char *text, int line);

constexpr authkit_status misuse = AUTHKIT_MISUSE;
inline std::string_view token() { return {VECTORS[0].token, VECTORS[0].length}; }
inline std::string header() { return "Bearer " + std::string(token()); }

/// Empties an object in every way there is, and asks each time; what it was moved to, or is given anew, is good.
template <class T, class Make, class IsGood, class Questions>
void in_every_way(Report report, Make make, IsGood is_good, const Questions &questions) {
    const auto ask_all = [&](T &it, int line) {
        for (const auto &question : questions) {
            report(question.is_refused(it), question.member, line);
        }
    };
    T null(nullptr);
    ask_all(null, __LINE__);
    null = make();
    report(is_good(null), "assigned to nothing", __LINE__);

    T moved = make();
    T by_construction(std::move(moved));
    ask_all(moved, __LINE__); // NOLINT: on purpose, here and below
    report(is_good(by_construction), "moved to a new object", __LINE__);

    T by_assignment = make();
    by_assignment = std::move(by_construction);
    ask_all(by_construction, __LINE__);
    report(is_good(by_assignment), "moved over another object", __LINE__);

    T swapped(nullptr);
    std::swap(swapped, by_assignment);
    ask_all(by_assignment, __LINE__);
    report(is_good(swapped), "swapped", __LINE__);

    T &same = swapped;
    swapped = std::move(same);
    report(is_good(swapped), "moved to itself", __LINE__);

    swapped = T(nullptr);
    ask_all(swapped, __LINE__);

    std::vector<T> many;
    many.push_back(make());
    const T taken = std::move(many.front());
    ask_all(many.front(), __LINE__);
}

inline authkit::Config config() {
    authkit::Config config;
    const bool all = config.set("authkit_domain", VECTOR_ISSUER).has_value() &&
                     config.set("resource", VECTOR_RESOURCE).has_value() && config.set("now", VECTOR_NOW).has_value() &&
                     config.set("jwks", VECTOR_JWKS).has_value();
    return all ? std::move(config) : authkit::Config(nullptr);
}
inline authkit::Verifier verifier() { return authkit::Verifier::create(config()).value(); }
inline const authkit::Verifier &shared() {
    static const authkit::Verifier verifier = nothing::verifier();
    return verifier;
}
/// Demands what no token of the vectors has: a policy that is passed over shows.
inline authkit::Policy policy() {
    authkit::Policy policy;
    return policy.require_scope("nobody:has").has_value() ? std::move(policy) : authkit::Policy(nullptr);
}

/// Whether the refusal is a misuse that says what is not there.
template <class T>
bool names(const authkit::Result<T> &result, std::string_view what) {
    return !result && !result.has_value() && result.error().status() == misuse &&
           result.error().reason() == std::string(what) + " is NULL";
}
inline bool names(const authkit::Decision &decision, std::string_view what) {
    return !decision && names(decision.claims, what) && decision.response.status() == 500;
}

inline authkit::Access places() {
    return authkit::Access::from_json(R"({"public": ["/health"], "required_scopes": {"/admin": ["admin"]}})").value();
}
/// Whether no path is public, and the policy passes no token, also for a caller who ignores that it failed.
inline bool judges_nothing(const authkit::Access &access, authkit::Policy &policy) {
    bool is_public = true;
    const auto judged = access.judge("/admin", policy, is_public);
    return judged.error().status() == misuse && !is_public &&
           shared().verify(token(), policy).error().status() == misuse;
}

inline const Question<authkit::Config> CONFIG[] = {
    ASK(Config, set, names(it.set("leeway", "1"), "config")),
    ASK(Config, handle, it.handle() == nullptr),
    ASK(Config, given_to_create, names(authkit::Verifier::create(it), "config")),
};

inline const Question<authkit::Policy> POLICY[] = {
    ASK(Policy, require_scope, names(it.require_scope("a"), "policy")),
    ASK(Policy, require_any_scope, names(it.require_any_scope("a b"), "policy")),
    ASK(Policy, set_now, it.set_now(0).error().status() == misuse),
    ASK(Policy, set_tool, it.set_tool("a").error().status() == misuse),
    ASK(Policy, handle, it.handle() == nullptr),
    ASK(Policy, given_to_verify, names(shared().verify(token(), it), "policy")),
    ASK(Policy, given_to_try_verify, names(shared().try_verify(token(), it), "policy")),
    ASK(Policy, given_to_authorize, names(shared().authorize(header(), std::nullopt, it), "policy")),
    ASK(Policy, given_to_try_authorize, names(shared().try_authorize(header(), std::nullopt, it), "policy")),
    ASK(Policy, given_to_recall, shared().recall(token(), it) == 0),
    ASK(Policy, given_to_recall_request, shared().recall_request(header(), std::nullopt, it) == 0),
    ASK(Policy, given_to_ref_verify, names(shared().ref().verify(token(), it), "policy")),
    ASK(Policy, given_to_ref_authorize, names(shared().ref().authorize(header(), std::nullopt, it), "policy")),
    ASK(Policy, given_to_judge, judges_nothing(places(), it)),
    ASK(Policy, given_without_credentials, names(shared().authorize(std::nullopt, std::nullopt, it), "policy")),
};

#define ASK_VERIFIER(type)                                                                                             \
    ASK(type, verify, names(it.verify(token()), "verifier")),                                                          \
        ASK(type, try_verify, names(it.try_verify(token()), "verifier")),                                              \
        ASK(type, authorize, names(it.authorize(header()), "verifier")),                                               \
        ASK(type, try_authorize, names(it.try_authorize(header()), "verifier")),                                       \
        ASK(type, well_known, !it.well_known("GET", "/.well-known/oauth-protected-resource")),                         \
        ASK(type, try_well_known, !it.try_well_known("GET", "/.well-known/oauth-protected-resource")),                 \
        ASK(type, recall, it.recall(token()) == 0), ASK(type, recall_request, it.recall_request(header()) == 0),       \
        ASK(type, refresh, names(it.refresh(), "verifier")),                                                           \
        ASK(type, start_refresh, names(it.start_refresh(), "verifier")),                                               \
        ASK(type, fetches_ended, it.fetches_ended() == 0),                                                             \
        ASK(type, fetch_timeout, it.fetch_timeout().count() == 0),                                                             \
        ASK(type, wait, it.wait(0, std::chrono::hours::max()).error().status() == misuse),                             \
        ASK(type, wait_ready, names(it.wait_ready(std::chrono::hours::max()), "verifier")),                            \
        ASK(type, stats, names(it.stats(), "verifier")), ASK(type, next_event, !it.next_event()),                      \
        ASK(type, next_log_line, !it.next_log_line()),                                                                 \
        ASK(type, set_jwks, names(it.set_jwks(VECTOR_JWKS), "verifier")),                                              \
        ASK(type, set_jwks, names(it.set_jwks(VECTOR_ISSUER, VECTOR_JWKS), "verifier")),                               \
        ASK(type, resource, !it.resource()), ASK(type, resource_metadata, it.resource_metadata().empty()),             \
        ASK(type, resource_metadata_url, !it.resource_metadata_url()),                                                 \
        ASK(type, describe, it.describe().empty()), ASK(type, handle, it.handle() == nullptr)

inline const Question<authkit::Verifier> VERIFIER[] = {
    ASK_VERIFIER(Verifier),
    ASK(Verifier, ref, names(it.ref().verify(token()), "verifier")),
    ASK(Verifier, set_default, authkit::set_default(it).error().status() == misuse),
};
inline const Question<authkit::VerifierRef> VERIFIER_REF[] = {ASK_VERIFIER(VerifierRef)};

inline const Question<authkit::Access> ACCESS[] = {
    ASK(Access, judge, [&] { authkit::Policy policy; return judges_nothing(it, policy); }()),
    ASK(Access, handle, it.handle() == nullptr),
};

inline const Question<authkit::Claims> CLAIMS[] = {
    ASK(Claims, json, it.json().empty()),
    ASK(Claims, header_json, it.header_json().empty()),
    ASK(Claims, issuer, it.issuer().empty()),
    ASK(Claims, subject, it.subject().empty()),
    ASK(Claims, resource, !it.resource()),
    ASK(Claims, client_id, it.client_id().empty()),
    ASK(Claims, key_id, !it.key_id()),
    ASK(Claims, algorithm, it.algorithm().empty()),
    ASK(Claims, expires_at, it.expires_at() == 0),
    ASK(Claims, issued_at, !it.issued_at()),
    ASK(Claims, not_before, !it.not_before()),
    ASK(Claims, has_scope, !it.has_scope("openid") && !it.has_scope("")),
    ASK(Claims, scopes, it.scopes().empty() && it.scopes()[0].empty()),
    ASK(Claims, audience, it.audience().empty() && it.audience()[0].empty()),
    ASK(Claims, org_id, !it.org_id()),
    ASK(Claims, session_id, !it.session_id()),
    ASK(Claims, role, !it.role()),
    ASK(Claims, roles, it.roles().empty()),
    ASK(Claims, permissions, it.permissions().empty()),
    ASK(Claims, entitlements, it.entitlements().empty()),
    ASK(Claims, feature_flags, it.feature_flags().empty()),
    ASK(Claims, actor, !it.actor()),
    ASK(Claims, actors, it.actors().empty()),
    ASK(Claims, is_impersonated, it.is_impersonated()), // the careful answer
    ASK(Claims, kind, it.kind() == AUTHKIT_KIND_UNKNOWN),
    ASK(Claims, is_machine, !it.is_machine()),
    ASK(Claims, family, it.family() == AUTHKIT_FAMILY_UNKNOWN),
    ASK(Claims, identity_json, it.identity_json().empty()),
    ASK(Claims, string, !it.string("sub")),
    ASK(Claims, integer, !it.integer("exp")),
    ASK(Claims, number, !it.number("exp")),
    ASK(Claims, boolean, !it.boolean("email_verified")),
    ASK(Claims, list, it.list("roles").empty()),
    ASK(Claims, value_json, !it.value_json("act")),
    ASK(Claims, handle, it.handle() == nullptr),
};

inline const Question<authkit::Response> RESPONSE[] = {
    ASK(Response, status, it.status() == 500), // also where it was a 200
    ASK(Response, headers, it.headers().empty() && it.headers()[0].first.empty()),
    ASK(Response, body, it.body().empty()),
    ASK(Response, log_line, !it.log_line()),
    ASK(Response, log_level, it.log_level() == AUTHKIT_LOG_WARNING),
    ASK(Response, would_block, !it.would_block()),
    ASK(Response, handle, it.handle() == nullptr),
};

inline const Question<authkit::Stats> STATS[] = {
    ASK(Stats, json, it.json().empty()),
    ASK(Stats, number, !it.number("keys") && !it.number(VECTOR_ISSUER, "keys")),
    ASK(Stats, handle, it.handle() == nullptr),
};

inline const Question<authkit::Event> EVENT[] = {
    ASK(Event, name, it.name().empty()),
    ASK(Event, json, it.json().empty()),
    ASK(Event, handle, it.handle() == nullptr),
};

inline const Question<authkit::LogLine> LOG_LINE[] = {
    ASK(LogLine, level, it.level() == AUTHKIT_LOG_WARNING),
    ASK(LogLine, text, it.text().empty()),
    ASK(LogLine, handle, it.handle() == nullptr),
};

/// A Result whose value was moved out, by whatever way, is a failure; so is a Decision.
inline void results(Report report) {
#define HOLDS(condition) report((condition), #condition, __LINE__)
    const auto spent = [](authkit::Result<authkit::Claims> &result) {
        const auto pass = [](const authkit::Claims &) { return true; };
        bool called = false;
        const auto next = [&](const authkit::Claims &) {
            called = true;
            return authkit::Result<authkit::Done>(authkit::Done{});
        };
        return !result && !result.has_value() && result.error().status() == misuse &&
               result.transform(pass).error().status() == misuse && result.and_then(next).error().status() == misuse &&
               std::move(result).or_else([](authkit::Error error) -> authkit::Result<authkit::Claims> {
                   return error;
               }).error().status() == misuse &&
               !called;
    };
    auto result = shared().verify(token());
    HOLDS(result && result->issuer() == VECTOR_ISSUER);
    const auto whole = std::move(result);
    HOLDS(whole.has_value() && spent(result));

    result = shared().verify(token());
    { const authkit::Claims taken = std::move(*result); }
    HOLDS(spent(result));
    result = shared().verify(token());
    { const authkit::Claims taken = std::move(result).value(); }
    HOLDS(spent(result));
    result = shared().verify(token());
    { const authkit::Claims taken = *std::move(result); }
    HOLDS(spent(result));
    result = shared().verify(token());
    HOLDS(std::move(result).transform([](authkit::Claims claims) { return claims.expires_at(); }).value() > 0);
    HOLDS(spent(result));
    result = authkit::Claims(nullptr);
    HOLDS(spent(result));
    result = shared().verify(token());
    auto &same = result;
    result = std::move(same);
    HOLDS(result.has_value());
    struct Other {
        const void *handle() const { return nullptr; }
    };
    HOLDS(shared().verify(token()).transform([](const authkit::Claims &) { return Other(); }).has_value());
    auto refused = shared().verify("a");
    const auto moved = std::move(refused);
    HOLDS(!refused && refused.error().status() == AUTHKIT_MALFORMED && !moved); // keeps its status
    HOLDS(!authkit::Result<authkit::VerifierRef>(authkit::VerifierRef(nullptr)));
#if defined(__cpp_lib_expected)
    result = shared().verify(token());
    HOLDS(std::move(result).expected().has_value() && spent(result));
    HOLDS(!std::move(result).expected().has_value());
#endif
#if defined(__cpp_exceptions)
    bool thrown = false;
    result = authkit::Claims(nullptr);
    try {
        report(result->subject().empty() && false, "the value of nothing throws", __LINE__);
    } catch (const authkit::Error &error) {
        thrown = error.status() == misuse;
    }
    HOLDS(thrown);
#endif

    auto decision = shared().authorize(header());
    HOLDS(decision && decision.response.status() == 200);
    auto other = std::move(decision);
    HOLDS(other && !decision && decision.response.status() == 500);
    { const authkit::Claims taken = std::move(other.claims).value(); }
    HOLDS(!other);
    std::swap(decision, other);
    HOLDS(!other && !decision);
#undef HOLDS
}

inline void opens_nothing(Report report) {
    in_every_way<authkit::Config>(
        report, config, [](authkit::Config &it) { return authkit::Verifier::create(it).has_value(); }, CONFIG);
    in_every_way<authkit::Policy>(
        report, policy,
        [](authkit::Policy &it) { return shared().verify(token(), it).error().status() == AUTHKIT_SCOPE; }, POLICY);
    in_every_way<authkit::Verifier>(
        report, verifier, [](authkit::Verifier &it) { return it.verify(token()).has_value(); }, VERIFIER);
    authkit::VerifierRef null(nullptr);
    for (const auto &question : VERIFIER_REF) {
        report(question.is_refused(null), question.member, __LINE__);
    }
    in_every_way<authkit::Access>(
        report, places,
        [](authkit::Access &it) {
            authkit::Policy policy;
            bool is_public = false;
            return it.judge("/health", policy, is_public) && is_public;
        },
        ACCESS);
    in_every_way<authkit::Claims>(
        report, [] { return shared().verify(token()).value(); },
        [](authkit::Claims &it) { return it.issuer() == VECTOR_ISSUER; }, CLAIMS);
    in_every_way<authkit::Response>(
        report, [] { return shared().authorize(std::nullopt).response; },
        [](authkit::Response &it) { return it.status() == 401; }, RESPONSE);
    in_every_way<authkit::Stats>(
        report, [] { return shared().stats().value(); }, [](authkit::Stats &it) { return it.number("keys") > 0; },
        STATS);
    authkit::Event event(nullptr); // nothing happens to keys that were given
    for (const auto &question : EVENT) {
        report(question.is_refused(event), question.member, __LINE__);
    }
    in_every_way<authkit::LogLine>(
        report, [] { return nothing::verifier().next_log_line().value(); },
        [](authkit::LogLine &it) { return it.text().substr(0, 20) == "resource indicator: "; }, LOG_LINE);
    results(report);
}

} // namespace nothing

#endif
