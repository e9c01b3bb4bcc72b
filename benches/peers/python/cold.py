"""From a process's start to its first verdict: `cold.py CASE DIRECTORY`; the case `bare` verifies nothing."""

import sys

case, directory = sys.argv[1:]


def _read(name: str) -> str:
    with open(f"{directory}/{name}") as file:  # noqa: PTH123 - pathlib takes longer to import than we are to take
        return file.read()


domain, resource, jwks, token = map(_read, ("issuer", "audience", "jwks.json", "token"))

if case == "bare":
    verdict: object = True
elif case == "authkit":
    from authkit_verifier import Verifier

    verdict = Verifier(authkit_domain=domain, resource=resource, jwks=jwks).verify(token).subject
else:
    import asyncio
    import inspect
    from pathlib import Path

    import verifiers

    verdict = verifiers.make(case, Path(directory))(token)
    if inspect.iscoroutine(verdict):
        verdict = asyncio.run(verdict)
sys.exit(0 if verdict else 1)
