"""The judge finds each broken bar in made-up logs, and none in a good run's."""

from __future__ import annotations

import json

from judge import Client, Issuer, Verdict

# When the made-up run began.
START = 1_000_000.0


def issuer(*requests: tuple[float, str], weather: str = "ok@0", rotations: tuple[float, ...] = ()) -> Issuer:
    """An issuer of so much weather in 60 s, and of these requests (time, answer) besides one at 0.1 s."""
    events: list[dict[str, object]] = [
        {"event": "weather", "at": START + float(at), "kind": kind}
        for kind, _, at in (step.partition("@") for step in weather.split())
    ]
    events += [{"event": "rotation", "at": START + at, "key": key} for key, at in enumerate(rotations, 1)]
    for at, answer in [(0.1, "200"), *requests]:
        key = sum(turn <= at for turn in rotations)
        seen = {"client": "c", "no_cache": True, "conditional": True, "answer": answer, "key": key}
        events.append({"event": "request", "at": START + at, "done": START + at, **seen})
    events.append({"event": "end", "at": START + 60, "late": 0.0})
    return Issuer.read(json.dumps(event) for event in events)


def verdict(at: float, line: str, took: float = 0.01) -> Verdict:
    """A verdict such as `signed 0 401 UNKNOWN_KEY`, with a time to come back if it takes one."""
    retry_after = 1 if line.split()[2] in ("429", "503") else -1
    return Verdict.read(f"{START + at} {START + at + took} {line} {retry_after}")


def broken(by: Issuer, *verdicts: Verdict, flood: bool = True, steady: bool = True) -> set[str]:
    """The bars that are broken; `steady` adds good tokens that pass, and bad ones that do not."""
    usual: list[Verdict] = []
    if steady:
        for tick in range(5, 600):
            at = tick / 10
            key = sum(turn <= START + at for turn in by.rotations.values())
            usual.append(verdict(at, f"signed {key} 200 OK"))
        usual.append(verdict(5, "forged 0 401 SIGNATURE"))
        if flood:
            usual.append(verdict(5, "random 0 429 BUSY"))
    client = Client("c", flood, by, sorted([*usual, *verdicts], key=lambda it: it.began))
    client.judge()
    return set(client.broken)


REFUSED = "a good token is never refused"
ACCEPTED = "a bad token is never accepted"
DEAD = "no 5xx while usable keys are held"
KNOWN = "a good token whose key was fetched is accepted"
UNASKED = "UNKNOWN_KEY is said only after the issuer was asked"
HOPELESS = "429 and 503 say when to come back"
SLOW = "no call waits longer than 5 s"
LATE = "good tokens pass 7 s after a recovery, 10 s after a rotation"
OFTEN = "the issuer is asked seldom"
EMPTY = "something is measured"


def check(cases: list[tuple[set[str], set[str]]]) -> None:
    """Compares what should be broken with what is."""
    for number, (expected, found) in enumerate(cases):
        assert found == expected, f"case {number}"


def test_good_tokens() -> None:
    rotated = issuer((20.3, "200"), rotations=(20,))
    twice = issuer((20.1, "200"), (40.1, "200"), rotations=(20, 40))
    check(
        [
            (set(), broken(issuer())),
            ({REFUSED, KNOWN, LATE}, broken(issuer(), verdict(30, "signed 0 401 SIGNATURE"))),
            ({REFUSED}, broken(rotated, verdict(20.1, "signed 1 401 UNKNOWN_KEY", took=0.1))),
            ({REFUSED}, broken(rotated, verdict(20.1, "signed 1 500 INTERNAL", took=0.1)) - {DEAD}),
            (set(), broken(rotated, verdict(20.1, "signed 1 429 BUSY", took=0.1))),
            ({KNOWN}, broken(rotated, verdict(20.1, "signed 0 429 BUSY", took=0.1))),
            ({KNOWN}, broken(rotated, verdict(21, "signed 1 429 BUSY"))),
            # A retired key's token may be refused, and one that is retired during the call.
            (set(), broken(twice, verdict(40, "signed 0 401 UNKNOWN_KEY", took=0.2))),
            (set(), broken(twice, verdict(39.9, "signed 0 401 UNKNOWN_KEY", took=0.2))),
        ]
    )


def test_bad_tokens() -> None:
    twice = issuer((20.1, "200"), (40.1, "200"), rotations=(20, 40))
    untold = issuer((20.1, "200"), (40.1, "500"), rotations=(20, 40))
    check(
        [
            ({ACCEPTED}, broken(issuer(), verdict(30, "forged 0 200 OK"))),
            ({ACCEPTED}, broken(issuer(), verdict(30, "random 0 200 OK"))),
            ({ACCEPTED}, broken(twice, verdict(41, "signed 0 200 OK"))),
            (set(), broken(untold, verdict(41, "signed 0 200 OK"))),
        ]
    )


