"""What the library demands of a path, against what each framework's own router makes of it.

A request that reaches a handler whose scopes were not demanded is a way past them.
"""

from __future__ import annotations

import asyncio
import io
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, unquote_to_bytes
from wsgiref.util import setup_testing_defaults

import django
import pytest
import uvicorn
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.test import override_settings
from starlette.applications import Starlette
from starlette.routing import Mount
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import make_server

import routed
from authkit_verifier import _asgi, _demands, asgi, wsgi
from cases import good_token, good_verifier
from hostile_paths import COUNT, all_paths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from authkit_verifier._demands import Paths, Scopes

if not settings.configured:
    settings.configure(ALLOWED_HOSTS=["*"], SECRET_KEY="of this test alone", LOGGING_CONFIG=None)
    django.setup()

ANYWHERE = _demands.Places(routed.PUBLIC, routed.PLACES, "")
EXACT = _demands.Places(routed.PUBLIC, routed.PLACES, "/api")
IN_DJANGO = {"ROOT_URLCONF": "routed", "MIDDLEWARE": []}


class Watch:
    """Where a guard would stand: notes what it would demand."""

    def __init__(self, places: _demands.Places) -> None:
        self._places = places
        self.judged: list[tuple[bool, Scopes]] = []

    def asgi(self, app: Any) -> Any:
        async def watched(scope: Any, receive: Any, send: Any) -> None:
            self.note(_asgi.paths(scope))
            await app(scope, receive, send)

        return watched

    def wsgi(self, app: Any) -> Any:
        def watched(environ: Any, start_response: Any) -> Any:
            self.note(wsgi._paths(environ))
            return app(environ, start_response)

        return watched

    def note(self, paths: Paths) -> None:
        self.judged.append(self._places.judge(paths))

    def check(self, target: str) -> int:
        """Of one request; gives how many handlers it has reached."""
        judged, reached = self.judged.copy(), routed.reached.copy()
        self.judged.clear()
        routed.reached.clear()
        for handler in reached:
            demanded = routed.DEMANDS[handler]
            for is_public, scopes in judged:
                told = f"{target!r} reached {handler}: demanded {scopes}, public: {is_public}"
                assert demanded is None or not is_public, told
                assert (demanded or set()) <= set(scopes), told
            assert judged
        return len(reached)


def http_scope(target: str, root: str, joined: bool) -> Any:
    """As uvicorn makes it, which puts its root_path before the path if `joined`; others do not."""
    raw = target.partition("?")[0]
    before = root if joined else ""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "scheme": "http",
        "method": "GET",
        "path": before + unquote(raw),
        "raw_path": (before + raw).encode(),
        "query_string": target.partition("?")[2].encode(),
        "root_path": root,
        "headers": [(b"host", b"localhost")],
        "server": ("localhost", 80),
        "client": ("127.0.0.1", 50000),
    }


async def run_asgi(app: Any, watch: Watch, root: str, joined: bool, count: int = COUNT) -> int:
    async def send(_: Any) -> None:
        pass

    found = 0
    for target in all_paths(count):
        messages = iter([{"type": "http.request", "body": b"", "more_body": False}])

        async def receive(messages: Iterator[Any] = messages) -> Any:
            # The client stays, and sends no more.
            return next(messages, None) or await asyncio.get_running_loop().create_future()

        await app(http_scope(target, root, joined), receive, send)
        found += watch.check(target)
    return found


# From a watch around or within an application to the whole.
ASGI_APPS: dict[str, Callable[[Watch], Any]] = {
    "starlette": lambda watch: watch.asgi(routed.starlette()),
    "starlette mounted, guarded outside": lambda watch: watch.asgi(
        Starlette(routes=[Mount("/api", routed.starlette())])
    ),
    "starlette mounted, guarded inside": lambda watch: Starlette(
        routes=[Mount("/api", watch.asgi(routed.starlette())), Mount("/", watch.asgi(routed.starlette()))]
    ),
    "starlette mounted at what is public inside": lambda watch: Starlette(
        routes=[Mount("/static", watch.asgi(routed.starlette()))]
    ),
    "fastapi": lambda watch: watch.asgi(routed.fastapi()),
    "fastapi with a root_path": lambda watch: watch.asgi(routed.fastapi(root_path="/api")),
    "litestar": lambda watch: watch.asgi(routed.litestar()),
    "litestar mounted": lambda watch: Starlette(
        routes=[Mount("/api", watch.asgi(routed.litestar())), Mount("/", watch.asgi(routed.litestar()))]
    ),
}


@pytest.mark.filterwarnings("ignore:The `root_path` parameter is deprecated")
@pytest.mark.parametrize("places", [ANYWHERE, EXACT], ids=["anywhere", "exact"])
@pytest.mark.parametrize(("root", "joined"), [("", True), ("/api", True), ("/api", False)])
@pytest.mark.parametrize("name", ASGI_APPS)
def test_no_asgi_router_finds_what_was_not_demanded(
    name: str, root: str, joined: bool, places: _demands.Places
) -> None:
    watch = Watch(places)
    assert asyncio.run(run_asgi(ASGI_APPS[name](watch), watch, root, joined)) > 5


