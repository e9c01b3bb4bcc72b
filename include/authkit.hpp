// authkit.hpp - authkit.h for C++17: owners that free themselves, errors as values or exceptions.
//
//     auto claims = authkit::verify(token);            // the default verifier, from the environment
//     if (!claims) return respond(claims.error().http_status(), claims.error().reason());
//     std::cout << claims->subject();
//
// Every call that can fail returns Result<T>: test it and ask for error(), or take value(), which
// throws the Error. Nothing else throws, except std::bad_alloc. Compiled with -fno-exceptions,
// value() of a failure ends the program (std::abort).
//
// Header-only: link libauthkit and nothing else. What a function means, which units it takes, how it
// fails and which threads may call it is written at its namesake in authkit.h. A const method may run
// on any number of threads at once. A std::string_view that is returned is borrowed from the object
// it was asked of: give that object a name first. A moved-from object may only be destroyed or
// assigned to; calls on it are refused with AUTHKIT_MISUSE.

#ifndef AUTHKIT_HPP
#define AUTHKIT_HPP

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "authkit.h"

namespace authkit {

namespace detail {

template <class T, void (*Free)(T *)>
struct Deleter {
    void operator()(T *handle) const noexcept { Free(handle); }
};

template <class T, void (*Free)(T *)>
using Owner = std::unique_ptr<T, Deleter<T, Free>>;

/// Borrowed C text; empty for NULL.
inline std::string_view view(const char *text) noexcept { return text ? std::string_view(text) : std::string_view(); }

inline std::optional<std::string_view> optional_view(const char *text) noexcept {
    return text ? std::optional<std::string_view>(text) : std::nullopt;
}

/// An argument for C. With a NUL inside, C would read less than was given: it is passed as NULL, which
/// every function refuses.
class Argument {
public:
    explicit Argument(std::string_view text) : text_(text), whole_(text.find('\0') == std::string_view::npos) {}
    const char *get() const noexcept { return whole_ ? text_.c_str() : nullptr; }

private:
    std::string text_;
    bool whole_;
};

/// A timeout for C: none below 0, and at most what it can say.
inline std::uint32_t milliseconds(std::chrono::milliseconds timeout) noexcept {
    constexpr std::chrono::milliseconds most(std::numeric_limits<std::uint32_t>::max());
    const std::chrono::milliseconds none(0);
    return static_cast<std::uint32_t>((timeout < none ? none : timeout > most ? most : timeout).count());
}

/// A view for C: never NULL, also where the view is of nothing.
inline const char *data(std::string_view text) noexcept { return text.data() ? text.data() : ""; }

} // namespace detail

/// Why a call failed. Copies share one immutable error; copying does not throw.
class Error : public std::exception {
public:
    /// Takes over an error object; NULL where the call made none.
    Error(authkit_status status, authkit_error *owned) : status_(status), error_(owned, authkit_error_free) {}

    authkit_status status() const noexcept { return status_; }
    /// The status's stable name: "EXPIRED".
    std::string_view code() const noexcept { return authkit_status_name(status_); }
    /// The HTTP status to answer with: 400, 401, 403, 500 or 503.
    int http_status() const noexcept { return authkit_status_http_status(status_); }
    /// The `error` of a WWW-Authenticate challenge (RFC 6750), where one is due.
    std::optional<std::string_view> oauth_error() const noexcept {
        return detail::optional_view(authkit_status_oauth_error(status_));
    }
    /// One sentence, safe to log.
    std::string_view reason() const noexcept { return what(); }
    /// What to change, where the cause is a known slip of configuration.
    std::optional<std::string_view> hint() const noexcept {
        return detail::optional_view(authkit_error_hint(error_.get()));
    }
    /// Seconds until another try can succeed, where that is known.
    std::optional<std::int64_t> retry_after() const noexcept {
        const std::int64_t seconds = authkit_error_retry_after(error_.get());
        return seconds >= 0 ? std::optional<std::int64_t>(seconds) : std::nullopt;
    }
    /// The reason, NUL-terminated.
    const char *what() const noexcept override {
        const char *reason = authkit_error_reason(error_.get());
        return reason ? reason : authkit_status_name(status_);
    }

private:
    authkit_status status_;
    std::shared_ptr<authkit_error> error_;
};

/// A value, or the Error that stands in its place. Taking the value of a failure throws the Error.
template <class T>
class [[nodiscard]] Result {
public:
    Result(T value) : content_(std::move(value)) {}
    Result(Error error) : content_(std::move(error)) {}

