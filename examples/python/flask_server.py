"""A Flask application, guarded whole.

AUTHKIT_DOMAIN=https://… AUTHKIT_BASE_URL=https://… gunicorn flask_server:app
"""

from flask import Flask, Response, request

from authkit_verifier.wsgi import AuthKitMiddleware, Refused, require_scopes

app = Flask(__name__)
# From the environment; a wrong one stops the server here. What is not named public needs a token.
app.wsgi_app = AuthKitMiddleware(app.wsgi_app, public=["/health"])  # type: ignore[method-assign]


@app.errorhandler(Refused)
def refused(refusal: Refused) -> Response:
    """Sends a view's refusal as the library words it. Without this Flask would log it as a failure."""
    decision = refusal.decision
    return Response(decision.body, decision.status, dict(decision.headers))


@app.get("/health")
def health() -> str:
    """Open, as it is named public."""
    return "ok"


@app.get("/mcp")
def whoami() -> dict[str, str]:
    """For everyone whose token is good."""
    return {"subject": request.environ["authkit"].subject}


@app.post("/mcp/notes")
def write_note() -> dict[str, str]:
    """Needs a scope: without it the answer is a 403 that names it."""
    claims = require_scopes(request, "mcp:write")
    return {"written_by": claims.subject}
