"""A server whose every answer is the library's decision: `server.py ISSUER`; prints its base URL, ends with its stdin."""

from __future__ import annotations

import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from authkit_verifier import Response, Verifier

# What clients in web pages send.
MCP_HEADERS = (
    "Authorization, Content-Type, Accept, Mcp-Protocol-Version, Mcp-Session-Id, Mcp-Method, Mcp-Name, Last-Event-ID"
)


class Handler(BaseHTTPRequestHandler):
    """The plumbing that a web framework adds: it decides nothing."""

    protocol_version = "HTTP/1.1"
    verifier: Verifier

    def answer(self) -> None:
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        document = self.verifier.well_known(self.command, path)
        if document is not None:
            self.send(document)
        elif path != "/mcp":
            self.send(Response(404, (), b""))
        elif self.command == "OPTIONS":
            allowed = ("access-control-allow-headers", MCP_HEADERS)
            self.send(Response(204, (allowed, ("access-control-allow-origin", "*")), b""))
        else:
            lines = self.headers.get_all("authorization")
            decision = self.verifier.authorize(", ".join(lines) if lines else None, query=query)
            answer = self.mcp(body) if decision else decision
            opened = ("access-control-expose-headers", "Mcp-Session-Id, WWW-Authenticate")
            self.send(answer, ("access-control-allow-origin", "*"), opened)

    do_GET = do_POST = do_HEAD = do_OPTIONS = do_PUT = do_DELETE = answer

    def mcp(self, body: bytes) -> Response:
        request = json.loads(body or b"{}")
        result = {"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {"name": "ours", "version": "1"}}
        answer = json.dumps({"jsonrpc": "2.0", "id": request.get("id"), "result": result}).encode()
        return Response(200, (("content-type", "application/json"),), answer)

    def send(self, response: Response, *more: tuple[str, str]) -> None:
        self.send_response(response.status)
        for name, value in (*response.headers, *more):
            self.send_header(name, value)
        self.send_header("content-length", str(len(response.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    def log_message(self, *_: object) -> None:
        """Says nothing: the test reads what this prints."""


def end_with_stdin() -> None:
    sys.stdin.read()
    os._exit(0)


threading.Thread(target=end_with_stdin, daemon=True).start()


class Server(ThreadingHTTPServer):
    """Says nothing of clients that hang up: the doctor reads no more of an answer than it needs."""

    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


server = Server(("127.0.0.1", 0), Handler)
base_url = f"http://127.0.0.1:{server.server_address[1]}"
Handler.verifier = Verifier(
    authkit_domain=sys.argv[1], base_url=base_url, required_scopes=["mcp:read"], allow_insecure_loopback=True
)
print(base_url, flush=True)
server.serve_forever()