    explicit operator bool() const noexcept { return std::holds_alternative<T>(content_); }
    bool has_value() const noexcept { return static_cast<bool>(*this); }

    T &value() & { return require(*this); }
    const T &value() const & { return require(*this); }
    T value() && { return std::move(require(*this)); }
    T &operator*() & { return require(*this); }
    const T &operator*() const & { return require(*this); }
    T operator*() && { return std::move(require(*this)); }
    T *operator->() { return &require(*this); }
    const T *operator->() const { return &require(*this); }

    /// The failure; only where has_value() is false.
    const Error &error() const noexcept {
        const Error *error = std::get_if<Error>(&content_);
        if (!error) {
            std::abort(); // asked of a success: a defect of the caller
        }
        return *error;
    }

private:
    template <class Self>
    static auto &require(Self &self) {
        auto *value = std::get_if<T>(&self.content_);
        if (!value) {
#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
            throw self.error();
#else
            std::abort();
#endif
        }
        return *value;
    }

    std::variant<T, Error> content_;
};

/// The value of a call that only succeeds or fails.
using Done = std::monostate;

namespace detail {

inline Result<Done> done(authkit_status status, authkit_error *error = nullptr) {
    if (status == AUTHKIT_OK) {
        return Done{};
    }
    return Error(status, error);
}

} // namespace detail

/// Settings for a verifier, by the names at authkit_config_set().
class Config {
public:
    Config() : handle_(authkit_config_new()) {}

    static Result<Config> from_environment() {
        authkit_config *made = nullptr;
        authkit_error *error = nullptr;
        const authkit_status status = authkit_config_from_environment(&made, &error);
        return wrap(status, made, error);
    }

    /// The process environment, and for what is not set there an env file.
    static Result<Config> from_env_file(std::string_view path) {
        authkit_config *made = nullptr;
        authkit_error *error = nullptr;
        const authkit_status status =
            authkit_config_from_env_file(detail::Argument(path).get(), &made, &error);
        return wrap(status, made, error);
    }

    static Result<Config> from_json(std::string_view json) {
        authkit_config *made = nullptr;
        authkit_error *error = nullptr;
        const authkit_status status = authkit_config_from_json(detail::data(json), json.size(), &made, &error);
        return wrap(status, made, error);
    }

    Result<Done> set(std::string_view name, std::string_view value) {
        authkit_error *error = nullptr;
        const authkit_status status =
            authkit_config_set(handle_.get(), detail::Argument(name).get(), detail::Argument(value).get(), &error);
        return detail::done(status, error);
    }

    const authkit_config *handle() const noexcept { return handle_.get(); }

private:
    explicit Config(authkit_config *owned) : handle_(owned) {}
    static Result<Config> wrap(authkit_status status, authkit_config *made, authkit_error *error) {
        if (status != AUTHKIT_OK) {
            return Error(status, error);
        }
        return Config(made);
    }

    detail::Owner<authkit_config, authkit_config_free> handle_;
};

/// What one call demands beyond the configuration.
class Policy {
public:
    Policy() : handle_(authkit_policy_new()) {}

    Result<Done> require_scope(std::string_view scope) {
        authkit_error *error = nullptr;
        const authkit_status status =
            authkit_policy_require_scope(handle_.get(), detail::Argument(scope).get(), &error);
        return detail::done(status, error);
    }

    /// Demands one of several scopes, written with a single space between each two.
    Result<Done> require_any_scope(std::string_view scopes) {
        authkit_error *error = nullptr;
        const authkit_status status =
            authkit_policy_require_any_scope(handle_.get(), detail::Argument(scopes).get(), &error);
        return detail::done(status, error);
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    Result<Done> set_now(std::int64_t unix_seconds) {
        return detail::done(authkit_policy_set_now(handle_.get(), unix_seconds));
    }

    const authkit_policy *handle() const noexcept { return handle_.get(); }

private:
    detail::Owner<authkit_policy, authkit_policy_free> handle_;
};

/// What an accepted token says. Independent of the verifier that made it.
class Claims {
public:
    /// Takes over claims that a C call made.
    explicit Claims(authkit_claims *owned) : handle_(owned) {}

