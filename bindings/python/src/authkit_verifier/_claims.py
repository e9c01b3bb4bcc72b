"""What an accepted token says: plain data, copied out of the library, that can be kept and sent on."""

from __future__ import annotations

from _collections_abc import Iterator, Mapping  # collections.abc is this, behind all of collections

from ._jsontext import loads

TYPE_CHECKING = False  # as typing has it, whose import would take as long as all of ours
if TYPE_CHECKING:
    from typing import Any, Literal

# Between the parts of a record (RFC 7464 section 2.2): no JSON text can hold it.
_SEPARATOR = b"\x1e"

# The attributes that the library's facts give, in their places, each with what it says.
_FACTS = {
    "issuer": "`iss`: who issued the token; one of the configured issuers.",
    "subject": "`sub`: the user, or for a machine's token the client. Never empty; unique within the issuer.",
    "client_id": "The client that the token was issued to: `client_id`, else `azp`, else `sub`.",
    "scopes": """The scopes that the token names, in its order.

A configured hierarchy is not applied here: to ask whether a scope is granted, pass it to `Verifier.verify` as
`required_scopes`.""",
    "expires_at": "`exp`: when the token ends, in Unix seconds, no fraction; accepted `leeway` s longer.",
    "audience": "`aud`: every audience that the token names, in its order; empty if it names none.",
    "resource": "The configured audience that `aud` matched; None where the issuer's is not checked.",
    "issued_at": "`iat`: when the token was issued, in Unix seconds, no fraction; None if it does not say.",
    "not_before": "`nbf`: when the token begins to hold, in Unix seconds, no fraction; None if not said.",
    "key_id": "`kid` of the header: the id of the key that signed the token; None if it names no key.",
    "algorithm": '`alg` of the header: the algorithm of the signature, such as `"RS256"`.',
    "kind": """Who the token speaks for, where that is certain.

`"user"`: `sub` begins with `user_` and is not the client. `"machine"`: `sub` is the client (`client_id`, else
`azp`; where the token has neither, `sub` begins with `client_`), does not begin with `user_`, and there is
neither `sid` nor `act`. Everything else is `"unknown"`.""",
    "family": "Which family the token is of: by the issuer that vouched for it, never by its claims.",
}

# Which of them are filled first, from issuer to resource: servers ask for these, and to fill the others as
# well takes as long again.
_FIRST = frozenset(tuple(_FACTS)[:7])

# Those that it names where a token has them, and what they are where it has not.
_IDENTITY = {
    "org_id": "`org_id`: the organization that the user signed in to; None if the token names none.",
    "session_id": "`sid`: the session that the token belongs to; None if it names none, as a machine's.",
    "role": "`role`: the user's role in the organization; None if the token names none.",
    "roles": """`roles`: the user's roles in the organization.

A claim that is no list of strings gives nobody a role; likewise for the three below.""",
    "permissions": "`permissions`: the user's permissions; to demand some as scopes, see `scope_claims`.",
    "entitlements": "`entitlements`: what the organization has bought.",
    "feature_flags": "`feature_flags`: the flags that are on for the user.",
    "actor": "`act.sub`: who acts for the subject now (RFC 8693), the first of `actors`; None if not said.",
    "actors": """The chain of actors, outermost first, eight at most.

The first acts now. The others acted before it and are only for the record (RFC 8693 section 4.1). An actor
without a `sub` that is a string ends the list.""",
    "is_impersonated": """Whether a person acts as the user.

True if a session token has an `act`, even one that names nobody. False if a `sub_profile` says that the actor
is an agent. Any other `act` is a delegation.""",
    "is_machine": 'Whether the token is certainly a machine\'s own: `kind` is `"machine"`.',
}
_LEFT_OUT: dict[str, Any] = {
    **dict.fromkeys(("roles", "permissions", "entitlements", "feature_flags", "actors"), ()),
    **dict.fromkeys(("is_impersonated", "is_machine"), False),
}


