"""The project's test vectors (tests/vectors), read as Python values."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from authkit_verifier import Verifier

REPOSITORY = Path(__file__).resolve().parents[3]
VECTORS = REPOSITORY / "tests" / "vectors"


@dataclass(frozen=True)
class Case:
    """One line of a vector file."""

    name: str
    fields: dict[str, Any]

    @property
    def accepted(self) -> bool:
        return bool(self.fields["expect"] == "accept")

    @property
    def strength(self) -> str:
        return str(self.fields["strength"])

    @property
    def needs(self) -> list[str]:
        return self.fields.get("needs") or []

    @property
    def token(self) -> str | bytes:
        """A str where the vector has text, so that both of `verify`'s forms are taken through the vectors."""
        if "token_b64" in self.fields:
            return base64.b64decode(self.fields["token_b64"])
        if "token_gen" in self.fields:
            parts = self.fields["token_gen"]
            return "".join(
                part if isinstance(part, str) else part["repeat"] * part["count"] for part in parts
            )
        return str(self.fields["token"])

    @property
    def jwks(self) -> str | dict[str, Any]:
        if "jwks_raw" in self.fields:
            return str(self.fields["jwks_raw"])
        jwks: dict[str, Any] = self.fields["jwks"]
        return jwks

    def settings(self) -> dict[str, Any]:
        """The vector's configuration by the names of `Verifier`."""
        config = self.fields["config"]
        audience = config["audience"]
        settings = {
            "issuers": {config["issuer"]: {"jwks": self.jwks}},
            "audiences": [audience] if isinstance(audience, str) else audience,
            "algorithms": config["algorithms"],
            "leeway": config["leeway"],
            "required_scopes": config["required_scopes"],
            "now": config["now"],
        }
        if "typ" in config:
            assert config["typ"] == ["at+jwt"], "ours can demand no other"
            settings["typ"] = "rfc9068"
        if "max_age" in config:
            settings["max_token_age"] = config["max_age"]
        return settings

    def verifier(self) -> Verifier:
        return Verifier(**self.settings())


@cache
def all_cases() -> tuple[Case, ...]:
    found = []
    for path in sorted(VECTORS.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            fields = json.loads(line)
            found.append(Case(fields["name"], fields))
    assert found, f"no vectors in {VECTORS}"
    return tuple(found)


@cache
def case(name: str) -> Case:
    return next(case for case in all_cases() if case.name == name)


# A good token with two scopes more than none, and what it was made for.
GOOD = "baseline/typ-JWT"
ISSUER = "https://heldout-palm-42.authkit.app"
RESOURCE = "https://mcp.heldout.example/mcp"
SUBJECT = "user_01K7HELD0UTSUBJECT00000001"
CLIENT_ID = "client_01K7HELD0UTMCPCL1ENT0000"
KEY_ID = "sso_oidc_key_pair_01K7HELD0UTMA1N00000000000"
NEXT_KEY_ID = "sso_oidc_key_pair_01K7HELD0UTNEXT00000000000"
NOW = 1760000000
EXPIRES_AT = 1760000300
ISSUED_AT = 1759999940


def good_token() -> str:
    token = case(GOOD).token
    assert isinstance(token, str)
    return token


def naming(key_id: str) -> str:
    """The good token but for the key that it names."""
    header, payload, signature = good_token().split(".")
    members = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
    renamed = json.dumps(members | {"kid": key_id}).encode()
    return ".".join([base64.urlsafe_b64encode(renamed).rstrip(b"=").decode(), payload, signature])


def good_jwks(*key_ids: str) -> dict[str, Any]:
    """The issuer's key set; with ids, those keys of it alone."""
    jwks = case(GOOD).jwks
    assert isinstance(jwks, dict)
    return {"keys": [key for key in jwks["keys"] if not key_ids or key["kid"] in key_ids]}


def good_verifier(**settings: Any) -> Verifier:
    """A verifier that has its keys and accepts the good token."""
    ours: dict[str, Any] = {"authkit_domain": ISSUER, "resource": RESOURCE, "jwks": good_jwks(), "now": NOW}
    return Verifier(**ours | settings)