    /// The payload, byte for byte as it was signed.
    std::string_view json() const noexcept { return sized(authkit_claims_json); }
    std::string_view header_json() const noexcept { return sized(authkit_claims_header_json); }

    std::string_view issuer() const noexcept { return detail::view(authkit_claims_issuer(handle())); }
    std::string_view subject() const noexcept { return detail::view(authkit_claims_subject(handle())); }
    std::optional<std::string_view> resource() const noexcept {
        return detail::optional_view(authkit_claims_resource(handle()));
    }
    std::string_view client_id() const noexcept { return detail::view(authkit_claims_client_id(handle())); }
    std::optional<std::string_view> key_id() const noexcept {
        return detail::optional_view(authkit_claims_key_id(handle()));
    }
    std::string_view algorithm() const noexcept { return detail::view(authkit_claims_algorithm(handle())); }

    /// Seconds since 1970-01-01T00:00:00Z; 0, long past, of moved-from claims.
    std::int64_t expires_at() const noexcept { return time(authkit_claims_expires_at).value_or(0); }
    std::optional<std::int64_t> issued_at() const noexcept { return time(authkit_claims_issued_at); }
    std::optional<std::int64_t> not_before() const noexcept { return time(authkit_claims_not_before); }

    bool has_scope(std::string_view scope) const {
        return authkit_claims_has_scope(handle(), detail::Argument(scope).get());
    }
    std::vector<std::string_view> scopes() const { return list(authkit_claims_scope_count, authkit_claims_scope_at); }
    std::vector<std::string_view> audience() const {
        return list(authkit_claims_audience_count, authkit_claims_audience_at);
    }

    /// What AuthKit says of the caller. A list that the token lacks, or that is none, is empty.
    std::optional<std::string_view> org_id() const noexcept {
        return detail::optional_view(authkit_claims_org_id(handle()));
    }
    std::optional<std::string_view> session_id() const noexcept {
        return detail::optional_view(authkit_claims_session_id(handle()));
    }
    std::optional<std::string_view> role() const noexcept {
        return detail::optional_view(authkit_claims_role(handle()));
    }
    std::vector<std::string_view> roles() const { return list("roles"); }
    std::vector<std::string_view> permissions() const { return list("permissions"); }
    std::vector<std::string_view> entitlements() const { return list("entitlements"); }
    std::vector<std::string_view> feature_flags() const { return list("feature_flags"); }
    std::optional<std::string_view> actor() const noexcept {
        return detail::optional_view(authkit_claims_actor(handle()));
    }
    bool is_impersonated() const noexcept { return authkit_claims_is_impersonated(handle()); }
    authkit_kind kind() const noexcept { return authkit_claims_kind(handle()); }
    bool is_machine() const noexcept { return kind() == AUTHKIT_KIND_MACHINE; }
    authkit_family family() const noexcept { return authkit_claims_family(handle()); }
    std::string_view identity_json() const noexcept { return sized(authkit_claims_identity_json); }

    /// Any claim by its name, where it is a string.
    std::optional<std::string_view> string(std::string_view name) const { return text(authkit_claims_string, name); }
    std::optional<std::int64_t> integer(std::string_view name) const {
        return scalar<std::int64_t>(authkit_claims_integer, name);
    }
    std::optional<double> number(std::string_view name) const { return scalar<double>(authkit_claims_number, name); }
    std::optional<bool> boolean(std::string_view name) const { return scalar<bool>(authkit_claims_boolean, name); }

    /// The strings of a claim that is a list of strings, such as "roles"; empty if it is none.
    std::vector<std::string_view> list(std::string_view name) const {
        const detail::Argument argument(name);
        std::vector<std::string_view> items(authkit_claims_list_count(handle(), argument.get()));
        for (std::size_t index = 0; index < items.size(); index++) {
            std::size_t length = 0;
            const char *item = authkit_claims_list_at(handle(), argument.get(), index, &length);
            items[index] = item ? std::string_view(item, length) : std::string_view();
        }
        return items;
    }