class Claims(Mapping[str, "Any"]):
    """The claims of an accepted token.

    A read-only mapping over the payload's members as they were signed, and attributes for those with a
    meaning of their own. Immutable, hashable, picklable, independent of the verifier. What a look-up
    returns is the caller's: a list or dict out of the payload is a fresh copy. A token that comes again may
    be answered with the same object.

    Made by `Verifier.verify`; there is no other way to have one that means anything.
    """

    # Attributes are read from the record when the first of them is asked for, and cost a plain look-up from
    # then on: a slot that is filled needs no call.
    __slots__ = {**_FACTS, **_IDENTITY, "_told": None}

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
    org_id: str | None
    session_id: str | None
    role: str | None
    roles: tuple[str, ...]
    permissions: tuple[str, ...]
    entitlements: tuple[str, ...]
    feature_flags: tuple[str, ...]
    actor: str | None
    actors: tuple[str, ...]
    is_impersonated: bool
    kind: Literal["user", "machine", "unknown"]
    is_machine: bool
    family: Literal["connect", "session"]
    # The record: ticket, facts, identity, header and payload; and the payload read, None until it is asked
    # for.
    _told: list[Any]

    def __init__(self, record: bytes) -> None:
        _put_told(self, [_SEPARATOR + record, None])

    if not TYPE_CHECKING:  # to which it would excuse every misspelt name

        def __getattr__(self, name: str) -> Any:
            # Called for a slot that is not filled yet, and for what there is not. Two threads may both fill
            # one; they fill it with equal values.
            if name in _FIRST:
                _fill_first(self, loads(_facts(self._told[0])))
            elif name in _FACTS:
                # A later library may tell more, in further places.
                for put, value in zip(_PUT_FACTS, loads(_facts(self._told[0])), strict=False):
                    put(self, tuple(value) if type(value) is list else value)
            elif name in _IDENTITY:
                told = loads(self._told[0].split(_SEPARATOR, 3)[2].decode())
                for one in _IDENTITY:
                    value = told.get(one, _LEFT_OUT.get(one))
                    _PUT[one](self, tuple(value) if type(value) is list else value)
            return object.__getattribute__(self, name)

    @property
    def _record(self) -> bytes:
        """Without the ticket, which is an acceptance's, and no part of what the token says."""
        record: bytes = self._told[0].partition(_SEPARATOR)[2]
        return record

    @property
    def header(self) -> dict[str, Any]:
        """The token's header as it was signed; a fresh dict each time."""
        header: dict[str, Any] = loads(self._told[0].split(_SEPARATOR, 4)[3].decode().lstrip())
        return header

    @property
    def json(self) -> str:
        """The payload as it was signed: the text of one JSON object, byte for byte."""
        return _json(self._told[0])

    def to_dict(self) -> dict[str, Any]:
        """The payload as a plain dict of the caller's own, such as `json.dumps` takes."""
        payload: dict[str, Any] = loads(self.json.lstrip())
        return payload

    def __getitem__(self, name: str) -> Any:
        told = self._told
        value = (told[1] or _payload(told))[name]
        return value if type(value) is str else _copied(value)

    def __contains__(self, name: object) -> bool:
        return name in _payload(self._told)

    def __iter__(self) -> Iterator[str]:
        return iter(_payload(self._told))

    def __len__(self) -> int:
        return len(_payload(self._told))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Claims):
            return self._record == other._record
        return super().__eq__(other)

    def __hash__(self) -> int:
        return hash(self._record)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"claims are read-only: {name} cannot be set")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"claims are read-only: {name} cannot be deleted")

    def __reduce__(self) -> tuple[Any, ...]:
        return Claims, (self._record,)

    def __repr__(self) -> str:
        # For logs: who and what, not the other claims, which can be personal.
        return f"Claims(issuer={self.issuer!r}, subject={self.subject!r}, client_id={self.client_id!r})"


# Straight into the slots, past what keeps others from setting them.
_PUT: dict[str, Any] = {name: vars(Claims)[name].__set__ for name in Claims.__slots__}
_PUT_FACTS = tuple(_PUT[name] for name in _FACTS)
(
    _put_issuer,
    _put_subject,
    _put_client_id,
    _put_scopes,
    _put_expires_at,
    _put_audience,
    _put_resource,
) = _PUT_FACTS[: len(_FIRST)]
_put_told = _PUT["_told"]
_new = object.__new__


def from_record(record: bytes) -> tuple[int, Claims]:
    """The ticket and the claims of a record, as the library writes it; nothing of it is read yet."""
    ticket = record[: record.index(_SEPARATOR)]
    claims = _new(Claims)
    _put_told(claims, [record, None])
    return (0 if ticket == b"0" else int(ticket)), claims


# The parts that most ask for are not looked for by split(), which compares octet by octet.


def _facts(record: bytes) -> str:
    begin = record.index(_SEPARATOR) + 1
    return record[begin : record.index(_SEPARATOR, begin)].decode()


def _json(record: bytes) -> str:
    return record.rpartition(_SEPARATOR)[2].decode()


def _fill_first(claims: Claims, facts: list[Any]) -> None:
    # One by one: in a loop it takes twice as long.
    issuer, subject, client_id, scopes, expires_at, audience, resource, *_ = facts
    _put_issuer(claims, issuer)
    _put_subject(claims, subject)
    _put_client_id(claims, client_id)
    _put_scopes(claims, tuple(scopes))
    _put_expires_at(claims, expires_at)
    _put_audience(claims, tuple(audience))
    _put_resource(claims, resource)


def _payload(told: list[Any]) -> dict[str, Any]:
    """The payload of claims that were told so, read once. Two threads may both read it; it is the same."""
    payload: dict[str, Any] = told[1] or loads(_json(told[0]).lstrip())
    told[1] = payload
    return payload


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copied(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_copied(item) for item in value]
    return value
