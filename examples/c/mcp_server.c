/* An MCP server on libmicrohttpd, open to who logs in at AuthKit, configured by the environment (AUTHKIT_DOMAIN,
 * AUTHKIT_BASE_URL ...). Every connection has a thread of its own: one that waits for the issuer's keys holds up no other. */

#include <jansson.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "authkit.h"

#define LONGEST_BODY ((size_t)1024 * 1024)
#define IDLE_SECONDS 30u
#define MOST_CONNECTIONS 256u

static const authkit_verifier *verifier; /* the process's default one */

struct text {
    char *bytes; /* NULL while nothing was appended */
    size_t size;
};

/* Without memory there is nothing to decide by: the process ends. */
static void *granted(void *memory) {
    if (memory == NULL)
        abort();
    return memory;
}

static void append(struct text *text, const char *bytes, size_t size) {
    text->bytes = granted(realloc(text->bytes, text->size + size + 1));
    memcpy(text->bytes + text->size, bytes, size);
    text->size += size;
}

/* --- the tools ------------------------------------------------------------------------------------------------- */

struct tool {
    const char *name, *description;
    const char *scope; /* that its calls need beside the configuration's */
    json_t *(*call)(const authkit_claims *caller);
    authkit_policy *policy; /* that demands the scope */
};

static json_t *whoami(const authkit_claims *caller) {
    json_t *scopes = json_array();
    for (size_t i = 0; i < authkit_claims_scope_count(caller); i++)
        json_array_append_new(scopes, json_string(authkit_claims_scope_at(caller, i)));
    return json_pack("{s:s, s:o}", "subject", authkit_claims_subject(caller), "scopes", scopes);
}

static json_t *publish(const authkit_claims *caller) {
    return json_pack("{s:s}", "published_by", authkit_claims_subject(caller));
}

static struct tool tools[] = {
    {"whoami", "Says who calls, with which scopes", NULL, whoami, NULL},
    {"publish", "Publishes in the caller's name", "mcp:write", publish, NULL},
};
static const size_t tool_count = sizeof tools / sizeof *tools;

static const struct tool *find_tool(const char *name) {
    for (size_t i = 0; i < tool_count; i++)
        if (strcmp(tools[i].name, name) == 0)
            return &tools[i];
    return NULL;
}

static json_t *list_tools(void) {
    json_t *list = json_array();
    for (size_t i = 0; i < tool_count; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:{s:s}}", "name", tools[i].name, "description",
                                              tools[i].description, "inputSchema", "type", "object"));
    return json_pack("{s:o}", "tools", list);
}

/* --- JSON-RPC -------------------------------------------------------------------------------------------------- */

#define NEWEST_VERSION "2025-11-25"

static bool speaks(const char *version) {
    return strcmp(version, NEWEST_VERSION) == 0 || strcmp(version, "2025-06-18") == 0;
}

struct call {
    json_t *id; /* NULL of a notification */
    const char *method;
    json_t *params;
    const struct tool *tool; /* of tools/call, where there is such a tool */
};

/* Borrows from the message. */
static bool read_call(json_t *message, struct call *call) {
    const char *version, *tool = "";
    *call = (struct call){0};
    if (json_unpack(message, "{s:s, s:s, s?o, s?o}", "jsonrpc", &version, "method", &call->method, "id", &call->id,
                    "params", &call->params) != 0)
        return false;
    json_unpack(call->params, "{s:s}", "name", &tool);
    if (strcmp(call->method, "tools/call") == 0)
        call->tool = find_tool(tool);
    return strcmp(version, "2.0") == 0 && (!call->id || json_is_string(call->id) || json_is_integer(call->id));
}

static json_t *initialize(json_t *params) {
    const char *asked = "";
    json_unpack(params, "{s:s}", "protocolVersion", &asked);
    return json_pack("{s:s, s:{s:{}}, s:{s:s, s:s}}", "protocolVersion", speaks(asked) ? asked : NEWEST_VERSION,
                     "capabilities", "tools", "serverInfo", "name", "publisher", "version", "1.0.0");
}