    /// Any claim as its JSON text: for nested ones such as "act".
    std::optional<std::string_view> value_json(std::string_view name) const {
        return text(authkit_claims_value_json, name);
    }

    const authkit_claims *handle() const noexcept { return handle_.get(); }

private:
    using Sized = const char *(const authkit_claims *, std::size_t *);
    using Named = const char *(const authkit_claims *, const char *, std::size_t *);
    using Time = authkit_status(const authkit_claims *, std::int64_t *);
    using Count = std::size_t(const authkit_claims *);
    using At = const char *(const authkit_claims *, std::size_t);

    std::string_view sized(Sized *get) const noexcept {
        std::size_t length = 0;
        const char *text = get(handle(), &length);
        return text ? std::string_view(text, length) : std::string_view();
    }

    std::optional<std::int64_t> time(Time *get) const noexcept {
        std::int64_t seconds = 0;
        return get(handle(), &seconds) == AUTHKIT_OK ? std::optional<std::int64_t>(seconds) : std::nullopt;
    }

    std::vector<std::string_view> list(Count *count, At *at) const {
        std::vector<std::string_view> items(count(handle()));
        for (std::size_t index = 0; index < items.size(); index++) {
            items[index] = detail::view(at(handle(), index));
        }
        return items;
    }

    std::optional<std::string_view> text(Named *get, std::string_view name) const {
        std::size_t length = 0;
        const char *text = get(handle(), detail::Argument(name).get(), &length);
        return text ? std::optional<std::string_view>(std::in_place, text, length) : std::nullopt;
    }

    template <class T>
    std::optional<T> scalar(authkit_status (*get)(const authkit_claims *, const char *, T *),
                            std::string_view name) const {
        T value{};
        const bool found = get(handle(), detail::Argument(name).get(), &value) == AUTHKIT_OK;
        return found ? std::optional<T>(value) : std::nullopt;
    }

    detail::Owner<authkit_claims, authkit_claims_free> handle_;
};

/// What a resource server answers: to be sent as it is.
class Response {
public:
    /// Takes over a response that a C call made; NULL is a 500 without headers and body.
    explicit Response(authkit_response *owned) : handle_(owned) {}

    int status() const noexcept { return authkit_response_status(handle()); }
    /// Name, in lower case, and value of each header.
    std::vector<std::pair<std::string_view, std::string_view>> headers() const {
        std::vector<std::pair<std::string_view, std::string_view>> all(authkit_response_header_count(handle()));
        for (std::size_t index = 0; index < all.size(); index++) {
            all[index] = {detail::view(authkit_response_header_name_at(handle(), index)),
                          detail::view(authkit_response_header_value_at(handle(), index))};
        }
        return all;
    }
    std::string_view body() const noexcept {
        std::size_t length = 0;
        const char *text = authkit_response_body(handle(), &length);
        return text ? std::string_view(text, length) : std::string_view();
    }
    /// Whether try_authorize() or try_well_known() could not answer without waiting: this is a 503 then.
    bool would_block() const noexcept {
        return authkit_error_status(authkit_response_error(handle())) == AUTHKIT_WOULD_BLOCK;
    }

    const authkit_response *handle() const noexcept { return handle_.get(); }

private:
    detail::Owner<authkit_response, authkit_response_free> handle_;
};

/// May this request go on? With claims it may; without, response() is the answer.
struct Decision {
    Result<Claims> claims;
    Response response;

    explicit operator bool() const noexcept { return claims.has_value(); }
};

/// What a verifier has and has done, at one moment. Independent of the verifier that made it.
class Stats {
public:
    /// Takes over stats that a C call made.
    explicit Stats(authkit_stats *owned) : handle_(owned) {}

    /// One object, whose members are told at authkit_stats_json().
    std::string_view json() const noexcept {
        std::size_t length = 0;
        const char *text = authkit_stats_json(handle(), &length);
        return text ? std::string_view(text, length) : std::string_view();
    }

