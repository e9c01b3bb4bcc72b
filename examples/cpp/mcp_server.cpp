// An MCP server on Boost.Beast, open to who logs in at AuthKit, configured by the environment (AUTHKIT_DOMAIN,
// AUTHKIT_BASE_URL ...). One thread serves all connections; what waits for the issuer's keys, waits on others.

#include <chrono>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <nlohmann/json.hpp>

#include "authkit.hpp"

namespace net = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Json = nlohmann::json;
using Request = http::request<http::string_body>;
using Answer = http::response<http::string_body>;

constexpr std::uint64_t LONGEST_BODY = 1024 * 1024;
constexpr std::uint32_t LONGEST_HEADERS = 32 * 1024;
constexpr std::chrono::seconds IDLE(30);
constexpr std::size_t WAITING_THREADS = 4;

// --- the tools -------------------------------------------------------------------------------------------------

struct Tool {
    std::string description;
    authkit::Policy demands; // beside the configuration's
    std::function<Json(const authkit::Claims &)> call;
};

authkit::Policy demands_of(std::string_view tool, std::string_view scope) {
    authkit::Policy policy;
    policy.require_scope(scope).value();
    policy.set_tool(tool).value(); // for the log
    return policy;
}

std::map<std::string, Tool> make_tools() {
    std::map<std::string, Tool> tools;
    tools["whoami"] = {"Says who calls, with which scopes", {}, [](const authkit::Claims &caller) {
                           return Json{{"subject", caller.subject()}, {"scopes", caller.scopes()}};
                       }};
    tools["publish"] = {"Publishes in the caller's name", demands_of("publish", "mcp:write"), [](const authkit::Claims &caller) {
                            return Json{{"published_by", caller.subject()}};
                        }};
    return tools;
}

const std::map<std::string, Tool> TOOLS = make_tools();

// --- JSON-RPC --------------------------------------------------------------------------------------------------

const std::string NEWEST_VERSION = "2025-11-25";

bool speaks(std::string_view version) { return version == NEWEST_VERSION || version == "2025-06-18"; }

struct Call {
    Json id; // null of a notification
    std::string method;
    Json params;
    const Tool *tool = nullptr; // of tools/call, where there is such a tool
};

std::string text_of(const Json &object, const char *name) {
    const auto member = object.find(name);
    return member != object.end() && member->is_string() ? member->get<std::string>() : std::string();
}

std::optional<Call> read_call(const std::string &body) {
    const Json message = Json::parse(body, nullptr, /* throws */ false);
    if (!message.is_object() || text_of(message, "jsonrpc") != "2.0")
        return std::nullopt;
    Call call{message.value("id", Json()), text_of(message, "method"), message.value("params", Json::object())};
    if (call.method.empty() || !call.params.is_object())
        return std::nullopt;
    if (message.contains("id") && !call.id.is_string() && !call.id.is_number_integer())
        return std::nullopt;
    const auto tool = TOOLS.find(text_of(call.params, "name"));
    if (call.method == "tools/call" && tool != TOOLS.end())
        call.tool = &tool->second;
    return call;
}

Json failure(const Json &id, int code, const char *message) {
    return {{"jsonrpc", "2.0"}, {"id", id}, {"error", {{"code", code}, {"message", message}}}};
}

Json success(const Json &id, Json result) { return {{"jsonrpc", "2.0"}, {"id", id}, {"result", std::move(result)}}; }

Json initialize(const Json &params) {
    const std::string asked = text_of(params, "protocolVersion");
    return {{"protocolVersion", speaks(asked) ? asked : NEWEST_VERSION},
            {"capabilities", {{"tools", Json::object()}}},
            {"serverInfo", {{"name", "publisher"}, {"version", "1.0.0"}}}};
}

Json list_tools() {
    Json list = Json::array();
    for (const auto &[name, tool] : TOOLS)
        list.push_back({{"name", name}, {"description", tool.description}, {"inputSchema", {{"type", "object"}}}});
    return {{"tools", list}};
}

Json call_tool(const Tool &tool, const authkit::Claims &caller) {
    return {{"content", Json::array({{{"type", "text"}, {"text", tool.call(caller).dump()}}})}};
}