static json_t *call_tool(const struct tool *tool, const authkit_claims *caller) {
    json_t *answer = tool->call(caller);
    char *text = json_dumps(answer, JSON_COMPACT);
    json_t *result = json_pack("{s:[{s:s, s:s}]}", "content", "type", "text", "text", text);
    free(text);
    json_decref(answer);
    return result;
}

static json_t *failure(json_t *id, int code, const char *message) {
    return json_pack("{s:s, s:O?, s:{s:i, s:s}}", "jsonrpc", "2.0", "id", id, "error", "code", code, "message", message);
}

static json_t *perform(const struct call *call, const authkit_claims *caller) {
    json_t *result = NULL;
    if (strcmp(call->method, "initialize") == 0)
        result = initialize(call->params);
    else if (strcmp(call->method, "ping") == 0)
        result = json_object();
    else if (strcmp(call->method, "tools/list") == 0)
        result = list_tools();
    else if (call->tool != NULL)
        result = call_tool(call->tool, caller);
    else if (strcmp(call->method, "tools/call") == 0)
        return failure(call->id, -32602, "no such tool");
    else
        return failure(call->id, -32601, "no such method");
    return json_pack("{s:s, s:O, s:o}", "jsonrpc", "2.0", "id", call->id, "result", result);
}

/* --- HTTP ------------------------------------------------------------------------------------------------------ */

struct request {
    char *target; /* path and query as they came: libmicrohttpd's own are decoded */
    struct text body;
    bool has_begun;
};

static bool asks_for(const struct request *request, const char *path) {
    size_t size = strcspn(request->target, "?");
    return size == strlen(path) && memcmp(request->target, path, size) == 0;
}

/* Pages of any origin may call: what opens this server is a token, which no browser sends by itself. */
static enum MHD_Result send_response(struct MHD_Connection *connection, int status, struct MHD_Response *response) {
    if (MHD_get_response_header(response, "access-control-allow-origin") == NULL)
        MHD_add_response_header(response, "access-control-allow-origin", "*");
    enum MHD_Result queued = MHD_queue_response(connection, (unsigned)status, response);
    MHD_destroy_response(response);
    return queued;
}

static enum MHD_Result send_status(struct MHD_Connection *connection, int status) {
    struct MHD_Response *response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED || status == MHD_HTTP_NO_CONTENT)
        MHD_add_response_header(response, "allow", "POST, OPTIONS");
    if (status == MHD_HTTP_NO_CONTENT)
        MHD_add_response_header(response, "access-control-allow-headers",
                                "authorization, content-type, accept, mcp-protocol-version, mcp-session-id, mcp-method, "
                                "mcp-name, last-event-id, dpop");
    return send_response(connection, status, response);
}

static enum MHD_Result send_json(struct MHD_Connection *connection, int status, json_t *json) {
    char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    if (text == NULL)
        return send_status(connection, MHD_HTTP_INTERNAL_SERVER_ERROR);
    struct MHD_Response *response = MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
    MHD_add_response_header(response, "content-type", "application/json");
    return send_response(connection, status, response);
}

/* [readme] */
/* Sends what the library decided, every header of it, and logs why: each cause once in 10 s. */
static enum MHD_Result send_decision(struct MHD_Connection *connection, const authkit_response *decision) {
    const authkit_log_line *line = authkit_response_log_line(decision);
    if (line != NULL)
        fprintf(stderr, "%s\n", authkit_log_line_text(line));
    size_t size;
    const char *body = authkit_response_body(decision, &size);
    struct MHD_Response *response = MHD_create_response_from_buffer(size, (void *)body, MHD_RESPMEM_MUST_COPY);
    for (size_t i = 0; i < authkit_response_header_count(decision); i++)
        MHD_add_response_header(response, authkit_response_header_name_at(decision, i),
                                authkit_response_header_value_at(decision, i));
    return send_response(connection, authkit_response_status(decision), response);
}