    /// One number over all issuers, such as "fetches" or "verdicts.OK"; none where there is none at this moment.
    std::optional<std::int64_t> number(std::string_view name) const { return read(nullptr, name); }
    /// One number of one issuer's.
    std::optional<std::int64_t> number(std::string_view issuer, std::string_view name) const {
        // A NUL inside would make the issuer NULL, and that would mean all of them.
        const detail::Argument argument(issuer);
        return argument.get() ? read(argument.get(), name) : std::nullopt;
    }

    const authkit_stats *handle() const noexcept { return handle_.get(); }

private:
    std::optional<std::int64_t> read(const char *issuer, std::string_view name) const {
        std::int64_t value = 0;
        const bool found = authkit_stats_number(handle(), issuer, detail::Argument(name).get(), &value) == AUTHKIT_OK;
        return found ? std::optional<std::int64_t>(value) : std::nullopt;
    }

    detail::Owner<authkit_stats, authkit_stats_free> handle_;
};

/// Something that happened to an issuer's keys. Independent of the verifier that it happened to.
class Event {
public:
    /// Takes over an event that a C call made.
    explicit Event(authkit_event *owned) : handle_(owned) {}

    /// What happened: "fetched", "failed", "rotated" and so on.
    std::string_view name() const noexcept { return detail::view(authkit_event_name(handle())); }
    /// One object, whose members are told at authkit_event_json().
    std::string_view json() const noexcept {
        std::size_t length = 0;
        const char *text = authkit_event_json(handle(), &length);
        return text ? std::string_view(text, length) : std::string_view();
    }

    const authkit_event *handle() const noexcept { return handle_.get(); }

private:
    detail::Owner<authkit_event, authkit_event_free> handle_;
};

/// A verifier that somebody else owns, such as the process's default. Cheap to copy.
class VerifierRef {
public:
    explicit VerifierRef(const authkit_verifier *borrowed) noexcept : borrowed_(borrowed) {}

    /// Verifies a token; may wait for the issuer's keys, 5 seconds at most.
    Result<Claims> verify(std::string_view token) const { return judge(authkit_verifier_verify, token, nullptr); }
    Result<Claims> verify(std::string_view token, const Policy &policy) const {
        return judge(authkit_verifier_verify, token, policy.handle());
    }

    /// Verifies a token without waiting: AUTHKIT_WOULD_BLOCK where keys must be fetched first.
    Result<Claims> try_verify(std::string_view token) const {
        return judge(authkit_verifier_try_verify, token, nullptr);
    }
    Result<Claims> try_verify(std::string_view token, const Policy &policy) const {
        return judge(authkit_verifier_try_verify, token, policy.handle());
    }

    Result<Done> refresh() const {
        authkit_error *error = nullptr;
        const authkit_status status = authkit_verifier_refresh(borrowed_, &error);
        return detail::done(status, error);
    }

    /// Starts to fetch every issuer's keys and returns at once.
    Result<Done> start_refresh() const {
        authkit_error *error = nullptr;
        const authkit_status status = authkit_verifier_start_refresh(borrowed_, &error);
        return detail::done(status, error);
    }

    /// How many fetches have ended: read it before try_verify(), give it to wait().
    std::uint64_t fetches_ended() const noexcept { return authkit_verifier_fetches_ended(borrowed_); }

    /// Waits, off the event loop, while a fetch is under way and none has ended since `seen`:
    /// AUTHKIT_WOULD_BLOCK where that is still so after the timeout.
    Result<Done> wait(std::uint64_t seen, std::chrono::milliseconds timeout) const {
        return detail::done(authkit_verifier_wait(borrowed_, seen, detail::milliseconds(timeout)));
    }

    /// Waits until every issuer has keys to verify with, fetching what is missing.
    Result<Done> wait_ready(std::chrono::milliseconds timeout) const {
        authkit_error *error = nullptr;
        const authkit_status status = authkit_verifier_wait_ready(borrowed_, detail::milliseconds(timeout), &error);
        return detail::done(status, error);
    }

