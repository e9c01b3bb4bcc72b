"""The WSGI and the ASGI middleware around a Django application, and `require_scopes` in its views."""

from __future__ import annotations

import io
from typing import Any
from wsgiref.util import setup_testing_defaults

import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.test import override_settings
from django.urls import path

from asgi_calls import call, http_scope
from authkit_verifier import asgi, wsgi
from cases import RESOURCE, SUBJECT, good_token, good_verifier

BEARER = f"Bearer {good_token()}"
EXPECTED = good_verifier().authorize(BEARER, required_scopes=["files:write"])


class Refusals:
    """What docs/python-web.md has a project put into MIDDLEWARE: answers refusals of views."""

    def __init__(self, get_response: Any) -> None:
        self._get_response = get_response

    def __call__(self, request: Any) -> Any:
        return self._get_response(request)

    def process_exception(self, _: Any, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, wsgi.Refused):
            return None
        decision = exception.decision
        return HttpResponse(decision.body, status=decision.status, headers=dict(decision.headers))


def whoami(request: Any) -> HttpResponse:
    return HttpResponse(request.META["authkit"].subject)


def write(request: Any) -> HttpResponse:
    return HttpResponse(wsgi.require_scopes(request, "files:write").subject)


async def awhoami(request: Any) -> HttpResponse:
    return HttpResponse(request.scope["authkit"].subject)


async def awrite(request: Any) -> HttpResponse:
    return HttpResponse((await asgi.require_scopes(request, "files:write")).subject)


urlpatterns = [path("mcp", whoami), path("write", write), path("amcp", awhoami), path("awrite", awrite)]

settings.configure(
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=[f"{__name__}.Refusals"],
    SECRET_KEY="of this test alone",
    LOGGING_CONFIG=None,
)
django.setup()

guarded = wsgi.AuthKitMiddleware(get_wsgi_application(), good_verifier())


def get(
    target: str, authorization: str | None = BEARER, app: Any = guarded
) -> tuple[int, dict[str, str], bytes]:
    environ: dict[str, Any] = {"SCRIPT_NAME": "", "PATH_INFO": target, "wsgi.input": io.BytesIO()}
    setup_testing_defaults(environ)
    if authorization is not None:
        environ["HTTP_AUTHORIZATION"] = authorization
    started: list[tuple[int, dict[str, str]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> Any:
        started.append((int(status[:3]), {name.lower(): value for name, value in headers}))

    body = b"".join(app(environ, start_response))
    return *started[0], body


def test_a_request_is_let_through_or_answered() -> None:
    assert get("/mcp")[2] == SUBJECT.encode()
    assert get("/mcp", None)[0] == 401
    assert get("/nowhere", None)[0] == 401
    assert get("/nowhere")[0] == 404
    assert RESOURCE.encode() in get("/.well-known/oauth-protected-resource", None)[2]


def test_a_view_that_demands_a_scope_is_answered_for() -> None:
    status, headers, body = get("/write")
    assert (status, body) == (403, EXPECTED.body)
    assert headers["www-authenticate"] == dict(EXPECTED.headers)["www-authenticate"]


def test_without_its_own_handler_the_middleware_answers() -> None:
    with override_settings(MIDDLEWARE=[]):
        bare = wsgi.AuthKitMiddleware(get_wsgi_application(), good_verifier())
    status, headers, body = get("/write", app=bare)
    assert (status, body) == (403, EXPECTED.body)
    assert headers["www-authenticate"] == dict(EXPECTED.headers)["www-authenticate"]


def test_the_same_under_asgi() -> None:
    app = asgi.AuthKitMiddleware(get_asgi_application(), good_verifier())
    assert call(app, http_scope("/amcp", "GET", BEARER, query_string=b"")).body == SUBJECT.encode()
    assert call(app, http_scope("/amcp", "GET", query_string=b"")).status == 401
    refused = call(app, http_scope("/awrite", "GET", BEARER, query_string=b""))
    assert (refused.status, refused.body) == (403, EXPECTED.body)
