// authkit.hpp - authkit.h for C++17 and newer: owners that free themselves, errors as values or exceptions.
//
//     auto claims = authkit::verify(token);            // the default verifier, from the environment
//     if (!claims) return respond(claims.error().http_status(), claims.error().reason());
//     std::cout << claims->subject();
//
// Header-only: link libauthkit and nothing else. What a function means, which units it takes, how it
// fails and which threads may call it is written at its namesake in authkit.h.
//
// ERRORS
//   Every call that can fail returns Result<T>: test it and ask for error(), chain it by and_then() and
//   transform(), or take value(), which throws the Error. Nothing else throws. Compiled with
//   -fno-exceptions, value() of a failure ends the program (std::abort). Compilers warn if a result is
//   ignored. Even then nothing opens: after a failed setting or demand, all later calls refuse the Config or
//   Policy, with the first failure's reason.
//
// OWNERSHIP, THREADS
//   Objects own their handle, move and do not copy; an Error alone is copied too. A std::string_view or
//   List that is returned is borrowed from the object it was asked of: give that object a name first. A
//   const method may run on any number of threads at once.
//   An object that was moved from, or made of NULL, is empty. Calls on it, and calls that get it as an argument,
//   are refused with AUTHKIT_MISUSE; its getters return empty values. Such a Result is a failure, and such a
//   Decision allows nothing, even if only the value was moved out. You may assign to an empty object.
//
// MEMORY
//   Nothing is allocated here beyond what the library allocates behind a C call, with one exception: C
//   wants names and settings NUL-terminated, so that one of more than 255 bytes, such as a key set given
//   to Config::set(), is copied to the heap for its call. Tokens, headers and JSON go as they are.
//
// STANDARDS
//   A type is laid out alike under every standard, with and without exceptions, so that files that are
//   compiled differently can share it. Therefore Result is a class of its own and never an alias of
//   std::expected: under C++23 expected() gives one. Where a program mixes -frtti and -fno-rtti, an Error
//   may only be caught, not dynamic_cast.

#ifndef AUTHKIT_HPP
#define AUTHKIT_HPP

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <functional>
#include <iterator>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#if __has_include(<expected>)
#include <expected>
#endif

#include "authkit.h"

// What throws in one file and aborts in another goes by two names to the linker, or it would take one for both.
#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
#define AUTHKIT_HPP_THROWS 1
#define AUTHKIT_HPP_MODE "throws"
#else
#define AUTHKIT_HPP_THROWS 0
#define AUTHKIT_HPP_MODE "aborts"
#endif
#if defined(__GNUC__)
#define AUTHKIT_HPP_BY_MODE __attribute__((abi_tag(AUTHKIT_HPP_MODE)))
#else
#define AUTHKIT_HPP_BY_MODE
#endif

/// May this bearer token call this MCP server? The C++ layer over authkit.h.
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

/// Borrowed C text that comes with its length; empty for NULL.
template <class Handle>
std::string_view sized(const char *(*get)(const Handle *, std::size_t *), const Handle *handle) noexcept {
    std::size_t length = 0;
    const char *text = get(handle, &length);
    return text ? std::string_view(text, length) : std::string_view();
}

/// An argument for C, which wants a NUL at its end: a copy on the stack, or on the heap where it is long.
/// With a NUL inside, C would read less than was given: it is passed as NULL, which every function
/// refuses, and so is what there is no memory for.
class Argument {
public:
    explicit Argument(std::string_view text) noexcept
        : long_(text.size() < sizeof short_ ? nullptr : new (std::nothrow) char[text.size() + 1]),
          good_(text.find('\0') == std::string_view::npos && (long_ || text.size() < sizeof short_)) {
        if (good_ && !text.empty()) {
            std::memcpy(room(), text.data(), text.size());
        }
        if (good_) {
            room()[text.size()] = '\0';
        }
    }
    const char *get() const noexcept { return !good_ ? nullptr : long_ ? long_.get() : short_; }

private:
    char *room() noexcept { return long_ ? long_.get() : short_; }

    std::unique_ptr<char[]> long_;
    bool good_;
    char short_[256] = {};
};

/// A timeout for C, of any duration. It is rounded up; negative values and NaN become 0; the longest is 49 days, the
/// most that C's type holds. Computed in floating point, which does not overflow.
template <class Count, class Period>
std::uint32_t milliseconds(std::chrono::duration<Count, Period> timeout) noexcept {
    constexpr std::uint32_t most = std::numeric_limits<std::uint32_t>::max();
    const double wanted = std::chrono::duration<double, std::milli>(timeout).count();
    if (!(wanted > 0)) {
        return 0;
    }
    if (wanted >= static_cast<double>(most)) {
        return most;
    }
    const auto whole = static_cast<std::uint32_t>(wanted);
    return static_cast<double>(whole) < wanted ? whole + 1 : whole;
}

/// Whether a type is one of the C handles.
template <class T, class... Handles>
inline constexpr bool is_one_of = (std::is_same_v<T, const Handles *> || ...);
template <class T>
inline constexpr bool is_handle = is_one_of<T, authkit_config, authkit_policy, authkit_verifier, authkit_claims,
                                            authkit_access, authkit_response, authkit_stats, authkit_event>;

/// Whether a value is there: the handle of one of the owners below is gone once it was moved from.
template <class T>
auto is_there(const T &value, int) noexcept -> std::enable_if_t<is_handle<decltype(value.handle())>, bool> {
    return value.handle() != nullptr;
}
template <class T>
bool is_there(const T &, long) noexcept {
    return true;
}

/// A view for C: never NULL, also where the view is of nothing.
inline const char *data(std::string_view text) noexcept { return text.data() ? text.data() : ""; }

} // namespace detail

/// Why a call failed. Copying does not throw.
class Error : public std::exception {
public:
    /// Takes over an error object; NULL where the call made none.
    Error(authkit_status status, authkit_error *owned) noexcept : status_(status), error_(owned) {}
    /// The same again, with texts of its own.
    Error(const Error &other) noexcept
        : std::exception(other), status_(other.status_), error_(authkit_error_clone(other.error_.get())) {}
    /// Leaves the other one its status.
    Error(Error &&) noexcept = default;
    /// As the copying constructor.
    Error &operator=(const Error &other) noexcept { return *this = Error(other); }
    /// As the moving constructor.
    Error &operator=(Error &&) noexcept = default;
    ~Error() override = default;

