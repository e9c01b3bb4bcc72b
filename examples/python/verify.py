"""Verifies the access token on standard input, configured by the environment (AUTHKIT_DOMAIN ...)."""

import sys

import authkit_verifier


def main() -> None:
    """Exits 0 if the token is accepted, 1 if it is refused, 2 by a wrong configuration, 3 without keys."""
    token = sys.stdin.readline().rstrip("\r\n")

    # [readme]
    try:
        claims = authkit_verifier.verify(token)  # the default verifier, from the environment
        print(f"accepted: {claims.subject}")
    except authkit_verifier.AuthKitError as error:
        print(f"{error.code}, HTTP {error.http_status}: {error.reason}")
        if error.hint:
            print(f"hint: {error.hint}")
        sys.exit(exit_status(error))
    # [/readme]


def exit_status(error: authkit_verifier.AuthKitError) -> int:
    """What scripts tell the kinds of refusal apart by."""
    match error:
        case authkit_verifier.ConfigError():
            return 2
        case authkit_verifier.KeysUnavailableError():
            return 3
        case _:
            return 1


if __name__ == "__main__":
    main()
