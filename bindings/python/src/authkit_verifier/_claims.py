"""What an accepted token says: plain data, copied out of the library, that can be kept and sent on."""

from __future__ import annotations

import json
from collections import namedtuple
from collections.abc import Iterator, Mapping
from ctypes import byref, c_int64

from ._native import (
    OK,
    claims_algorithm,
    claims_audience_at,
    claims_audience_count,
    claims_client_id,
    claims_expires_at,
    claims_header_json,
    claims_identity_json,
    claims_issued_at,
    claims_issuer,
    claims_json,
    claims_key_id,
    claims_not_before,
    claims_resource,
    claims_scope_at,
    claims_scope_count,
    claims_subject,
)

TYPE_CHECKING = False  # as typing has it, whose import would take as long as all of ours
if TYPE_CHECKING:
    from typing import Any, Literal, NamedTuple
else:
    NamedTuple = object


class _Facts(NamedTuple):
    """What the library read from the token, one entry per getter of the C ABI."""

    json: str
    header_json: str
    identity_json: str
    issuer: str
    subject: str
    audience: tuple[str, ...]
    resource: str | None
    client_id: str
    scopes: tuple[str, ...]
    expires_at: int
    issued_at: int | None
    not_before: int | None
    key_id: str | None
    algorithm: str


if not TYPE_CHECKING:
    # What typing would have made of it.
    _Facts = namedtuple("_Facts", _Facts.__annotations__)