    /// What happened, as one number.
    authkit_status status() const noexcept { return status_; }
    /// The kind of it. Only this decides the HTTP status.
    authkit_class status_class() const noexcept { return authkit_status_class(status_); }
    /// The status's stable name: "EXPIRED".
    std::string_view code() const noexcept { return authkit_status_name(status_); }
    /// The HTTP status to answer with: 400, 401, 403, 429, 500 or 503.
    int http_status() const noexcept { return authkit_status_http_status(status_); }
    /// The `error` of a WWW-Authenticate challenge (RFC 6750), if one is due.
    std::optional<std::string_view> oauth_error() const noexcept {
        return detail::optional_view(authkit_status_oauth_error(status_));
    }
    /// One sentence, safe to log.
    std::string_view reason() const noexcept { return what(); }
    /// What to change, if the cause is a known mistake in the configuration.
    std::optional<std::string_view> hint() const noexcept {
        return detail::optional_view(authkit_error_hint(error_.get()));
    }
    /// Seconds until another try can succeed, if known.
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
    detail::Owner<authkit_error, authkit_error_free> error_;
};

/// The value of a call that only succeeds or fails.
using Done = std::monostate;

namespace detail {

/// What a function gives, Done where it gives nothing.
template <class F, class T>
using Given = std::conditional_t<std::is_void_v<std::invoke_result_t<F, T>>, Done, std::decay_t<std::invoke_result_t<F, T>>>;

template <class F, class T>
Given<F, T> give(F &&function, T &&argument) {
    if constexpr (std::is_void_v<std::invoke_result_t<F, T>>) {
        std::invoke(std::forward<F>(function), std::forward<T>(argument));
        return Done{};
    } else {
        return std::invoke(std::forward<F>(function), std::forward<T>(argument));
    }
}

} // namespace detail

/// A value, or the Error instead of it. Taking the value of a failure throws the Error. Members that are named as
/// in std::expected do the same as there, with two exceptions. * and -> check first. Once the value was moved out,
/// the Result is a failure (AUTHKIT_MISUSE), so that a second look does not see a success.
template <class T>
class [[nodiscard]] Result {
public:
    /// What there is on success.
    using value_type = T;
    /// What there is on failure.
    using error_type = Error;

    /// A success.
    Result(T value) noexcept(std::is_nothrow_move_constructible_v<T>) : content_(std::move(value)) {}
    /// A failure.
    Result(Error error) noexcept : content_(std::move(error)) {}

    /// Whether there is a value.
    explicit operator bool() const noexcept { return there(*this) != nullptr; }
    /// Whether there is a value.
    bool has_value() const noexcept { return static_cast<bool>(*this); }

    /// The value; of a failure, its Error is thrown.
    AUTHKIT_HPP_BY_MODE T &value() & { return require(*this); }
    /// The value; of a failure, its Error is thrown.
    AUTHKIT_HPP_BY_MODE const T &value() const & { return require(*this); }
    /// The value, moved out; of a failure, its Error is thrown.
    AUTHKIT_HPP_BY_MODE T value() && { return std::move(require(*this)); }
    /// As value().
    AUTHKIT_HPP_BY_MODE T &operator*() & { return require(*this); }
    /// As value().
    AUTHKIT_HPP_BY_MODE const T &operator*() const & { return require(*this); }
    /// As value().
    AUTHKIT_HPP_BY_MODE T operator*() && { return std::move(require(*this)); }
    /// As value().
    AUTHKIT_HPP_BY_MODE T *operator->() { return &require(*this); }
    /// As value().
    AUTHKIT_HPP_BY_MODE const T *operator->() const { return &require(*this); }

    /// The failure; only where has_value() is false, or the program ends.
    const Error &error() const noexcept { return failure(*this); }

    /// What `next` makes of the value, another Result; a failure passes by.
    template <class F>
    auto and_then(F &&next) const & -> std::invoke_result_t<F, const T &> {
        const T *value = there(*this);
        return value ? std::invoke(std::forward<F>(next), *value) : std::invoke_result_t<F, const T &>(error());
    }
    /// What `next` makes of the value, which is moved to it.
    template <class F>
    auto and_then(F &&next) && -> std::invoke_result_t<F, T> {
        T *value = there(*this);
        return value ? std::invoke(std::forward<F>(next), std::move(*value)) : std::invoke_result_t<F, T>(take_error());
    }

    /// A Result of what `change` makes of the value; a failure passes by.
    template <class F>
    auto transform(F &&change) const & -> Result<detail::Given<F, const T &>> {
        const T *value = there(*this);
        if (!value) {
            return error();
        }
        return detail::give(std::forward<F>(change), *value);
    }
    /// A Result of what `change` makes of the value, which is moved to it.
    template <class F>
    auto transform(F &&change) && -> Result<detail::Given<F, T>> {
        T *value = there(*this);
        if (!value) {
            return take_error();
        }
        return detail::give(std::forward<F>(change), std::move(*value));
    }

    /// What `next` makes of the Error, a Result of the same type; a success passes by.
    template <class F>
    Result or_else(F &&next) && {
        return has_value() ? std::move(*this) : Result(std::invoke(std::forward<F>(next), take_error()));
    }

#if defined(__cpp_lib_expected)
    /// The same as std::expected, if the standard library has it. Moves the content out.
    std::expected<T, Error> expected() && {
        T *value = there(*this);
        if (!value) {
            return std::unexpected<Error>(take_error());
        }
        return std::move(*value);
    }
#endif

private:
    Error take_error() noexcept {
        Error *error = std::get_if<Error>(&content_);
        return error ? std::move(*error) : Error(failure(*this));
    }

    /// The value, unless it was moved out.
    template <class Self>
    static auto there(Self &self) noexcept -> decltype(std::get_if<T>(&self.content_)) {
        auto *value = std::get_if<T>(&self.content_);
        return value && detail::is_there(*value, 0) ? value : nullptr;
    }