Json perform(const Call &call, const authkit::Claims &caller) {
    if (call.method == "initialize")
        return success(call.id, initialize(call.params));
    if (call.method == "ping")
        return success(call.id, Json::object());
    if (call.method == "tools/list")
        return success(call.id, list_tools());
    if (call.method != "tools/call")
        return failure(call.id, -32601, "no such method");
    return call.tool ? success(call.id, call_tool(*call.tool, caller)) : failure(call.id, -32602, "no such tool");
}

// --- HTTP ------------------------------------------------------------------------------------------------------

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

Answer answer(int status, std::string body = "") {
    Answer answer;
    answer.result(static_cast<unsigned>(status));
    answer.body() = std::move(body);
    return answer;
}

Answer answer(int status, const Json &json) {
    Answer told = answer(status, json.dump());
    told.set(http::field::content_type, "application/json");
    return told;
}

Answer allowing(int status) {
    Answer told = answer(status);
    told.set(http::field::allow, "POST, OPTIONS");
    told.set(http::field::access_control_allow_headers,
             "authorization, content-type, accept, mcp-protocol-version, mcp-session-id, mcp-method, mcp-name, "
             "last-event-id, dpop");
    return told;
}

// [readme]
/// What the library decided, every header of it.
Answer answer(const authkit::Response &response) {
    Answer told = answer(response.status(), std::string(response.body()));
    for (const auto &[name, value] : response.headers())
        told.set(beast::string_view(name.data(), name.size()), beast::string_view(value.data(), value.size()));
    return told;
}

class Guard {
public:
    Guard(authkit::VerifierRef verifier, net::thread_pool &waiting) : verifier_(verifier), waiting_(waiting) {}

    /// Whether a request may go on: by its token, and for a tool by the scopes that this one needs.
    net::awaitable<authkit::Decision> authorize(const Request &request, const authkit::Policy &policy = {}) const {
        const std::optional<std::string> authorization = joined(request);
        const std::string_view target = view(request.target());
        const std::size_t mark = target.find('?');
        const auto query = mark == target.npos ? std::nullopt : std::optional(target.substr(mark + 1));
        authkit::Decision decision = verifier_.try_authorize(authorization, query, policy);
        if (decision.response.would_block())
            co_await wait([&] { decision = verifier_.authorize(authorization, query, policy); });
        co_return decision;
    }

    /// The answer to a request for a well-known document; none for other targets.
    net::awaitable<std::optional<authkit::Response>> well_known(const Request &request) const {
        const std::string_view method = view(request.method_string());
        const std::string_view target = view(request.target());
        auto response = verifier_.try_well_known(method, target);
        if (response && response->would_block())
            co_await wait([&] { response = verifier_.well_known(method, target); });
        co_return response;
    }

private:
    /// Several headers are joined by commas: the library refuses them.
    static std::optional<std::string> joined(const Request &request) {
        std::optional<std::string> all;
        const auto [first, last] = request.equal_range(http::field::authorization);
        for (auto field = first; field != last; ++field)
            all = (all ? *all + ", " : "") + std::string(view(field->value()));
        return all;
    }

    /// Asks on a thread that may wait, while the loop goes on.
    net::awaitable<void> wait(std::function<void()> ask) const {
        const auto asking = [&]() -> net::awaitable<void> { co_return ask(); };
        co_await net::co_spawn(waiting_, asking, net::use_awaitable);
    }

    authkit::VerifierRef verifier_;
    net::thread_pool &waiting_;
};
// [/readme]

Answer refuse(const authkit::Decision &decision) {
    if (const auto line = decision.response.log_line()) // each cause once in 10 s
        std::cerr << *line << '\n';
    return answer(decision.response);
}

net::awaitable<Answer> answer_message(const Guard &guard, const Request &request, const authkit::Claims &caller) {
    const auto version = request.find("mcp-protocol-version");
    if (version != request.end() && !speaks(view(version->value())))
        co_return answer(400, failure(nullptr, -32600, "no such protocol version"));
    const std::optional<Call> call = read_call(request.body());
    if (!call)
        co_return answer(400, failure(nullptr, -32600, "not a JSON-RPC request"));
    if (call->tool)
        if (const auto decision = co_await guard.authorize(request, call->tool->demands); !decision)
            co_return refuse(decision);
    if (call->id.is_null())
        co_return answer(202);
    co_return answer(200, perform(*call, caller));
}