    Result<Stats> stats() const {
        authkit_stats *stats = nullptr;
        authkit_error *error = nullptr;
        const authkit_status status = authkit_verifier_stats(borrowed_, &stats, &error);
        if (status != AUTHKIT_OK) {
            return Error(status, error);
        }
        return Stats(stats);
    }

    /// The oldest event that nobody has taken yet.
    std::optional<Event> next_event() const {
        authkit_event *event = authkit_verifier_next_event(borrowed_);
        return event ? std::optional<Event>(event) : std::nullopt;
    }

    /// Gives the only issuer's keys as a JWKS document.
    Result<Done> set_jwks(std::string_view json) const { return give(nullptr, json); }
    Result<Done> set_jwks(std::string_view issuer, std::string_view json) const {
        // A NUL inside would make the issuer NULL, and that would mean "the only one".
        const detail::Argument argument(issuer);
        return argument.get() ? give(argument.get(), json) : detail::done(AUTHKIT_MISUSE);
    }

    std::optional<std::string_view> resource() const noexcept {
        return detail::optional_view(authkit_verifier_resource(borrowed_));
    }

    /// The configuration in force, without a secret; its first line is what to paste into the dashboard.
    std::string_view describe() const noexcept {
        std::size_t length = 0;
        const char *text = authkit_verifier_describe(borrowed_, &length);
        return text ? std::string_view(text, length) : std::string_view();
    }

    /// Decides whether a request may go on, by its Authorization header and its query; may wait.
    Decision authorize(std::optional<std::string_view> authorization,
                       std::optional<std::string_view> query = std::nullopt) const {
        return decide(authkit_verifier_authorize, authorization, query, nullptr);
    }
    Decision authorize(std::optional<std::string_view> authorization, std::optional<std::string_view> query,
                       const Policy &policy) const {
        return decide(authkit_verifier_authorize, authorization, query, policy.handle());
    }

    /// Decides without waiting: AUTHKIT_WOULD_BLOCK where keys must be fetched first.
    Decision try_authorize(std::optional<std::string_view> authorization,
                           std::optional<std::string_view> query = std::nullopt) const {
        return decide(authkit_verifier_try_authorize, authorization, query, nullptr);
    }
    Decision try_authorize(std::optional<std::string_view> authorization, std::optional<std::string_view> query,
                           const Policy &policy) const {
        return decide(authkit_verifier_try_authorize, authorization, query, policy.handle());
    }

    /// The answer to a request for a well-known document; none for other paths. May wait.
    std::optional<Response> well_known(std::string_view method, std::string_view path) const {
        return document(authkit_verifier_well_known, method, path);
    }

    /// The same without waiting: a 503 that would_block() where the authorization server must be asked first.
    std::optional<Response> try_well_known(std::string_view method, std::string_view path) const {
        return document(authkit_verifier_try_well_known, method, path);
    }

    std::optional<std::string_view> resource_metadata_url() const noexcept {
        return detail::optional_view(authkit_verifier_resource_metadata_url(borrowed_));
    }

    const authkit_verifier *handle() const noexcept { return borrowed_; }

private:
    using Authorize = authkit_status(const authkit_verifier *, const char *, std::size_t, const char *, std::size_t,
                                     const authkit_policy *, authkit_response **, authkit_error **);

    Decision decide(Authorize *authorize, std::optional<std::string_view> authorization,
                    std::optional<std::string_view> query, const authkit_policy *policy) const {
        authkit_response *response = nullptr;
        authkit_error *error = nullptr;
        const authkit_status status = authorize(
            borrowed_, authorization ? detail::data(*authorization) : nullptr, authorization ? authorization->size() : 0,
            query ? detail::data(*query) : nullptr, query ? query->size() : 0, policy, &response, &error);
        if (status != AUTHKIT_OK) {
            return Decision{Error(status, error), Response(response)};
        }
        return Decision{Claims(authkit_response_take_claims(response)), Response(response)};
    }

    using WellKnown = authkit_status(const authkit_verifier *, const char *, const char *, std::size_t,
                                     authkit_response **, authkit_error **);