static enum MHD_Result join(void *joined, enum MHD_ValueKind kind, const char *name, size_t name_size, const char *value,
                            size_t size) {
    (void)kind, (void)name_size;
    if (strcasecmp(name, "authorization") != 0)
        return MHD_YES;
    struct text *text = joined;
    if (text->bytes != NULL)
        append(text, ", ", 2);
    append(text, value, size);
    return MHD_YES;
}

/* Whether the request may go on: by its token, and for a tool by the scopes that this one needs. */
static authkit_status authorize(struct MHD_Connection *connection, const struct request *request,
                                const authkit_policy *policy, authkit_response **decision) {
    struct text authorization = {0}; /* several headers are joined by commas: the library refuses them */
    MHD_get_connection_values_n(connection, MHD_HEADER_KIND, join, &authorization);
    const char *query = strchr(request->target, '?');
    authkit_status status =
        authkit_verifier_authorize(verifier, authorization.bytes, authorization.size, query ? query + 1 : NULL,
                                   query ? strlen(query + 1) : 0, policy, decision, NULL);
    free(authorization.bytes);
    return status;
}
/* [/readme] */

static enum MHD_Result answer_call(struct MHD_Connection *connection, const struct request *request,
                                   const struct call *call, authkit_response **decision) {
    if (call->tool != NULL && call->tool->scope != NULL) { /* the token is known by now: this costs next to nothing */
        authkit_response_free(*decision);
        if (authorize(connection, request, call->tool->policy, decision) != AUTHKIT_OK)
            return send_decision(connection, *decision);
    }
    if (call->id == NULL)
        return send_status(connection, MHD_HTTP_ACCEPTED);
    return send_json(connection, MHD_HTTP_OK, perform(call, authkit_response_claims(*decision)));
}

static enum MHD_Result answer_message(struct MHD_Connection *connection, const struct request *request,
                                      authkit_response **decision) {
    const char *version = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "mcp-protocol-version");
    if (version != NULL && !speaks(version))
        return send_json(connection, MHD_HTTP_BAD_REQUEST, failure(NULL, -32600, "no such protocol version"));
    const char *body = request->body.bytes ? request->body.bytes : "";
    json_t *message = json_loadb(body, request->body.size, JSON_REJECT_DUPLICATES, NULL);
    struct call call;
    enum MHD_Result sent = read_call(message, &call)
        ? answer_call(connection, request, &call, decision)
        : send_json(connection, MHD_HTTP_BAD_REQUEST, failure(NULL, -32600, "not a JSON-RPC request"));
    json_decref(message);
    return sent;
}

static enum MHD_Result answer_endpoint(struct MHD_Connection *connection, const struct request *request,
                                       const char *method) {
    if (strcmp(method, "OPTIONS") == 0)
        return send_status(connection, MHD_HTTP_NO_CONTENT);
    authkit_response *decision;
    enum MHD_Result sent;
    if (authorize(connection, request, NULL, &decision) != AUTHKIT_OK)
        sent = send_decision(connection, decision);
    else if (strcmp(method, "POST") != 0)
        sent = send_status(connection, MHD_HTTP_METHOD_NOT_ALLOWED);
    else
        sent = answer_message(connection, request, &decision);
    authkit_response_free(decision);
    return sent;
}

static enum MHD_Result answer(struct MHD_Connection *connection, const struct request *request, const char *method) {
    authkit_response *document;
    authkit_status found =
        authkit_verifier_well_known(verifier, method, request->target, strlen(request->target), &document, NULL);
    enum MHD_Result sent;
    if (document != NULL)
        sent = send_decision(connection, document);
    else if (found != AUTHKIT_ABSENT)
        sent = send_status(connection, MHD_HTTP_INTERNAL_SERVER_ERROR);
    else if (asks_for(request, "/mcp"))
        sent = answer_endpoint(connection, request, method);
    else
        sent = send_status(connection, MHD_HTTP_NOT_FOUND);
    authkit_response_free(document);
    return sent;
}

/* --- libmicrohttpd's callbacks --------------------------------------------------------------------------------- */

static void *begin(void *unused, const char *target, struct MHD_Connection *connection) {
    (void)unused, (void)connection;
    struct request *request = granted(calloc(1, sizeof *request));
    request->target = granted(strdup(target));
    return request;
}