    static const Error &failure(const Result &self) noexcept {
        static const Error moved_out(AUTHKIT_MISUSE, nullptr);
        if (there(self)) {
            std::abort(); // asked of a success: a defect of the caller
        }
        const Error *error = std::get_if<Error>(&self.content_);
        return error ? *error : moved_out;
    }

    template <class Self>
    AUTHKIT_HPP_BY_MODE static auto &require(Self &self) {
        auto *value = there(self);
        if (!value) {
#if AUTHKIT_HPP_THROWS
            throw self.error();
#else
            std::abort();
#endif
        }
        return *value;
    }

    std::variant<T, Error> content_;
};

namespace detail {

inline Result<Done> done(authkit_status status, authkit_error *error = nullptr) noexcept {
    if (status == AUTHKIT_OK) {
        return Done{};
    }
    return Error(status, error);
}

/// The owner of what a C call made, or why it made none.
template <class T, class Handle>
Result<T> made(authkit_status status, Handle *handle, authkit_error *error) noexcept {
    if (status != AUTHKIT_OK) {
        return Error(status, error);
    }
    return T(handle);
}

} // namespace detail

/// A list that is read where it lies, item by item as it is walked: nothing is copied. It is borrowed
/// from the object it was asked of.
template <class Source>
class List {
public:
    /// What an item is: a std::string_view, or for headers a pair of them.
    using value_type = decltype(std::declval<const Source &>().at(std::size_t{}));

    /// Walks over a List, which must stay where it is meanwhile.
    class iterator {
    public:
        /// What C++17 makes of it: items are made as they are asked for.
        using iterator_category = std::input_iterator_tag;
        /// What C++20 makes of it: it can be walked again.
        using iterator_concept = std::forward_iterator_tag;
        /// The item's type.
        using value_type = typename List::value_type;
        /// Between two iterators.
        using difference_type = std::ptrdiff_t;
        /// None is given out.
        using pointer = void;
        /// Items are given by value.
        using reference = value_type;

        iterator() noexcept = default;
        /// The item.
        value_type operator*() const noexcept { return (*list_)[index_]; }
        /// On to the next.
        iterator &operator++() noexcept {
            ++index_;
            return *this;
        }
        /// On to the next; gives where it was.
        iterator operator++(int) noexcept {
            const iterator before = *this;
            ++index_;
            return before;
        }
        /// At the same place of the same list.
        friend bool operator==(const iterator &left, const iterator &right) noexcept {
            return left.index_ == right.index_ && left.list_ == right.list_;
        }
        /// At another.
        friend bool operator!=(const iterator &left, const iterator &right) noexcept { return !(left == right); }

    private:
        friend List;
        iterator(const List *list, std::size_t index) noexcept : list_(list), index_(index) {}
        const List *list_ = nullptr;
        std::size_t index_ = 0;
    };
    /// A list is never changed through its iterators.
    using const_iterator = iterator;

    /// A list of what the source gives.
    explicit List(Source source) noexcept : source_(std::move(source)), size_(source_.size()) {}

    /// How many items there are.
    std::size_t size() const noexcept { return size_; }
    /// Whether there is none.
    bool empty() const noexcept { return size_ == 0; }
    /// An item, counted from 0; an empty one from size() on.
    value_type operator[](std::size_t index) const noexcept { return source_.at(index); }
    /// The first.
    iterator begin() const noexcept { return iterator(this, 0); }
    /// Behind the last.
    iterator end() const noexcept { return iterator(this, size_); }
    /// Whether an item is this one, compared exactly.
    bool contains(const value_type &item) const noexcept { return std::find(begin(), end(), item) != end(); }

private:
    Source source_;
    std::size_t size_;
};

namespace detail {

/// A list of the token's that C reads by two functions.
struct ClaimTexts {
    const authkit_claims *claims;
    std::size_t (*count)(const authkit_claims *);
    const char *(*text)(const authkit_claims *, std::size_t);

    std::size_t size() const noexcept { return count(claims); }
    std::string_view at(std::size_t index) const noexcept { return view(text(claims, index)); }
};

/// A claim that is a list of strings.
struct NamedTexts {
    const authkit_claims *claims;
    Argument name;

    std::size_t size() const noexcept { return authkit_claims_list_count(claims, name.get()); }
    std::string_view at(std::size_t index) const noexcept {
        std::size_t length = 0;
        const char *item = authkit_claims_list_at(claims, name.get(), index, &length);
        return item ? std::string_view(item, length) : std::string_view();
    }
};

/// The headers of a response.
struct HeaderPairs {
    const authkit_response *response;

    std::size_t size() const noexcept { return authkit_response_header_count(response); }
    std::pair<std::string_view, std::string_view> at(std::size_t index) const noexcept {
        return {view(authkit_response_header_name_at(response, index)),
                view(authkit_response_header_value_at(response, index))};
    }
};

} // namespace detail

/// The token's scopes or audiences.
using Texts = List<detail::ClaimTexts>;
/// A claim that is a list of strings, found by its name.
using NamedTexts = List<detail::NamedTexts>;
/// Pairs of a header's name, in lower case, and its value.
using Headers = List<detail::HeaderPairs>;

/// Settings for a verifier, by the names at authkit_config_set().
class Config {
public:
    /// No settings yet.
    Config() noexcept : handle_(authkit_config_new()) {}
    /// Takes over settings that a C call made.
    explicit Config(authkit_config *owned) noexcept : handle_(owned) {}

    /// The process environment's. AUTHKIT_CONFIG names the variable that is unknown or wrong.
    static Result<Config> from_environment() noexcept {
        authkit_config *config = nullptr;
        authkit_error *error = nullptr;
        const authkit_status status = authkit_config_from_environment(&config, &error);
        return detail::made<Config>(status, config, error);
    }

    /// The process environment's, and for what is not set there an env file's.
    static Result<Config> from_env_file(std::string_view path) noexcept {
        authkit_config *config = nullptr;
        authkit_error *error = nullptr;
        const authkit_status status = authkit_config_from_env_file(detail::Argument(path).get(), &config, &error);
        return detail::made<Config>(status, config, error);
    }

