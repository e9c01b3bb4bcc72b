"""An outage is told as one, 503 and never 401, whoever asks ours: FastMCP's MultiAuth, another provider."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from fastmcp import FastMCP
from fastmcp.server.auth import auth as host
from fastmcp.server.auth.auth import AccessToken, RemoteAuthProvider, TokenVerifier
from pydantic import AnyHttpUrl
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from authkit_verifier import Decision, KeysUnavailableError, Verifier
from authkit_verifier.fastmcp import AuthKitProvider
from serving import Connection, serving, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from issuing import Issuer

SCOPE = "mcp:read"
OTHERS = "token-of-the-other"


class Other(TokenVerifier):
    """Knows one token; to every other it says no, or raises."""

    def __init__(self, raises: BaseException | None = None) -> None:
        super().__init__(required_scopes=[SCOPE])
        self._raises = raises

    async def verify_token(self, token: str) -> AccessToken | None:
        if token == OTHERS:
            return AccessToken(token=token, client_id="machine", scopes=[SCOPE])
        if self._raises is not None:
            raise self._raises
        return None


def multi(**arguments: Any) -> Any:
    return host.MultiAuth(**arguments)


# By name: how the host asks ours, and whether it asks another verifier too.
ASKED: dict[str, tuple[Callable[[AuthKitProvider], Any], bool]] = {
    "alone": (lambda ours: ours, False),
}
if hasattr(RemoteAuthProvider, "get_middleware"):
    ASKED["by another provider"] = (
        lambda ours: RemoteAuthProvider(
            token_verifier=ours.token_verifier,
            authorization_servers=[AnyHttpUrl(ours.authkit_domain)],
            base_url=str(ours.base_url),
        ),
        False,
    )
if hasattr(host, "MultiAuth"):
    ASKED |= {
        "first": (lambda ours: multi(server=ours, verifiers=[Other()]), True),
        "first, the other raises": (
            lambda ours: multi(server=ours, verifiers=[Other(RuntimeError("broken"))]),
            True,
        ),
        "last": (
            lambda ours: multi(verifiers=[Other(), ours.token_verifier], base_url=ours.base_url),
            True,
        ),
        "last, whole": (lambda ours: multi(verifiers=[Other(), ours], base_url=ours.base_url), True),
        "last, the other raises": (
            lambda ours: multi(verifiers=[Other(ValueError()), ours.token_verifier], base_url=ours.base_url),
            True,
        ),
        "within": (
            lambda ours: multi(server=multi(server=ours, verifiers=[Other()]), verifiers=[Other()]),
            True,
        ),
    }


def server(auth: Any) -> FastMCP[Any]:
    mcp: FastMCP[Any] = FastMCP("served", auth=auth)

    @mcp.custom_route("/open", methods=["GET"])
    async def open_to_all(_: Request) -> Response:
        return PlainTextResponse("open")

    @mcp.custom_route("/own", methods=["GET"])
    async def refuses_by_itself(_: Request) -> Response:
        return PlainTextResponse("own", status_code=401)

    return mcp


def ours(issuer: Issuer, base_url: str, **settings: Any) -> AuthKitProvider:
    usual: dict[str, Any] = {"required_scopes": [SCOPE], "allow_insecure_loopback": True}
    # Told, since some hosts do not tell a verifier which path they serve.
    return AuthKitProvider(
        authkit_domain=issuer.issuer, base_url=base_url, mcp_path="/mcp", **usual | settings
    )


def tells_of_an_outage(connection: Connection, token: str) -> None:
    for path, method in (("/mcp", "POST"), ("/mcp", "GET"), ("/mcp", "DELETE")):
        answer = connection.send(method, path, {"authorization": f"Bearer {token}"})
        assert answer.status == 503, (method, answer)
        assert int(answer.headers["retry-after"]) >= 1
        assert "www-authenticate" not in answer.headers
        assert answer.json["error"] == "temporarily_unavailable"
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("asked", ASKED)
def test_an_outage_is_503_with_retry_after_and_over_when_it_is_over(issuer: Issuer, asked: str) -> None:
    arrange, beside_another = ASKED[asked]
    issuer.fail(500)
    with serving(lambda base_url: server(arrange(ours(issuer, base_url))).http_app()) as served:
        token = issuer.token(f"{served.base_url}/mcp")
        # The other's token passes all the while; who has none, or a malformed one, is told so.
        if beside_another:
            assert served.begin(OTHERS).status == 200
            others = {"authorization": f"Bearer {OTHERS}"}
            assert served.send("GET", "/own", others).body == b"own"
        tells_of_an_outage(served, token)
        assert served.begin(None).status == 401
        assert served.begin("malformed").status == 401
        assert served.send("GET", "/open").body == b"open"
        assert served.send("GET", "/own").body == b"own"
        issuer.fail(0)
        wait_for(lambda: served.begin(token).status == 200)
        assert served.begin(issuer.token("https://other.example/mcp")).status in (401, 403)


def test_whoever_asks_by_a_call_is_told_of_the_outage_and_not_no(issuer: Issuer) -> None:
    issuer.fail(500)
    provider = ours(issuer, "https://mcp.example")
    token = issuer.token("https://mcp.example/mcp")
    verifiers: list[Any] = [provider.token_verifier]
    if hasattr(RemoteAuthProvider, "get_middleware"):
        verifiers.append(provider)
    unavailable = getattr(host, "TokenVerificationError", None)
    if unavailable is not None:
        verifiers += [multi(server=provider, verifiers=[Other()]), multi(verifiers=[Other(), provider])]
    for verifier in verifiers:
        with pytest.raises(KeysUnavailableError) as refused:
            asyncio.run(verifier.verify_token(token))
        assert refused.value.http_status == 503
        assert (refused.value.retry_after or 0) >= 1
        assert unavailable is None or isinstance(refused.value, unavailable)


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("status", [429, 500])
def test_what_says_nothing_of_the_token_is_answered_as_the_library_words_it(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch, asked: str, status: int
) -> None:
    error = KeysUnavailableError("nobody knows", status=5, retry_after=7)
    error.http_status = status
    unknown = Decision(status, (("retry-after", "7"),), b"{}", None, error)

    async def authorize(*_: Any, **__: Any) -> Decision:
        return unknown

    monkeypatch.setattr(Verifier, "authorize_async", authorize)
    arrange, _ = ASKED[asked]
    with serving(lambda base_url: server(arrange(ours(issuer, base_url))).http_app()) as served:
        answer = served.begin("token")
        assert (answer.status, answer.headers["retry-after"], answer.body) == (status, "7", b"{}")
        assert "www-authenticate" not in answer.headers


@pytest.mark.parametrize("asked", ASKED)
def test_a_verifier_that_cannot_judge_at_all_is_never_a_401(issuer: Issuer, asked: str) -> None:
    arrange, _ = ASKED[asked]
    made: list[AuthKitProvider] = []

    def make(base_url: str) -> Any:
        made.append(ours(issuer, base_url))
        return server(arrange(made[0])).http_app()

    with serving(make) as served:
        token = issuer.token(f"{served.base_url}/mcp")
        assert served.begin(token).status == 200
        made[0].verifier.close()
        assert served.begin(token).status >= 500