class Claims(Mapping[str, "Any"]):
    """The claims of an accepted token.

    A read-only mapping over the payload's members as they were signed, and attributes for those with a
    meaning of their own. Immutable, hashable, picklable, independent of the verifier. What a look-up
    returns is the caller's: a list or dict out of the payload is a fresh copy.

    Made by `Verifier.verify`; there is no other way to have one that means anything.
    """

    __slots__ = ("_facts", "_identity", "_payload")

    _facts: _Facts
    _identity: dict[str, Any] | None
    _payload: dict[str, Any] | None

    def __init__(self, facts: _Facts) -> None:
        object.__setattr__(self, "_facts", facts)
        object.__setattr__(self, "_identity", None)
        object.__setattr__(self, "_payload", None)

    @property
    def issuer(self) -> str:
        """`iss`: who issued the token; one of the configured issuers."""
        return self._facts.issuer

    @property
    def subject(self) -> str:
        """`sub`: the user, or for a machine's token the client. Never empty; unique within the issuer."""
        return self._facts.subject

    @property
    def audience(self) -> tuple[str, ...]:
        """`aud`: every audience that the token names, in its order; empty if it names none."""
        return self._facts.audience

    @property
    def resource(self) -> str | None:
        """The configured audience that `aud` matched; None where the issuer's audience is not checked."""
        return self._facts.resource

    @property
    def client_id(self) -> str:
        """The client that the token was issued to: `client_id`, else `azp`, else `sub`."""
        return self._facts.client_id

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes that the token names, in its order.

        A configured hierarchy is not applied here: to ask whether a scope is granted, pass it to
        `Verifier.verify` as `required_scopes`.
        """
        return self._facts.scopes

    @property
    def expires_at(self) -> int:
        """`exp`: when the token ends, in Unix seconds, no fraction; accepted `leeway` s longer."""
        return self._facts.expires_at

    @property
    def issued_at(self) -> int | None:
        """`iat`: when the token was issued, in Unix seconds, no fraction; None if it does not say."""
        return self._facts.issued_at

    @property
    def not_before(self) -> int | None:
        """`nbf`: when the token begins to hold, in Unix seconds, no fraction; None if it does not say."""
        return self._facts.not_before

    @property
    def key_id(self) -> str | None:
        """`kid` of the header: the id of the key that signed the token; None if it names no key."""
        return self._facts.key_id

    @property
    def algorithm(self) -> str:
        """`alg` of the header: the algorithm of the signature, such as `"RS256"`."""
        return self._facts.algorithm

    @property
    def org_id(self) -> str | None:
        """`org_id`: the organization that the user signed in to; None if the token names none."""
        return self._text("org_id")

    @property
    def session_id(self) -> str | None:
        """`sid`: the session that the token belongs to; None if it names none, as a machine's."""
        return self._text("session_id")

    @property
    def role(self) -> str | None:
        """`role`: the user's role in the organization; None if the token names none."""
        return self._text("role")

    @property
    def roles(self) -> tuple[str, ...]:
        """`roles`: the user's roles in the organization.

        A claim that is no list of strings gives nobody a role; likewise for the three below.
        """
        return tuple(self._told("roles"))

    @property
    def permissions(self) -> tuple[str, ...]:
        """`permissions`: the user's permissions; to demand some as scopes, see `scope_claims`."""
        return tuple(self._told("permissions"))

    @property
    def entitlements(self) -> tuple[str, ...]:
        """`entitlements`: what the organization has bought."""
        return tuple(self._told("entitlements"))

    @property
    def feature_flags(self) -> tuple[str, ...]:
        """`feature_flags`: the flags that are on for the user."""
        return tuple(self._told("feature_flags"))

    @property
    def actor(self) -> str | None:
        """`act.sub`: who acts in the user's place (RFC 8693), as in an impersonation; None if not said."""
        return self._text("actor")

    @property
    def is_impersonated(self) -> bool:
        """Whether somebody else acts in the user's place, also where the token does not say who."""
        return bool(self._told("is_impersonated"))

    @property
    def kind(self) -> Literal["user", "machine", "unknown"]:
        """Who the token speaks for, where that is certain.

        `"user"`: `sub` begins with `user_` and is not the client. `"machine"`: `sub` is the client
        (`client_id`, else `azp`; where the token has neither, `sub` begins with `client_`), does not begin
        with `user_`, and there is neither `sid` nor `act`. Everything else is `"unknown"`.
        """
        kind: Literal["user", "machine", "unknown"] = self._told("kind")
        return kind

    @property
    def is_machine(self) -> bool:
        """Whether the token is certainly a machine's own: `kind` is `"machine"`."""
        return bool(self._told("is_machine"))

    @property
    def family(self) -> Literal["connect", "session"]:
        """Which family the token is of: by the configured issuer that vouched for it, not by its claims."""
        family: Literal["connect", "session"] = self._told("family")
        return family

    @property
    def header(self) -> dict[str, Any]:
        """The token's header as it was signed; a fresh dict each time."""
        header: dict[str, Any] = json.loads(self._facts.header_json)
        return header

    @property
    def json(self) -> str:
        """The payload as it was signed: the text of one JSON object, byte for byte."""
        return self._facts.json

    def to_dict(self) -> dict[str, Any]:
        """The payload as a plain dict of the caller's own, such as `json.dumps` takes."""
        payload: dict[str, Any] = json.loads(self._facts.json)
        return payload

    def _told(self, name: str) -> Any:
        # Parsed on the first question, as the payload below.
        identity = self._identity
        if identity is None:
            identity = json.loads(self._facts.identity_json)
            object.__setattr__(self, "_identity", identity)
        return identity[name]

    def _text(self, name: str) -> str | None:
        text: str | None = self._told(name)
        return text

    def _members(self) -> dict[str, Any]:
        # Parsed on the first look-up: most servers ask for the attributes alone. Two threads may both
        # parse; they get equal results and one of them stays.
        payload = self._payload
        if payload is None:
            payload = self.to_dict()
            object.__setattr__(self, "_payload", payload)
        return payload

    def __getitem__(self, name: str) -> Any:
        return _copied(self._members()[name])

    def __contains__(self, name: object) -> bool:
        return name in self._members()

    def __iter__(self) -> Iterator[str]:
        return iter(self._members())

    def __len__(self) -> int:
        return len(self._members())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Claims):
            return self._facts == other._facts
        return super().__eq__(other)

    def __hash__(self) -> int:
        return hash(self._facts)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"claims are read-only: {name} cannot be set")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"claims are read-only: {name} cannot be deleted")

    def __reduce__(self) -> tuple[Any, ...]:
        return Claims, (self._facts,)

    def __repr__(self) -> str:
        # For logs: who and what, not the other claims, which can be personal.
        facts = self._facts
        return f"Claims(issuer={facts.issuer!r}, subject={facts.subject!r}, client_id={facts.client_id!r})"


def read(pointer: int) -> Claims:
    """Copies everything out of native claims, which remain the caller's to free."""
    resource = claims_resource(pointer)
    key_id = claims_key_id(pointer)
    time = c_int64()
    out = byref(time)
    claims_expires_at(pointer, out)  # every accepted token has one
    expires_at = time.value
    issued_at = time.value if claims_issued_at(pointer, out) == OK else None
    not_before = time.value if claims_not_before(pointer, out) == OK else None
    return Claims(
        _Facts(
            claims_json(pointer, None).decode(),
            claims_header_json(pointer, None).decode(),
            claims_identity_json(pointer, None).decode(),
            claims_issuer(pointer).decode(),
            claims_subject(pointer).decode(),
            tuple([claims_audience_at(pointer, n).decode() for n in range(claims_audience_count(pointer))]),
            None if resource is None else resource.decode(),
            claims_client_id(pointer).decode(),
            tuple([claims_scope_at(pointer, n).decode() for n in range(claims_scope_count(pointer))]),
            expires_at,
            issued_at,
            not_before,
            None if key_id is None else key_id.decode(),
            claims_algorithm(pointer).decode(),
        )
    )


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copied(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_copied(item) for item in value]
    return value