def test_server_errors() -> None:
    cold = issuer((0.2, "503"), (5.1, "200"), weather="503@0 ok@5")
    cold.requests["c"].pop(0)
    nothing = [verdict(at / 10, "signed 0 503 KEYS_UNAVAILABLE") for at in range(1, 50)]
    passing = [verdict(at / 10, "signed 0 200 OK") for at in range(51, 600)]
    usual = [*passing, verdict(6, "forged 0 401 SIGNATURE"), verdict(6, "random 0 429 BUSY")]
    check(
        [
            (set(), broken(cold, *nothing, *usual, steady=False)),
            ({DEAD, KNOWN, LATE}, broken(issuer(), verdict(30, "signed 0 503 KEYS_UNAVAILABLE"))),
            ({DEAD}, broken(issuer(), verdict(30, "random 0 503 KEYS_UNAVAILABLE"))),
            ({DEAD}, broken(issuer(), verdict(30, "forged 0 500 INTERNAL"))),
            ({HOPELESS}, broken(issuer(), Verdict(START + 9, START + 9, "random", 0, 429, "BUSY", -1))),
        ]
    )


def test_unknown_keys() -> None:
    asked = issuer((30.05, "304"), (31, "500"))
    check(
        [
            (set(), broken(asked, verdict(30, "random 0 401 UNKNOWN_KEY", took=0.1))),
            ({UNASKED}, broken(asked, verdict(30.06, "random 0 401 UNKNOWN_KEY", took=0.1))),
            ({UNASKED}, broken(asked, verdict(29, "random 0 401 UNKNOWN_KEY", took=0.1))),
            ({UNASKED}, broken(asked, verdict(30.9, "random 0 401 UNKNOWN_KEY", took=0.2))),
        ]
    )


def test_waits() -> None:
    check(
        [
            (set(), broken(issuer(), verdict(30, "signed 0 200 OK", took=5.4))),
            ({SLOW}, broken(issuer(), verdict(30, "signed 0 200 OK", took=5.6))),
        ]
    )


def test_passing_again() -> None:
    def run(weather: str, rotation: float, fetched: float, passes: float, flood: bool) -> set[str]:
        by = issuer((fetched, "200"), weather=weather, rotations=(rotation,))
        before = [verdict(at / 10, "signed 0 200 OK") for at in range(5, 600)]
        none = [
            verdict(at / 10, "signed 1 429 BUSY") for at in range(int(rotation * 10) + 1, int(passes * 10))
        ]
        after = [verdict(at / 10, "signed 1 200 OK") for at in range(int(passes * 10), 600)]
        usual = [
            verdict(6, "forged 0 401 SIGNATURE"),
            *([verdict(6, "random 0 429 BUSY")] if flood else []),
        ]
        return broken(by, *before, *none, *after, *usual, flood=flood, steady=False)

    outage = "ok@0 stall@20 ok@30"
    check(
        [
            (set(), run("ok@0", 20, 29.8, 29.9, flood=True)),
            ({LATE}, run("ok@0", 20, 30.9, 31, flood=True)),
            (set(), run("ok@0", 20, 26.8, 26.9, flood=False)),
            ({LATE}, run("ok@0", 20, 28.9, 29, flood=False)),
            (set(), run(outage, 25, 36.8, 36.9, flood=True)),
            ({LATE}, run(outage, 25, 38.9, 39, flood=True)),
        ]
    )


def test_requests() -> None:
    burst = [(20 + at / 100, "304") for at in range(5)]
    slow = [(20 + at * 10, "304") for at in range(1, 4)]
    failing = [(20 + at * 2.01, "500") for at in range(12)]
    check(
        [
            (set(), broken(issuer(*burst))),
            ({OFTEN}, broken(issuer(*burst, (20.1, "304")))),
            (set(), broken(issuer(*burst, *slow))),
            ({OFTEN}, broken(issuer(*burst, *slow, (51, "304"), (52, "304")))),
            (set(), broken(issuer(*failing, weather="ok@0 500@19"))),
            ({OFTEN}, broken(issuer(*failing, *failing, weather="ok@0 500@19"))),
        ]
    )


def test_emptiness() -> None:
    check(
        [
            ({EMPTY, LATE}, broken(issuer(), steady=False)),
            ({EMPTY}, broken(issuer(), verdict(9, "random 0 429 BUSY"), flood=False)),
        ]
    )
