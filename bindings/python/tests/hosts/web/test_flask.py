"""The WSGI middleware and `require_scopes` in a Flask application."""

from __future__ import annotations

from flask import Flask, Response, request

from authkit_verifier.wsgi import AuthKitMiddleware, Refused, require_scopes
from cases import RESOURCE, SUBJECT, good_token, good_verifier

BEARER = {"Authorization": f"Bearer {good_token()}"}
EXPECTED = good_verifier().authorize(BEARER["Authorization"], required_scopes=["files:write"])


def application() -> Flask:
    app = Flask(__name__)

    @app.route("/mcp", methods=["GET", "POST"])
    def whoami() -> str:
        return str(request.environ["authkit"].subject)

    @app.get("/write")
    def write() -> str:
        return require_scopes(request, "files:write").subject

    app.wsgi_app = AuthKitMiddleware(app.wsgi_app, good_verifier())  # type: ignore[method-assign]
    return app


def test_a_request_is_let_through_or_answered() -> None:
    client = application().test_client()
    assert client.get("/mcp", headers=BEARER).text == SUBJECT
    assert client.post("/mcp", headers=BEARER).text == SUBJECT
    assert client.get("/nowhere").status_code == 401
    assert client.get("/nowhere", headers=BEARER).status_code == 404
    assert client.get(f"/mcp?access_token={good_token()}", headers=BEARER).status_code == 400
    document = client.get("/.well-known/oauth-protected-resource/mcp").json
    assert document is not None
    assert document["resource"] == RESOURCE


def test_a_view_that_demands_a_scope_is_answered_for() -> None:
    answer = application().test_client().get("/write", headers=BEARER)
    assert (answer.status_code, answer.data) == (403, EXPECTED.body)
    assert answer.headers["www-authenticate"] == dict(EXPECTED.headers)["www-authenticate"]
    assert int(answer.headers["content-length"]) == len(EXPECTED.body)


def test_exceptions_that_are_let_through_are_answered_for_too() -> None:
    app = application()
    app.testing = True
    assert app.test_client().get("/write", headers=BEARER).data == EXPECTED.body


def test_an_error_handler_may_answer_in_its_place() -> None:
    app = application()

    @app.errorhandler(Refused)
    def refused(refusal: Refused) -> Response:
        return Response("ask for more", refusal.decision.status)

    answer = app.test_client().get("/write", headers=BEARER)
    assert (answer.status_code, answer.text) == (403, "ask for more")
