"""From a process's start to its first verdict: `cold.py CASE DIRECTORY`; the case `bare` verifies nothing."""

import sys

case, directory = sys.argv[1:]


def _read(name: str) -> str:
    with open(f"{directory}/{name}") as file:  # noqa: PTH123 - pathlib takes longer to import than we are to take
        return file.readline().strip()


domain, resource, jwks, token = map(_read, ("issuer", "audience", "jwks.json", "tokens"))

if case == "authkit":
    from authkit_verifier import Verifier

    print(Verifier(authkit_domain=domain, resource=resource, jwks=jwks).verify(token).subject)
elif case != "bare":
    import asyncio
    import inspect
    from pathlib import Path

    import verifiers

    verdict = verifiers.make(case, Path(directory))(token)
    print(asyncio.run(verdict) if inspect.iscoroutine(verdict) else verdict)
