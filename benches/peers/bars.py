"""What is demanded of our speed, beside what was measured. Nothing fails: the machine may be busy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from results import Figures, Key, Results

NATIVE, PYTHON, NODE = "C and Rust", "Python", "Node"
# The row of each language that the bars are about: with the claims at hand, as others hand them out.
OURS = {
    NATIVE: "authkit",
    PYTHON: "authkit, claims read",
    NODE: "authkit, tryVerify, claims read",
}
# The row of a verdict on a token that was not seen before, of which nothing is asked but whether it is good.
VERDICT = {PYTHON: "authkit, verdict alone", NODE: "authkit, tryVerify"}


@dataclass(frozen=True)
class Bar:
    """One demand: a figure, and what it may be at most, or must be at least."""

    what: str
    measured: float
    most: float | None = None
    least: float | None = None

    def __str__(self) -> str:
        """A row of a Markdown table."""
        if self.most is not None:
            demanded, met = f"≤ {self.most:g}", self.measured <= self.most
        else:
            demanded, met = f"≥ {self.least:g}", self.measured >= (self.least or 0)
        return f"| {self.what} | {self.measured:.3f} | {demanded} | {'met' if met else 'MISSED'} |"


def bars(results: Results) -> str:
    """All of them as a Markdown table."""
    heads = "| ratio to the reference, or as said | measured | demanded | |\n|---|---:|---:|---|"
    return "\n".join([heads, *map(str, _all(results))]) + "\n"


def _all(results: Results) -> Iterator[Bar]:
    def of(language: str, name: str, pattern: str, algorithm: str = "RS256") -> Figures:
        return results[Key(language, name, algorithm, pattern)]

    def ours(language: str, pattern: str, algorithm: str = "RS256") -> Figures:
        return of(language, OURS[language], pattern, algorithm)

    def fastest(language: str, pattern: str) -> float:
        return min(
            figures.ratio
            for key, figures in results.items()
            if (key.language, key.algorithm, key.pattern) == (language, "RS256", pattern)
            and not key.name.startswith(("authkit", "AWS-LC"))
            and "cache" not in key.name
        )

    for algorithm, most in (("RS256", 1.08), ("ES256", 1.05), ("EdDSA", 1.05)):
        yield Bar(f"C, distinct {algorithm}", ours(NATIVE, "distinct", algorithm).ratio, most=most)
    yield Bar("C, same token", ours(NATIVE, "repeat").ratio, most=0.02)
    for pattern in ("distinct", "repeat"):
        yield Bar(f"C, two threads ÷ one, {pattern}", ours(NATIVE, pattern).gain, least=1.9)
    ahead = fastest(NATIVE, "distinct") / ours(NATIVE, "distinct").ratio
    yield Bar("C, times faster than the fastest other in C or Rust", ahead, least=1)

    yield Bar("Python, distinct", of(PYTHON, VERDICT[PYTHON], "distinct").ratio, most=1.45)
    yield Bar("Python, same token", ours(PYTHON, "repeat").ratio, most=0.10)
    for peer in ("PyJWT", "FastMCP JWTVerifier"):
        for row in (VERDICT[PYTHON], OURS[PYTHON]):
            faster = of(PYTHON, peer, "distinct").ratio / of(PYTHON, row, "distinct").ratio
            yield Bar(f"Python, {row}, times faster than {peer}, distinct", faster, least=3.5)
        faster = of(PYTHON, peer, "repeat").ratio / ours(PYTHON, "repeat").ratio
        yield Bar(f"Python, times faster than {peer}, repeat", faster, least=40)
    for pattern, least in (("distinct", 1.6), ("repeat", 1)):
        yield Bar(
            f"Python, two threads ÷ one, {pattern}", of(PYTHON, VERDICT[PYTHON], pattern).gain, least=least
        )

    yield Bar("Node, distinct", of(NODE, VERDICT[NODE], "distinct").ratio, most=1.25)
    yield Bar("Node, same token", ours(NODE, "repeat").ratio, most=0.07)
    cached = of(NODE, "fast-jwt, its cache on", "repeat").ratio
    yield Bar(
        "Node, times faster than fast-jwt with its cache, repeat",
        cached / ours(NODE, "repeat").ratio,
        least=2,
    )
    ahead = fastest(NODE, "distinct") / ours(NODE, "distinct").ratio
    yield Bar("Node, times faster than the fastest other without a cache", ahead, least=1)