    /// As from_env_file(), for a file that no one chose: only the FastMCP guide's variables in it count.
    /// AUTHKIT_CONFIG, too, if a stranger can have written it. If there is no file, only the environment counts.
    static Result<Config> from_implicit_env_file(std::string_view path) noexcept {
        authkit_config *config = nullptr;
        authkit_error *error = nullptr;
        const authkit_status status =
            authkit_config_from_implicit_env_file(detail::Argument(path).get(), &config, &error);
        return detail::made<Config>(status, config, error);
    }

    /// A JSON object's members. AUTHKIT_CONFIG says where and what is wrong.
    static Result<Config> from_json(std::string_view json) noexcept {
        authkit_config *config = nullptr;
        authkit_error *error = nullptr;
        const authkit_status status = authkit_config_from_json(detail::data(json), json.size(), &config, &error);
        return detail::made<Config>(status, config, error);
    }

    /// Sets one setting. AUTHKIT_CONFIG for an unknown name or a value in the wrong form.
    Result<Done> set(std::string_view name, std::string_view value) noexcept {
        authkit_error *error = nullptr;
        const authkit_status status =
            authkit_config_set(handle_.get(), detail::Argument(name).get(), detail::Argument(value).get(), &error);
        return detail::done(status, error);
    }

    /// For C functions; stays this object's.
    const authkit_config *handle() const noexcept { return handle_.get(); }

private:
    detail::Owner<authkit_config, authkit_config_free> handle_;
};

/// What one call demands beyond the configuration. Made once, it serves any number of calls.
class Policy {
public:
    /// No demands yet.
    Policy() noexcept : handle_(authkit_policy_new()) {}
    /// Takes over a policy that a C call made.
    explicit Policy(authkit_policy *owned) noexcept : handle_(owned) {}

    /// Demands one more scope.
    Result<Done> require_scope(std::string_view scope) noexcept {
        authkit_error *error = nullptr;
        const authkit_status status =
            authkit_policy_require_scope(handle_.get(), detail::Argument(scope).get(), &error);
        return detail::done(status, error);
    }

    /// Demands one of several scopes, written with a single space between each two.
    Result<Done> require_any_scope(std::string_view scopes) noexcept {
        authkit_error *error = nullptr;
        const authkit_status status =
            authkit_policy_require_any_scope(handle_.get(), detail::Argument(scopes).get(), &error);
        return detail::done(status, error);
    }

    /// Judges as of a time in place of the clock: seconds since 1970-01-01T00:00:00Z.
    Result<Done> set_now(std::int64_t unix_seconds) noexcept {
        return detail::done(authkit_policy_set_now(handle_.get(), unix_seconds));
    }

    /// Names the tool that is called, for the log; demands nothing.
    Result<Done> set_tool(std::string_view tool) noexcept {
        return detail::done(authkit_policy_set_tool(handle_.get(), detail::Argument(tool).get()));
    }

    /// For C functions; stays this object's. NULL once the object was moved from. To C functions NULL means no
    /// demands, so do not pass them the handle of an object that may have been moved from.
    const authkit_policy *handle() const noexcept { return handle_.get(); }

private:
    detail::Owner<authkit_policy, authkit_policy_free> handle_;
};

/// Which paths demand which scopes, and which are open to all: places, as authkit_access_from_json() reads them.
class Access {
public:
    /// Takes over places that a C call made.
    explicit Access(authkit_access *owned) noexcept : handle_(owned) {}

    /// Reads places from a JSON object. AUTHKIT_CONFIG if a part of it can never take effect.
    static Result<Access> from_json(std::string_view json) noexcept {
        authkit_access *access = nullptr;
        authkit_error *error = nullptr;
        const authkit_status status = authkit_access_from_json(detail::data(json), json.size(), &access, &error);
        return detail::made<Access>(status, access, error);
    }

    /// Adds the scopes of a path to the policy, and says whether the request needs no token.
    ///
    /// `path` is the raw path of the request's target. `root_path` is the decoded prefix below which the host has
    /// mounted its application, empty if there is none. On failure `is_public` is false, and the policy
    /// passes no token.
    Result<Done> judge(std::string_view path, Policy &policy, bool &is_public,
                       std::string_view root_path = {}) const noexcept {
        is_public = false;
        bool needs_none = false;
        char scopes[AUTHKIT_ACCESS_CAPACITY];
        authkit_error *error = nullptr;
        const authkit_status status =
            authkit_access_judge(handle_.get(), detail::data(path), path.size(), nullptr, 0, detail::data(root_path),
                                 root_path.size(), scopes, sizeof scopes, &needs_none, &error);
        // After a failure they hold something that is not a scope, so that the policy fails too.
        Result<Done> demanded = Done{};
        for (std::string_view rest(scopes); demanded && !rest.empty();) {
            const std::size_t end = std::min(rest.find(' '), rest.size());
            demanded = policy.require_scope(rest.substr(0, end));
            rest.remove_prefix(std::min(end + 1, rest.size()));
        }
        if (status != AUTHKIT_OK) {
            return Error(status, error);
        }
        is_public = demanded && needs_none;
        return demanded;
    }

    /// For C functions; stays this object's.
    const authkit_access *handle() const noexcept { return handle_.get(); }

private:
    detail::Owner<authkit_access, authkit_access_free> handle_;
};

/// What an accepted token says. Independent of the verifier that made it.
class Claims {
public:
    /// Takes over claims that a C call made.
    explicit Claims(authkit_claims *owned) noexcept : handle_(owned) {}

    /// The payload, byte for byte as it was signed.
    std::string_view json() const noexcept { return detail::sized(authkit_claims_json, handle()); }
    /// The header, byte for byte as it was signed.
    std::string_view header_json() const noexcept { return detail::sized(authkit_claims_header_json, handle()); }

