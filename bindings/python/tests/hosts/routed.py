"""One application in every framework of Python, whose handlers note that they were reached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpResponse
from django.urls import path as django_path
from django.urls import re_path
from fastapi import FastAPI
from flask import Flask
from litestar import Litestar, get
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import Callable

# What each handler demands, None if it is open to all.
DEMANDS: dict[str, set[str] | None] = {
    "admin": {"admin"},
    "keys": {"admin", "keys"},
    "files": {"files"},
    "mcp": {"mcp"},
    "named": set(),
    "health": None,
    "static": None,
}
PLACES = {"/admin": ["admin"], "/admin/keys": ["keys"], "/files/*": ["files"], "/mcp": ["mcp"]}
PUBLIC = ["/health", "/static/*"]

# The handlers that a request has reached.
reached: list[str] = []


def note(name: str) -> str:
    reached.append(name)
    return f"reached {name}"


def _endpoint(name: str, answer: Callable[[str], Any]) -> Any:
    async def endpoint(_: Any) -> Any:
        return answer(note(name))

    return endpoint


STARLETTE_ROUTES = [
    ("/admin", "admin"),
    ("/admin/keys", "keys"),
    ("/files/{name}", "files"),
    ("/mcp", "mcp"),
    ("/health", "health"),
    ("/static/{rest:path}", "static"),
    ("/{name}", "named"),
]


def starlette() -> Any:
    return Starlette(
        routes=[Route(place, _endpoint(name, PlainTextResponse)) for place, name in STARLETTE_ROUTES]
    )


def fastapi(**options: Any) -> Any:
    app = FastAPI(openapi_url=None, **options)
    for place, name in STARLETTE_ROUTES:
        app.add_route(place, _endpoint(name, PlainTextResponse))
    return app


def litestar() -> Any:
    def handler(place: str, name: str) -> Any:
        async def endpoint() -> str:
            return note(name)

        return get(place)(endpoint)

    places = [
        ("/admin", "admin"),
        ("/admin/keys", "keys"),
        ("/files/{name:str}", "files"),
        ("/mcp", "mcp"),
        ("/health", "health"),
        ("/static/{rest:path}", "static"),
        ("/{name:str}", "named"),
    ]
    return Litestar([handler(place, name) for place, name in places], openapi_config=None)


def flask() -> Any:
    app = Flask(__name__, static_folder=None)
    places = [
        ("/admin", "admin"),
        ("/admin/keys", "keys"),
        ("/files/<name>", "files"),
        ("/mcp", "mcp"),
        ("/health", "health"),
        ("/static/<path:rest>", "static"),
        ("/<name>", "named"),
    ]

    def view(handler: str) -> Any:
        return lambda **_: note(handler)

    for place, handler in places:
        app.add_url_rule(place, handler, view(handler))
    return app


def _view(handler: str) -> Any:
    def view(_: Any, **__: Any) -> HttpResponse:
        return HttpResponse(note(handler))

    return view


# Django's: this module is the ROOT_URLCONF.
urlpatterns = [
    django_path("admin", _view("admin")),
    re_path("^admin/keys/?$", _view("keys")),
    django_path("files/<name>", _view("files")),
    re_path(r"^mcp/?$", _view("mcp")),
    django_path("health", _view("health")),
    django_path("static/<path:rest>", _view("static")),
    django_path("<name>", _view("named")),
]