static bool is_too_long(struct MHD_Connection *connection) {
    const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "content-length");
    return length != NULL && strtoull(length, NULL, 10) > LONGEST_BODY;
}

/* Called when the headers are there, for each part of the body, and at its end. Refusals come at the end too: one before
 * it would close the connection while the client is still sending. */
static enum MHD_Result proceed(void *unused, struct MHD_Connection *connection, const char *url, const char *method,
                               const char *version, const char *part, size_t *part_size, void **state) {
    (void)unused, (void)url, (void)version;
    struct request *request = *state;
    if (!request->has_begun) {
        request->has_begun = true;
        return is_too_long(connection) ? send_status(connection, MHD_HTTP_CONTENT_TOO_LARGE) : MHD_YES;
    }
    if (*part_size == 0)
        return answer(connection, request, method);
    if (*part_size > LONGEST_BODY - request->body.size)
        return MHD_NO; /* hangs up on a body in chunks that does not end */
    append(&request->body, part, *part_size);
    *part_size = 0;
    return MHD_YES;
}

static void end(void *unused, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode how) {
    (void)unused, (void)connection, (void)how;
    struct request *request = *state;
    free(request->target);
    free(request->body.bytes);
    free(request);
}

/* --- the process ----------------------------------------------------------------------------------------------- */

static bool make_verifier(void) {
    authkit_error *error;
    authkit_status status = authkit_default_verifier(&verifier, &error);
    if (status != AUTHKIT_OK)
        fprintf(stderr, "%s: %s\n", authkit_status_name(status), authkit_error_reason(error));
    authkit_error_free(error);
    return status == AUTHKIT_OK;
}

/* [readme log] */
/* Writes what belongs to no request: the settings at the start, later trouble with the issuer's keys. */
static void write_log(void) {
    for (authkit_log_line *line; (line = authkit_verifier_next_log_line(verifier)) != NULL; authkit_log_line_free(line))
        fprintf(stderr, "%s\n", authkit_log_line_text(line));
}
/* [/readme] */

static bool make_policies(void) {
    bool made = true;
    for (size_t i = 0; i < tool_count; i++)
        if (tools[i].scope != NULL) {
            tools[i].policy = authkit_policy_new();
            made = made && authkit_policy_require_scope(tools[i].policy, tools[i].scope, NULL) == AUTHKIT_OK &&
                   authkit_policy_set_tool(tools[i].policy, tools[i].name) == AUTHKIT_OK;
        }
    return made;
}

/* To this machine alone: a proxy in front has the public address, and TLS. */
static struct MHD_Daemon *start(uint16_t port) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL, 0, NULL, NULL,
                            proceed, NULL, MHD_OPTION_URI_LOG_CALLBACK, begin, NULL, MHD_OPTION_NOTIFY_COMPLETED, end,
                            NULL, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_STRICT_FOR_CLIENT, 1,
                            MHD_OPTION_CONNECTION_LIMIT, MOST_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS,
                            MHD_OPTION_END);
}

int main(void) {
    sigset_t ending;
    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ending, NULL); /* of all threads: main() waits for them */

    if (!make_verifier() || !make_policies())
        return 2;
    const char *port = getenv("PORT");
    struct MHD_Daemon *daemon = start((uint16_t)(port ? atoi(port) : 8080));
    if (daemon == NULL) {
        perror("cannot listen");
        return 1;
    }
    /* So that the first caller need not wait for the keys. */
    if (authkit_verifier_start_refresh(verifier, NULL) != AUTHKIT_OK)
        fputs("the keys are fetched when the first caller comes\n", stderr);
    printf("http://127.0.0.1:%d/mcp\n", MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    fflush(stdout);

    const struct timespec second = {.tv_sec = 1};
    do
        write_log();
    while (sigtimedwait(&ending, NULL, &second) < 0);
    MHD_stop_daemon(daemon);
    for (size_t i = 0; i < tool_count; i++)
        authkit_policy_free(tools[i].policy);
    return 0;
}