    /// `iss`: one of the configured issuers.
    std::string_view issuer() const noexcept { return detail::view(authkit_claims_issuer(handle())); }
    /// `sub`: the user, or for a machine's token the client. Unique within the issuer only.
    std::string_view subject() const noexcept { return detail::view(authkit_claims_subject(handle())); }
    /// The configured audience that the token's `aud` matched.
    std::optional<std::string_view> resource() const noexcept {
        return detail::optional_view(authkit_claims_resource(handle()));
    }
    /// The client that the token was issued to.
    std::string_view client_id() const noexcept { return detail::view(authkit_claims_client_id(handle())); }
    /// `kid` of the header.
    std::optional<std::string_view> key_id() const noexcept {
        return detail::optional_view(authkit_claims_key_id(handle()));
    }
    /// `alg` of the header: "RS256".
    std::string_view algorithm() const noexcept { return detail::view(authkit_claims_algorithm(handle())); }

    /// `exp`, in seconds since 1970-01-01T00:00:00Z; 0, long past, of moved-from claims.
    std::int64_t expires_at() const noexcept { return time(authkit_claims_expires_at).value_or(0); }
    /// `iat`, in seconds since 1970-01-01T00:00:00Z.
    std::optional<std::int64_t> issued_at() const noexcept { return time(authkit_claims_issued_at); }
    /// `nbf`, in seconds since 1970-01-01T00:00:00Z.
    std::optional<std::int64_t> not_before() const noexcept { return time(authkit_claims_not_before); }

    /// Whether the token names a scope; the configuration's hierarchy is a Policy's to apply.
    bool has_scope(std::string_view scope) const noexcept {
        return authkit_claims_has_scope(handle(), detail::Argument(scope).get());
    }
    /// The token's scopes, in its order.
    Texts scopes() const noexcept {
        return Texts({handle(), authkit_claims_scope_count, authkit_claims_scope_at});
    }
    /// The token's audiences, in its order.
    Texts audience() const noexcept {
        return Texts({handle(), authkit_claims_audience_count, authkit_claims_audience_at});
    }

    /// `org_id`: the organization that the user signed in to.
    std::optional<std::string_view> org_id() const noexcept {
        return detail::optional_view(authkit_claims_org_id(handle()));
    }
    /// `sid`: the session that the token belongs to.
    std::optional<std::string_view> session_id() const noexcept {
        return detail::optional_view(authkit_claims_session_id(handle()));
    }
    /// `role`: the user's role in the organization.
    std::optional<std::string_view> role() const noexcept {
        return detail::optional_view(authkit_claims_role(handle()));
    }
    /// `roles`; empty where the token has no such list.
    NamedTexts roles() const noexcept { return list("roles"); }
    /// `permissions`; empty where the token has no such list.
    NamedTexts permissions() const noexcept { return list("permissions"); }
    /// `entitlements`; empty where the token has no such list.
    NamedTexts entitlements() const noexcept { return list("entitlements"); }
    /// `feature_flags`; empty where the token has no such list.
    NamedTexts feature_flags() const noexcept { return list("feature_flags"); }
    /// `act.sub`: who acts for the subject now, the first of actors(); absent if the token names no actor.
    std::optional<std::string_view> actor() const noexcept {
        return detail::optional_view(authkit_claims_actor(handle()));
    }
    /// The chain of actors, outermost first, eight at most; the first acts now.
    Texts actors() const noexcept {
        return Texts({handle(), authkit_claims_actor_count, authkit_claims_actor_at});
    }
    /// Whether a person acts as the user, by a session token's `act`; true of moved-from claims.
    bool is_impersonated() const noexcept { return authkit_claims_is_impersonated(handle()); }
    /// Who the token speaks for.
    authkit_kind kind() const noexcept { return authkit_claims_kind(handle()); }
    /// Whether it speaks for a machine for certain.
    bool is_machine() const noexcept { return kind() == AUTHKIT_KIND_MACHINE; }
    /// Which of AuthKit's families of tokens it is of.
    authkit_family family() const noexcept { return authkit_claims_family(handle()); }
    /// What AuthKit says of the caller as one JSON object.
    std::string_view identity_json() const noexcept { return detail::sized(authkit_claims_identity_json, handle()); }

    /// Any claim by its name, if it is a string.
    std::optional<std::string_view> string(std::string_view name) const noexcept {
        return text(authkit_claims_string, name);
    }
    /// Any claim by its name, if it is a whole number.
    std::optional<std::int64_t> integer(std::string_view name) const noexcept {
        return scalar<std::int64_t>(authkit_claims_integer, name);
    }
    /// Any claim by its name, if it is a number.
    std::optional<double> number(std::string_view name) const noexcept {
        return scalar<double>(authkit_claims_number, name);
    }
    /// Any claim by its name, if it is true or false.
    std::optional<bool> boolean(std::string_view name) const noexcept {
        return scalar<bool>(authkit_claims_boolean, name);
    }
    /// The strings of a claim that is a list of strings; empty if it is not.
    NamedTexts list(std::string_view name) const noexcept {
        return NamedTexts({handle(), detail::Argument(name)});
    }
    /// Any claim as its JSON text: for nested ones such as "act".
    std::optional<std::string_view> value_json(std::string_view name) const noexcept {
        return text(authkit_claims_value_json, name);
    }

    /// For C functions; stays this object's.
    const authkit_claims *handle() const noexcept { return handle_.get(); }

private:
    std::optional<std::int64_t> time(authkit_status (*get)(const authkit_claims *, std::int64_t *)) const noexcept {
        std::int64_t seconds = 0;
        return get(handle(), &seconds) == AUTHKIT_OK ? std::optional<std::int64_t>(seconds) : std::nullopt;
    }

    std::optional<std::string_view> text(const char *(*get)(const authkit_claims *, const char *, std::size_t *),
                                         std::string_view name) const noexcept {
        std::size_t length = 0;
        const char *text = get(handle(), detail::Argument(name).get(), &length);
        return text ? std::optional<std::string_view>(std::in_place, text, length) : std::nullopt;
    }

    template <class T>
    std::optional<T> scalar(authkit_status (*get)(const authkit_claims *, const char *, T *),
                            std::string_view name) const noexcept {
        T value{};
        const bool found = get(handle(), detail::Argument(name).get(), &value) == AUTHKIT_OK;
        return found ? std::optional<T>(value) : std::nullopt;
    }

    detail::Owner<authkit_claims, authkit_claims_free> handle_;
};