    std::optional<Response> document(WellKnown *well_known, std::string_view method, std::string_view path) const {
        authkit_response *response = nullptr;
        well_known(borrowed_, detail::Argument(method).get(), detail::data(path), path.size(), &response, nullptr);
        return response ? std::optional<Response>(std::in_place, response) : std::nullopt;
    }

    using Verify = authkit_status(const authkit_verifier *, const char *, std::size_t, const authkit_policy *,
                                  authkit_claims **, authkit_error **);

    Result<Claims> judge(Verify *verify, std::string_view token, const authkit_policy *policy) const {
        authkit_claims *claims = nullptr;
        authkit_error *error = nullptr;
        const authkit_status status = verify(borrowed_, detail::data(token), token.size(), policy, &claims, &error);
        if (status != AUTHKIT_OK) {
            return Error(status, error);
        }
        return Claims(claims);
    }

    Result<Done> give(const char *issuer, std::string_view json) const {
        authkit_error *error = nullptr;
        const authkit_status status =
            authkit_verifier_set_jwks(borrowed_, issuer, detail::data(json), json.size(), &error);
        return detail::done(status, error);
    }

    const authkit_verifier *borrowed_;
};

/// Verifies tokens by one configuration and keeps the issuers' keys; movable, not copyable.
class Verifier {
public:
    /// Checks the settings; opens no connection.
    static Result<Verifier> create(const Config &config) {
        authkit_verifier *made = nullptr;
        authkit_error *error = nullptr;
        const authkit_status status = authkit_verifier_new(config.handle(), &made, &error);
        if (status != AUTHKIT_OK) {
            return Error(status, error);
        }
        return Verifier(made);
    }

    /// This verifier, for whoever need not own it.
    VerifierRef ref() const noexcept { return VerifierRef(owned_.get()); }

    Result<Claims> verify(std::string_view token) const { return ref().verify(token); }
    Result<Claims> verify(std::string_view token, const Policy &policy) const { return ref().verify(token, policy); }
    Result<Claims> try_verify(std::string_view token) const { return ref().try_verify(token); }
    Result<Claims> try_verify(std::string_view token, const Policy &policy) const {
        return ref().try_verify(token, policy);
    }
    Result<Done> refresh() const { return ref().refresh(); }
    Result<Done> start_refresh() const { return ref().start_refresh(); }
    std::uint64_t fetches_ended() const noexcept { return ref().fetches_ended(); }
    Result<Done> wait(std::uint64_t seen, std::chrono::milliseconds timeout) const { return ref().wait(seen, timeout); }
    Result<Done> wait_ready(std::chrono::milliseconds timeout) const { return ref().wait_ready(timeout); }
    Result<Stats> stats() const { return ref().stats(); }
    std::optional<Event> next_event() const { return ref().next_event(); }
    Result<Done> set_jwks(std::string_view json) const { return ref().set_jwks(json); }
    Result<Done> set_jwks(std::string_view issuer, std::string_view json) const { return ref().set_jwks(issuer, json); }
    std::optional<std::string_view> resource() const noexcept { return ref().resource(); }
    std::string_view describe() const noexcept { return ref().describe(); }
    const authkit_verifier *handle() const noexcept { return owned_.get(); }

private:
    explicit Verifier(authkit_verifier *owned) : owned_(owned) {}

    detail::Owner<authkit_verifier, authkit_verifier_free> owned_;
};

/// The process's default verifier, made from the environment on first use; valid for the life of the process.
inline Result<VerifierRef> default_verifier() {
    const authkit_verifier *lent = nullptr;
    authkit_error *error = nullptr;
    const authkit_status status = authkit_default_verifier(&lent, &error);
    if (status != AUTHKIT_OK) {
        return Error(status, error);
    }
    return VerifierRef(lent);
}

/// Makes a verifier the process's default; at start, before the default is first used.
inline Result<Done> set_default(const Verifier &verifier) {
    return detail::done(authkit_set_default(verifier.handle()));
}

/// Verifies a token with the process's default verifier: the front door.
inline Result<Claims> verify(std::string_view token) {
    const Result<VerifierRef> verifier = default_verifier();
    return verifier ? verifier->verify(token) : Result<Claims>(verifier.error());
}

} // namespace authkit

#endif