net::awaitable<Answer> answer(const Guard &guard, const Request &request) {
    if (const auto document = co_await guard.well_known(request))
        co_return answer(*document);
    const std::string_view target = view(request.target());
    if (target.substr(0, target.find('?')) != "/mcp")
        co_return answer(404);
    if (request.method() == http::verb::options)
        co_return allowing(204);
    const auto decision = co_await guard.authorize(request);
    if (!decision)
        co_return refuse(decision);
    if (request.method() != http::verb::post)
        co_return allowing(405);
    co_return co_await answer_message(guard, request, *decision.claims);
}

/// Pages of any origin may call: what opens this server is a token, which no browser sends by itself.
void finish(Answer &answer, const Request &request) {
    if (!answer.count(http::field::access_control_allow_origin))
        answer.set(http::field::access_control_allow_origin, "*");
    answer.keep_alive(request.keep_alive());
    answer.prepare_payload();
    if (request.method() == http::verb::head)
        answer.body().clear();
}

net::awaitable<void> serve(const Guard &guard, beast::tcp_stream stream) {
    beast::flat_buffer buffer;
    for (bool open = true; open;) {
        http::request_parser<http::string_body> parser;
        parser.body_limit(LONGEST_BODY);
        parser.header_limit(LONGEST_HEADERS);
        stream.expires_after(IDLE);
        beast::error_code error;
        co_await http::async_read(stream, buffer, parser, net::redirect_error(net::use_awaitable, error));
        if (error && error != http::error::body_limit)
            co_return; // gone, idle, or no HTTP
        const Request request = parser.release();
        Answer told = answer(413);
        if (!error)
            told = co_await answer(guard, request);
        finish(told, request);
        open = !error && told.keep_alive();
        stream.expires_after(IDLE);
        co_await http::async_write(stream, told, net::use_awaitable);
    }
}

net::awaitable<void> accept(const Guard &guard, net::ip::tcp::acceptor &acceptor) {
    net::steady_timer pause(acceptor.get_executor());
    for (;;) {
        beast::error_code error;
        auto socket = co_await acceptor.async_accept(net::redirect_error(net::use_awaitable, error));
        if (error) { // too many open files: some will be closed
            pause.expires_after(std::chrono::milliseconds(100));
            co_await pause.async_wait(net::use_awaitable);
            continue;
        }
        net::co_spawn(acceptor.get_executor(), serve(guard, beast::tcp_stream(std::move(socket))), net::detached);
    }
}

/// Writes what belongs to no request: the settings at the start, later trouble with the issuer's keys.
net::awaitable<void> write_log(authkit::VerifierRef verifier) {
    net::steady_timer pause(co_await net::this_coro::executor);
    for (;;) {
        while (const auto line = verifier.next_log_line())
            std::cerr << line->text() << '\n';
        pause.expires_after(std::chrono::seconds(1));
        co_await pause.async_wait(net::use_awaitable);
    }
}

int main() {
    const auto verifier = authkit::default_verifier(); // from the environment
    if (!verifier) {
        std::cerr << verifier.error().code() << ": " << verifier.error().reason() << '\n';
        return 2;
    }
    net::io_context loop(1);
    net::thread_pool waiting(WAITING_THREADS);
    const Guard guard(*verifier, waiting);
    // To this machine alone: a proxy in front has the public address, and TLS.
    const char *port = std::getenv("PORT");
    const auto number = static_cast<unsigned short>(port ? std::atoi(port) : 8080);
    net::ip::tcp::acceptor acceptor(loop, {net::ip::address_v4::loopback(), number});
    net::co_spawn(loop, accept(guard, acceptor), net::detached);
    net::co_spawn(loop, write_log(*verifier), net::detached);
    net::signal_set ending(loop, SIGINT, SIGTERM);
    ending.async_wait([&](auto, int) { loop.stop(); });

    if (!verifier->start_refresh()) // so that the first caller need not wait for the keys
        std::cerr << "the keys are fetched when the first caller comes\n";
    std::cout << "http://127.0.0.1:" << acceptor.local_endpoint().port() << "/mcp" << std::endl;
    loop.run();
}