/// One line for a log.
class LogLine {
public:
    /// Takes over a line that a C call made.
    explicit LogLine(authkit_log_line *owned) noexcept : handle_(owned) {}

    /// How loud; a warning of nothing.
    authkit_log_level level() const noexcept { return authkit_log_line_level(handle()); }
    /// What to write: printable, on one line, without the token.
    std::string_view text() const noexcept { return detail::view(authkit_log_line_text(handle())); }

    /// For C functions; stays this object's.
    const authkit_log_line *handle() const noexcept { return handle_.get(); }

private:
    detail::Owner<authkit_log_line, authkit_log_line_free> handle_;
};

/// What a resource server answers: to be sent as it is.
class [[nodiscard]] Response {
public:
    /// Takes over a response that a C call made; NULL is a 500 without headers and body.
    explicit Response(authkit_response *owned) noexcept : handle_(owned) {}

    /// The HTTP status.
    int status() const noexcept { return authkit_response_status(handle()); }
    /// Name, in lower case, and value of each header. Each name comes once.
    Headers headers() const noexcept { return Headers({handle()}); }
    /// The body: JSON, or empty.
    std::string_view body() const noexcept { return detail::sized(authkit_response_body, handle()); }
    /// What to write into the log if this is sent; nothing if its cause was told less than 10 s ago.
    std::optional<std::string_view> log_line() const noexcept {
        return detail::optional_view(authkit_log_line_text(authkit_response_log_line(handle())));
    }
    /// How loud log_line() is.
    authkit_log_level log_level() const noexcept { return authkit_log_line_level(authkit_response_log_line(handle())); }
    /// Whether try_authorize() or try_well_known() could not answer without waiting: this is a 503 then.
    bool would_block() const noexcept {
        return authkit_status_class(authkit_error_status(authkit_response_error(handle()))) == AUTHKIT_CLASS_WOULD_BLOCK;
    }

    /// For C functions; stays this object's.
    const authkit_response *handle() const noexcept { return handle_.get(); }

private:
    detail::Owner<authkit_response, authkit_response_free> handle_;
};

/// May this request go on? With claims it may; without, `response` is the answer.
struct [[nodiscard]] Decision {
    /// What the accepted token says, or the reason for your log.
    Result<Claims> claims;
    /// What to send where the request may not go on.
    Response response;

    /// Whether the request may go on.
    explicit operator bool() const noexcept { return claims.has_value(); }
};

/// What a verifier has and has done, at one moment. Independent of the verifier that made it.
class Stats {
public:
    /// Takes over stats that a C call made.
    explicit Stats(authkit_stats *owned) noexcept : handle_(owned) {}

    /// One object, whose members are told at authkit_stats_json().
    std::string_view json() const noexcept { return detail::sized(authkit_stats_json, handle()); }

    /// One number over all issuers, such as "fetches" or "verdicts.OK"; none if there is no such number now.
    std::optional<std::int64_t> number(std::string_view name) const noexcept { return read(nullptr, name); }
    /// One number of one issuer's.
    std::optional<std::int64_t> number(std::string_view issuer, std::string_view name) const noexcept {
        // A NUL inside would make the issuer NULL, and that would mean all of them.
        const detail::Argument argument(issuer);
        return argument.get() ? read(argument.get(), name) : std::nullopt;
    }

    /// For C functions; stays this object's.
    const authkit_stats *handle() const noexcept { return handle_.get(); }

private:
    std::optional<std::int64_t> read(const char *issuer, std::string_view name) const noexcept {
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
    explicit Event(authkit_event *owned) noexcept : handle_(owned) {}

    /// What happened: "fetched", "failed", "rotated" and so on.
    std::string_view name() const noexcept { return detail::view(authkit_event_name(handle())); }
    /// One object, whose members are told at authkit_event_json().
    std::string_view json() const noexcept { return detail::sized(authkit_event_json, handle()); }

    /// For C functions; stays this object's.
    const authkit_event *handle() const noexcept { return handle_.get(); }

private:
    detail::Owner<authkit_event, authkit_event_free> handle_;
};

/// What a Verifier and a VerifierRef can be asked; any number of threads may ask at once.
template <class Self>
class VerifierCalls {
public:
    /// Verifies a token, the text after "Bearer "; may wait for the issuer's keys, at most fetch_timeout (5 seconds).
    Result<Claims> verify(std::string_view token) const noexcept {
        return judge(authkit_verifier_verify, token, nullptr);
    }
    /// Verifies a token, with demands of this call.
    Result<Claims> verify(std::string_view token, const Policy &policy) const noexcept {
        return judge(authkit_verifier_verify, token, &policy);
    }

    /// Verifies a token without waiting: AUTHKIT_WOULD_BLOCK where keys must be fetched first.
    Result<Claims> try_verify(std::string_view token) const noexcept {
        return judge(authkit_verifier_try_verify, token, nullptr);
    }
    /// Verifies a token without waiting, with demands of this call.
    Result<Claims> try_verify(std::string_view token, const Policy &policy) const noexcept {
        return judge(authkit_verifier_try_verify, token, &policy);
    }

    /// Decides whether a request may go on, by its Authorization header and its query, both raw
    /// and nothing where the request has none; may wait as verify().
    Decision authorize(std::optional<std::string_view> authorization,
                       std::optional<std::string_view> query = std::nullopt) const noexcept {
        return decide(authkit_verifier_authorize, authorization, query, nullptr);
    }
    /// Decides whether a request may go on, with demands of this call.
    Decision authorize(std::optional<std::string_view> authorization, std::optional<std::string_view> query,
                       const Policy &policy) const noexcept {
        return decide(authkit_verifier_authorize, authorization, query, &policy);
    }

    /// Decides without waiting: AUTHKIT_WOULD_BLOCK where keys must be fetched first.
    Decision try_authorize(std::optional<std::string_view> authorization,
                           std::optional<std::string_view> query = std::nullopt) const noexcept {
        return decide(authkit_verifier_try_authorize, authorization, query, nullptr);
    }
    /// Decides without waiting, with demands of this call.
    Decision try_authorize(std::optional<std::string_view> authorization, std::optional<std::string_view> query,
                           const Policy &policy) const noexcept {
        return decide(authkit_verifier_try_authorize, authorization, query, &policy);
    }