def environment(target: str, root: str) -> Any:
    path = unquote_to_bytes(target.partition("?")[0]).decode("latin-1")
    environ = {
        "SCRIPT_NAME": root,
        "PATH_INFO": path.removeprefix(root),
        "QUERY_STRING": target.partition("?")[2],
        "wsgi.input": io.BytesIO(),
    }
    setup_testing_defaults(environ)
    return environ


def run_wsgi(app: Any, watch: Watch, root: str, count: int = COUNT) -> int:
    found = 0
    for target in all_paths(count):
        body = app(environment(target, root), lambda *_: lambda _: None)
        b"".join(body)
        getattr(body, "close", int)()
        found += watch.check(target)
    return found


WSGI_APPS: dict[str, Callable[[Watch], Any]] = {
    "flask": lambda watch: watch.wsgi(routed.flask()),
    "flask dispatched to, guarded outside": lambda watch: watch.wsgi(
        DispatcherMiddleware(routed.flask(), {"/api": routed.flask()})
    ),
    "flask dispatched to, guarded inside": lambda watch: DispatcherMiddleware(
        watch.wsgi(routed.flask()),
        {"/api": watch.wsgi(routed.flask()), "/static": watch.wsgi(routed.flask())},
    ),
    "django": lambda watch: watch.wsgi(get_wsgi_application()),
}


@pytest.mark.parametrize("places", [ANYWHERE, EXACT], ids=["anywhere", "exact"])
@pytest.mark.parametrize("root", ["", "/api"])
@pytest.mark.parametrize("name", WSGI_APPS)
def test_no_wsgi_router_finds_what_was_not_demanded(name: str, root: str, places: _demands.Places) -> None:
    with override_settings(**IN_DJANGO):
        watch = Watch(places)
        assert run_wsgi(WSGI_APPS[name](watch), watch, root) > 5


@pytest.mark.parametrize("places", [ANYWHERE, EXACT], ids=["anywhere", "exact"])
@pytest.mark.parametrize("script_name", [None, "/api", "/api/", "/"])
@pytest.mark.parametrize("root", ["", "/api"])
def test_django_finds_nothing_that_was_not_demanded(
    script_name: str | None, root: str, places: _demands.Places
) -> None:
    # Ten times slower than the others.
    watch, count = Watch(places), COUNT // 5
    with override_settings(**IN_DJANGO, FORCE_SCRIPT_NAME=script_name):
        found = run_wsgi(watch.wsgi(get_wsgi_application()), watch, root, count)
        found += asyncio.run(run_asgi(watch.asgi(get_asgi_application()), watch, root, True, count))
    assert found > 5


GUARD: Any = {"public": routed.PUBLIC, "required_scopes": routed.PLACES}
BEARER = f"Authorization: Bearer {good_token()}\r\n"


@contextmanager
def over_uvicorn(app: Any) -> Iterator[tuple[str, int]]:
    guarded = asgi.AuthKitMiddleware(app, good_verifier(), **GUARD)
    server = uvicorn.Server(uvicorn.Config(guarded, log_level="critical", lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield listening.getsockname()
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def over_werkzeug(app: Any) -> Iterator[tuple[str, int]]:
    guarded = wsgi.AuthKitMiddleware(app, good_verifier(), **GUARD)
    server = make_server("127.0.0.1", 0, guarded)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield "127.0.0.1", server.port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def ask(address: tuple[str, int], target: str, header: str) -> None:
    """Sends a request with its target as it is, and waits for the end of the answer."""
    with socket.create_connection(address) as client:
        client.sendall(
            f"GET {target} HTTP/1.1\r\nHost: localhost\r\n{header}Connection: close\r\n\r\n".encode()
        )
        while client.recv(65536):
            pass


@pytest.mark.filterwarnings("ignore:The `root_path` parameter is deprecated")
@pytest.mark.parametrize(
    ("serving", "app"),
    [
        (over_uvicorn, routed.starlette),
        (over_uvicorn, lambda: routed.fastapi(root_path="/api")),
        (over_uvicorn, routed.litestar),
        (over_werkzeug, routed.flask),
        (over_werkzeug, get_wsgi_application),
    ],
    ids=["starlette", "fastapi with a root_path", "litestar", "flask", "django"],
)
def test_over_http_no_handler_is_reached_that_demands_more(serving: Any, app: Any) -> None:
    with override_settings(**IN_DJANGO, FORCE_SCRIPT_NAME="/api"), serving(app()) as address:
        seen = set()
        for target in ["/health", "/other", *all_paths(40)]:
            for header, allowed in (("", (None,)), (BEARER, (None, set()))):
                ask(address, target, header)
                assert all(routed.DEMANDS[handler] in allowed for handler in routed.reached), (
                    f"{target!r} reached {routed.reached} with {header and 'a token without scopes'}"
                )
                seen.update(routed.reached)
                routed.reached.clear()
        assert {"health", "named"} <= seen
