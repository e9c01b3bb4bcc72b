// What docs/cpp.md shows, in one program: verifies the token on standard input in every way there is. Configured by
// the environment (AUTHKIT_DOMAIN, AUTHKIT_BASE_URL ...). C++17; the last part wants C++23.

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>

#include "authkit.hpp"

namespace {

void front_door(std::string_view token) {
    // [readme first]
    const auto claims = authkit::verify(token);
    if (claims)
        std::cout << "subject: " << claims->subject() << '\n';
    else
        std::cout << claims.error().code() << ", HTTP " << claims.error().http_status() << '\n';
    // [/readme]
}

// [readme configure]
authkit::Result<authkit::Verifier> make_verifier() {
    authkit::Result<authkit::Config> config = authkit::Config::from_environment();
    if (!config)
        return config.error();
    for (const auto &[name, value] : {std::pair("resource_name", "Notes"), {"scopes_supported", "openid,profile"}})
        if (const auto set = config->set(name, value); !set)
            return set.error();
    return authkit::Verifier::create(*config); // a missing or wrong setting is told here
}
// [/readme]

// [readme refusal]
void tell(const authkit::Error &error) {
    std::cout << error.code() << ", HTTP " << error.http_status() << ": " << error.reason() << '\n';
    if (error.hint()) // what to change, if the cause is a known mistake in the configuration
        std::cout << "hint: " << *error.hint() << '\n';
    if (error.oauth_error()) // 400, 401, 403: the request or the token will not do
        std::cout << "challenge: " << *error.oauth_error() << '\n';
    if (error.retry_after()) // 429, 503: says nothing of the token
        std::cout << "retry after " << *error.retry_after() << " s\n";
}
// [/readme]

// [readme claims]
void show(const authkit::Claims &claims) {
    std::cout << "client: " << claims.client_id() << '\n';
    for (const std::string_view scope : claims.scopes())
        std::cout << "scope: " << scope << '\n';
    for (const std::string_view role : claims.roles())
        std::cout << "role: " << role << '\n';
    if (claims.org_id())
        std::cout << "organization: " << *claims.org_id() << '\n';
    if (claims.issued_at())
        std::cout << "issued at: " << *claims.issued_at() << '\n';
    std::cout << "token id: " << claims.string("jti").value_or("none") << '\n'; // any claim by its name
}
// [/readme]

// [readme exceptions]
std::string subject_or_throw(const authkit::Verifier &verifier, std::string_view token) {
    return std::string(verifier.verify(token).value().subject()); // throws authkit::Error, a std::exception
}
// [/readme]

// [readme chain]
authkit::Result<std::string> organization(const authkit::Verifier &verifier, std::string_view token) {
    return verifier.verify(token).transform(
        [](const authkit::Claims &claims) { return std::string(claims.org_id().value_or("none")); });
}
// [/readme]

// [readme policy]
authkit::Result<authkit::Claims> may_delete_notes(const authkit::Verifier &verifier, std::string_view token) {
    authkit::Policy policy; // or once, at the start, for all calls of this tool
    return policy.require_scope("notes:write").and_then([&](authkit::Done) { return verifier.verify(token, policy); });
}
// [/readme]

// [readme keys]
void use_keys(const authkit::Verifier &verifier, std::string_view jwks) {
    if (const auto taken = verifier.set_jwks(jwks); !taken)
        std::cerr << "authkit: " << taken.error().reason() << '\n'; // the keys before stay in force
}
// [/readme]

// [readme wait]
struct Try {
    std::uint64_t seen; // before the try, so that no end of a fetch is missed
    authkit::Result<authkit::Claims> claims;
};

// On the event loop: never waits.
Try try_on_loop(const authkit::Verifier &verifier, std::string_view token) {
    const std::uint64_t seen = verifier.fetches_ended();
    return {seen, verifier.try_verify(token)};
}

// On one worker thread, for all requests whose try gave AUTHKIT_WOULD_BLOCK. Then try each of them again,
// even if no fetch has ended within the second.
bool wait_on_worker(const authkit::Verifier &verifier, std::uint64_t seen) {
    return verifier.wait(seen, std::chrono::seconds(1)).has_value();
}
// [/readme]

// Both on one thread here; five tries of a second, as docs/event-loops.md says.
authkit::Result<authkit::Claims> verify_by_trying(const authkit::Verifier &verifier, std::string_view token) {
    Try tried = try_on_loop(verifier, token);
    for (int tries = 1; !tried.claims && tried.claims.error().status() == AUTHKIT_WOULD_BLOCK && tries < 5; tries++) {
        wait_on_worker(verifier, tried.seen);
        tried = try_on_loop(verifier, token);
    }
    return std::move(tried.claims);
}

// [readme serve]
struct Request {
    std::string method, path;
    std::optional<std::string> query;         // as it came, still encoded
    std::optional<std::string> authorization; // the header's value
};

// Sends what the library has decided, as it is.
void respond(const authkit::Response &response) {
    std::cout << "HTTP " << response.status() << '\n';
    for (const auto &[name, value] : response.headers())
        std::cout << name << ": " << value << '\n';
    std::cout << "content-length: " << response.body().size() << "\n\n" << response.body() << '\n';
}

// Who may go on; nothing where the request has been answered.
std::optional<authkit::Claims> admit(const authkit::Verifier &verifier, const Request &request) {
    if (const auto document = verifier.well_known(request.method, request.path)) {
        respond(*document);
        return std::nullopt;
    }
    authkit::Decision decision = verifier.authorize(request.authorization, request.query);
    if (decision)
        return std::move(*decision.claims);
    if (const auto line = decision.response.log_line()) // says more than the client is told
        std::cerr << *line << '\n';
    respond(decision.response);
    return std::nullopt;
}
// [/readme]

void serve(const authkit::Verifier &verifier, const std::string &token) {
    const Request requests[] = {
        {"GET", "/.well-known/oauth-protected-resource", std::nullopt, std::nullopt},
        {"POST", "/mcp", std::nullopt, std::nullopt},
        {"POST", "/mcp", "session=1", "Bearer " + token},
    };
    for (const Request &request : requests) {
        if (const auto claims = admit(verifier, request))
            std::cout << "served: " << claims->subject() << '\n';
    }
}

// [readme recall]
// Sessions by ticket: `found` is what this server has kept for a token, good while recall() gives its ticket.
bool comes_again(const authkit::Verifier &verifier, std::string_view token, std::uint64_t &ticket) {
    const std::uint64_t now = verifier.recall(token); // 0: verify it, then ask again and keep what you make of it
    const bool found = now != 0 && now == ticket;
    ticket = now;
    return found;
}
// [/readme]

// [readme watch]
void watch(const authkit::Verifier &verifier) {
    while (const auto event = verifier.next_event())
        std::cout << "event " << event->name() << ": " << event->json() << '\n';
    if (const auto stats = verifier.stats()) {
        std::cout << "accepted so far: " << stats->number("verdicts.OK").value_or(0) << '\n';
        if (const auto age = stats->number("age")) // none where there are no keys
            std::cout << "keys are " << *age << " s old\n";
    }
}
// [/readme]

#if defined(__cpp_lib_expected)
// [readme expected]
std::expected<authkit::Claims, authkit::Error> caller(const authkit::Verifier &verifier, std::string_view token) {
    return verifier.verify(token).expected();
}
// [/readme]
#endif

} // namespace