    /// The answer to a request for a well-known document; none for other paths. May wait.
    [[nodiscard]] std::optional<Response> well_known(std::string_view method, std::string_view path) const noexcept {
        return answer(authkit_verifier_well_known, method, path);
    }
    /// The same without waiting: a 503 where the authorization server must be asked first.
    [[nodiscard]] std::optional<Response> try_well_known(std::string_view method,
                                                         std::string_view path) const noexcept {
        return answer(authkit_verifier_try_well_known, method, path);
    }

    /// The ticket of a token that was accepted before and is accepted now, by which a host finds what it
    /// made of it; 0 where the token must be verified. Never waits.
    [[nodiscard]] std::uint64_t recall(std::string_view token) const noexcept { return recall_by(token, nullptr); }
    /// The ticket of a token that was accepted before and is accepted now, with demands of this call.
    [[nodiscard]] std::uint64_t recall(std::string_view token, const Policy &policy) const noexcept {
        return recall_by(token, &policy);
    }
    /// As recall(), for the token in a request; parameters as for authorize().
    [[nodiscard]] std::uint64_t
    recall_request(std::optional<std::string_view> authorization,
                   std::optional<std::string_view> query = std::nullopt) const noexcept {
        return recall_request_by(authorization, query, nullptr);
    }
    /// As recall(), for the token in a request, with demands of this call.
    [[nodiscard]] std::uint64_t recall_request(std::optional<std::string_view> authorization,
                                               std::optional<std::string_view> query,
                                               const Policy &policy) const noexcept {
        return recall_request_by(authorization, query, &policy);
    }

    /// Fetches every issuer's keys now and waits for them, at most fetch_timeout (5 seconds).
    Result<Done> refresh() const noexcept {
        authkit_error *error = nullptr;
        const authkit_status status = authkit_verifier_refresh(asked(), &error);
        return detail::done(status, error);
    }

    /// Starts to fetch every issuer's keys and returns at once.
    Result<Done> start_refresh() const noexcept {
        authkit_error *error = nullptr;
        const authkit_status status = authkit_verifier_start_refresh(asked(), &error);
        return detail::done(status, error);
    }

    /// How many fetches have ended: read it before try_verify(), give it to wait().
    std::uint64_t fetches_ended() const noexcept { return authkit_verifier_fetches_ended(asked()); }

    /// How long one call waits for keys in all: the setting fetch_timeout.
    std::chrono::seconds fetch_timeout() const noexcept {
        return std::chrono::seconds(authkit_verifier_fetch_timeout(asked()));
    }

    /// Waits, off the event loop, until a fetch has ended since `seen`. AUTHKIT_WOULD_BLOCK if no fetch has ended
    /// before the timeout, which may have any length, or if none was under way for a second.
    template <class Count, class Period>
    Result<Done> wait(std::uint64_t seen, std::chrono::duration<Count, Period> timeout) const noexcept {
        return detail::done(authkit_verifier_wait(asked(), seen, detail::milliseconds(timeout)));
    }

    /// Waits until every issuer has keys to verify with, fetching what is missing; the timeout may be of any length.
    template <class Count, class Period>
    Result<Done> wait_ready(std::chrono::duration<Count, Period> timeout) const noexcept {
        authkit_error *error = nullptr;
        const authkit_status status = authkit_verifier_wait_ready(asked(), detail::milliseconds(timeout), &error);
        return detail::done(status, error);
    }

    /// A moment's state of the keys, and counts. Waits for nothing.
    Result<Stats> stats() const noexcept {
        authkit_stats *stats = nullptr;
        authkit_error *error = nullptr;
        const authkit_status status = authkit_verifier_stats(asked(), &stats, &error);
        return detail::made<Stats>(status, stats, error);
    }

    /// Takes the oldest event that is still there.
    [[nodiscard]] std::optional<Event> next_event() const noexcept {
        authkit_event *event = authkit_verifier_next_event(asked());
        return event ? std::optional<Event>(event) : std::nullopt;
    }

    /// Takes the next line for the log that belongs to no request: of the start, of the keys, of what was not told.
    [[nodiscard]] std::optional<LogLine> next_log_line() const noexcept {
        authkit_log_line *line = authkit_verifier_next_log_line(asked());
        return line ? std::optional<LogLine>(line) : std::nullopt;
    }

    /// Gives the only issuer's keys as a JWKS document.
    Result<Done> set_jwks(std::string_view json) const noexcept { return give(nullptr, json); }
    /// Gives an issuer's keys as a JWKS document.
    Result<Done> set_jwks(std::string_view issuer, std::string_view json) const noexcept {
        // A NUL inside would make the issuer NULL, and that would mean "the only one".
        const detail::Argument argument(issuer);
        return argument.get() ? give(argument.get(), json) : detail::done(AUTHKIT_MISUSE);
    }

    /// The resource that tokens must be meant for.
    std::optional<std::string_view> resource() const noexcept {
        return detail::optional_view(authkit_verifier_resource(asked()));
    }
    /// The protected resource metadata (RFC 9728), a JSON document; empty where no resource is configured.
    std::string_view resource_metadata() const noexcept {
        return detail::sized(authkit_verifier_resource_metadata, asked());
    }
    /// Where clients find it: the `resource_metadata` of challenges.
    std::optional<std::string_view> resource_metadata_url() const noexcept {
        return detail::optional_view(authkit_verifier_resource_metadata_url(asked()));
    }
    /// The configuration in force, without a secret; its first line is what to paste into the dashboard.
    std::string_view describe() const noexcept { return detail::sized(authkit_verifier_describe, asked()); }

private:
    // A part of Self, and nothing without it.
    friend Self;
    VerifierCalls() = default;
    ~VerifierCalls() = default;
    VerifierCalls(const VerifierCalls &) = default;
    VerifierCalls(VerifierCalls &&) noexcept = default;
    VerifierCalls &operator=(const VerifierCalls &) = default;
    VerifierCalls &operator=(VerifierCalls &&) noexcept = default;

    using Text = std::optional<std::string_view>;
    using Authorize = authkit_status(const authkit_verifier *, const char *, std::size_t, const char *, std::size_t,
                                     const authkit_policy *, authkit_response **, authkit_error **);
    using Verify = authkit_status(const authkit_verifier *, const char *, std::size_t, const authkit_policy *,
                                  authkit_claims **, authkit_error **);
    using WellKnown = authkit_status(const authkit_verifier *, const char *, const char *, std::size_t,
                                     authkit_response **, authkit_error **);

    const authkit_verifier *asked() const noexcept { return static_cast<const Self *>(this)->handle(); }
    static const char *data(const Text &text) noexcept { return text ? detail::data(*text) : nullptr; }
    static std::size_t size(const Text &text) noexcept { return text ? text->size() : 0; }

    // To C, NULL means no demands, so a policy without its handle must not be passed on.
    static bool is_lost(const Policy *policy) noexcept { return policy && !policy->handle(); }
    static const authkit_policy *demands(const Policy *policy) noexcept { return policy ? policy->handle() : nullptr; }
    static Error lost() noexcept {
        authkit_error *error = nullptr;
        const authkit_status status = authkit_policy_require_scope(nullptr, "", &error);
        return Error(status, error);
    }

    Result<Claims> judge(Verify *ask, std::string_view token, const Policy *policy) const noexcept {
        if (is_lost(policy)) {
            return lost();
        }
        authkit_claims *claims = nullptr;
        authkit_error *error = nullptr;
        const authkit_status status =
            ask(asked(), detail::data(token), token.size(), demands(policy), &claims, &error);
        return detail::made<Claims>(status, claims, error);
    }

    Decision decide(Authorize *ask, const Text &authorization, const Text &query,
                    const Policy *policy) const noexcept {
        if (is_lost(policy)) {
            return Decision{lost(), Response(nullptr)};
        }
        authkit_response *response = nullptr;
        authkit_error *error = nullptr;
        authkit_status status = ask(asked(), data(authorization), size(authorization), data(query), size(query),
                                    demands(policy), &response, &error);
        authkit_claims *claims = authkit_response_take_claims(response);
        if (status == AUTHKIT_OK && !claims) { // a defect: nobody goes on without claims, and no 200 is sent
            status = AUTHKIT_INTERNAL;
            authkit_response_free(response);
            response = nullptr;
        }
        return Decision{detail::made<Claims>(status, claims, error), Response(response)};
    }

    std::optional<Response> answer(WellKnown *ask, std::string_view method, std::string_view path) const noexcept {
        authkit_response *response = nullptr;
        ask(asked(), detail::Argument(method).get(), detail::data(path), path.size(), &response, nullptr);
        return response ? std::optional<Response>(std::in_place, response) : std::nullopt;
    }

    std::uint64_t recall_by(std::string_view token, const Policy *policy) const noexcept {
        return is_lost(policy) ? 0
                               : authkit_verifier_recall(asked(), detail::data(token), token.size(), demands(policy));
    }

    std::uint64_t recall_request_by(const Text &authorization, const Text &query,
                                    const Policy *policy) const noexcept {
        return is_lost(policy) ? 0
                               : authkit_verifier_recall_request(asked(), data(authorization), size(authorization),
                                                                 data(query), size(query), demands(policy));
    }

    Result<Done> give(const char *issuer, std::string_view json) const noexcept {
        authkit_error *error = nullptr;
        const authkit_status status =
            authkit_verifier_set_jwks(asked(), issuer, detail::data(json), json.size(), &error);
        return detail::done(status, error);
    }
};

/// A verifier that somebody else owns, such as the process's default. Cheap to copy.
class VerifierRef : public VerifierCalls<VerifierRef> {
public:
    /// Borrows a verifier, which must live longer.
    explicit VerifierRef(const authkit_verifier *borrowed) noexcept : borrowed_(borrowed) {}

    /// For C functions; stays its owner's.
    const authkit_verifier *handle() const noexcept { return borrowed_; }

private:
    const authkit_verifier *borrowed_;
};

/// Verifies tokens by one configuration and keeps the issuers' keys; movable, not copyable.
class Verifier : public VerifierCalls<Verifier> {
public:
    /// Takes over a verifier that a C call made.
    explicit Verifier(authkit_verifier *owned) noexcept : owned_(owned) {}

    /// Checks the settings; opens no connection. AUTHKIT_CONFIG names what is missing or wrong.
    static Result<Verifier> create(const Config &config) noexcept {
        authkit_verifier *verifier = nullptr;
        authkit_error *error = nullptr;
        const authkit_status status = authkit_verifier_new(config.handle(), &verifier, &error);
        return detail::made<Verifier>(status, verifier, error);
    }

    /// This verifier, for whoever need not own it.
    VerifierRef ref() const noexcept { return VerifierRef(handle()); }

    /// For C functions; stays this object's.
    const authkit_verifier *handle() const noexcept { return owned_.get(); }

private:
    detail::Owner<authkit_verifier, authkit_verifier_free> owned_;
};

/// The process's default verifier, made from the environment on first use; valid for the life of the process.
inline Result<VerifierRef> default_verifier() noexcept {
    const authkit_verifier *lent = nullptr;
    authkit_error *error = nullptr;
    const authkit_status status = authkit_default_verifier(&lent, &error);
    return detail::made<VerifierRef>(status, lent, error);
}

/// Makes a verifier the process's default; at start, before the default is first used.
inline Result<Done> set_default(const Verifier &verifier) noexcept {
    return detail::done(authkit_set_default(verifier.handle()));
}

/// Verifies a token with the process's default verifier: the front door.
inline Result<Claims> verify(std::string_view token) noexcept {
    return default_verifier().and_then([token](VerifierRef verifier) { return verifier.verify(token); });
}

/// The release of the loaded library: "0.1.0".
inline std::string_view version() noexcept { return authkit_version(); }

/// The contract that the loaded library keeps: AUTHKIT_ABI_VERSION, or another library was loaded.
inline std::uint32_t abi_version() noexcept { return authkit_abi_version(); }

} // namespace authkit

#undef AUTHKIT_HPP_BY_MODE
#undef AUTHKIT_HPP_MODE
#undef AUTHKIT_HPP_THROWS

#endif