int main() {
    std::string token;
    std::getline(std::cin, token);

    front_door(token);
    const auto verifier = make_verifier();
    if (!verifier) {
        tell(verifier.error());
        return 2;
    }
    std::cout << verifier->describe() << '\n';
    if (const char *jwks = std::getenv("AUTHKIT_JWKS"))
        use_keys(*verifier, jwks);

    const auto claims = verify_by_trying(*verifier, token);
    claims ? show(*claims) : tell(claims.error());
    if (const auto deleted = may_delete_notes(*verifier, token); !deleted)
        tell(deleted.error());
    std::cout << "organization: " << organization(*verifier, token).or_else([](const authkit::Error &) {
        return authkit::Result<std::string>("unknown");
    }).value() << '\n';
    try {
        std::cout << "subject: " << subject_or_throw(*verifier, token) << '\n';
    } catch (const authkit::Error &error) {
        std::cout << "caught: " << error.code() << '\n';
    }
    std::uint64_t ticket = 0;
    const bool first = comes_again(*verifier, token, ticket);
    std::cout << "comes again: " << first << ", then " << comes_again(*verifier, token, ticket) << '\n';
#if defined(__cpp_lib_expected)
    std::cout << "expected: " << caller(*verifier, token).has_value() << '\n';
#endif
    serve(*verifier, token);
    watch(*verifier);
    return claims ? 0 : 1;
}
