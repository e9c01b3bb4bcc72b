"""Judges a soak by its logs, the issuer's and each client's. docs/soak.md says what is counted."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

# The bars, in seconds: the longest wait of a call, and the times in which good tokens pass again.
WAIT = 5.0
RECOVERY = 7.0
ROTATION = 10.0
# Requests to the issuer: so many at once, and one more in so many seconds if it answers and if it does not.
BURST = 5
SECONDS_A_REQUEST = {True: 10.0, False: 2.0}
# Until an answer counts as known to the client, and how far clocks may be read apart.
INSTALL = 0.25
CLOCKS = 0.005
# Beside what the issuer measured: a thread that waits has others before it.
SCHEDULING = 0.5
# Of a broken bar that many cases are shown.
SHOWN = 3


@dataclass(frozen=True)
class Spell:
    """A time of one weather."""

    start: float
    end: float
    kind: str

    @property
    def answers(self) -> bool:
        """Whether the issuer answers as it should."""
        return self.kind == "ok"


@dataclass(frozen=True)
class Request:
    """One request for the key set, as the issuer saw it."""

    at: float
    done: float
    key: int
    answer: str
    no_cache: bool
    conditional: bool

    @property
    def answered(self) -> bool:
        """Whether the client was told which keys there are."""
        return self.answer in ("200", "304")


@dataclass(frozen=True)
class Verdict:
    """One call of a client."""

    began: float
    ended: float
    kind: str
    key: int
    status: int
    code: str
    retry_after: int

    @classmethod
    def read(cls, line: str) -> Verdict:
        """From a line of a client's log."""
        began, ended, kind, key, status, code, retry_after = line.split()
        return cls(float(began), float(ended), kind, int(key), int(status), code, int(retry_after))


@dataclass
class Issuer:
    """What the issuer did, and what it was asked, by client."""

    start: float
    end: float
    spells: list[Spell]
    rotations: dict[int, float]
    requests: dict[str, list[Request]]
    late: float

    @classmethod
    def read(cls, log: Iterable[str]) -> Issuer:
        """From the issuer's log, which must be whole."""
        weather: list[tuple[float, str]] = []
        rotations: dict[int, float] = {}
        requests: dict[str, list[Request]] = {}
        late = end = 0.0
        for event in map(json.loads, log):
            match event.pop("event"):
                case "weather":
                    weather.append((event["at"], event["kind"]))
                case "rotation":
                    rotations[event["key"]] = event["at"]
                case "request":
                    requests.setdefault(event.pop("client"), []).append(Request(**event))
                case "end":
                    late, end = event["late"], event["at"]
        ends = [at for at, _ in weather[1:]] + [end]
        spells = [Spell(at, until, kind) for (at, kind), until in zip(weather, ends, strict=True)]
        for asked in requests.values():
            asked.sort(key=lambda request: request.at)
        return cls(weather[0][0], end, spells, rotations, requests, late)

    def retired(self, key: int) -> float:
        """When a key was published no more: at the second rotation after it."""
        return self.rotations.get(key + 2, float("inf"))

    def changes(self) -> list[tuple[float, float, int, bool]]:
        """The times in which the issuer answers and nothing changes.

        Each with its start, its end, the key in use, and whether it starts with a rotation.
        """
        found = []
        for spell in self.spells:
            if spell.answers:
                turns = [at for at in self.rotations.values() if spell.start < at < spell.end]
                for start, end in zip([spell.start, *turns], [*turns, spell.end], strict=True):
                    newest = max((key for key, at in self.rotations.items() if at <= start), default=0)
                    found.append((start, end, newest, start in turns))
        return found


@dataclass
class Client:
    """What one client saw, and the bars that it broke."""

    name: str
    flood: bool
    issuer: Issuer
    verdicts: list[Verdict]
    broken: dict[str, list[str]] = field(default_factory=dict)
    figures: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.requests = self.issuer.requests.get(self.name, [])
        self.told = [request for request in self.requests if request.answered]
        self._told_at = [request.at for request in self.told]
        first = min((request.done for request in self.told), default=float("inf"))
        self._keys_since = first + INSTALL
        self._slack = SCHEDULING + self.issuer.late

    def is_good(self, verdict: Verdict) -> bool:
        """Signed with a key that was published for all of the call."""
        return verdict.kind == "signed" and verdict.ended < self.issuer.retired(verdict.key)

    def is_bad(self, verdict: Verdict) -> bool:
        """Signed by nobody, or with a key that was retired, as this client has been told."""
        if verdict.kind != "signed":
            return True
        retired = self.issuer.retired(verdict.key)
        return any(retired <= it.at and it.done + INSTALL <= verdict.began for it in self.told)

    def knows(self, verdict: Verdict) -> bool:
        """Whether the client has been given the key before the call."""
        return any(
            verdict.key in (it.key, it.key - 1) and it.done + INSTALL <= verdict.began for it in self.told
        )

    def asked_during(self, verdict: Verdict) -> bool:
        """Whether the issuer answered a request that it got during the call."""
        at = bisect_left(self._told_at, verdict.began - CLOCKS)
        return at < len(self.told) and self.told[at].at <= verdict.ended

    def judge(self) -> None:
        """Counts, and holds the counts to the bars."""
        good = [it for it in self.verdicts if self.is_good(it)]
        bad = [it for it in self.verdicts if self.is_bad(it)]
        flooded = [it for it in self.verdicts if it.kind == "random"]
        accepted = [it for it in good if it.status == 200]
        held = [it for it in self.verdicts if it.began >= self._keys_since]
        self.figures["good"] = str(len(good))
        self.figures["bad"] = str(len(bad))
        self._bar(
            "good 401",
            "a good token is never refused",
            (it for it in good if it.status not in (200, 429, 503)),
        )
        self._bar("bad 200", "a bad token is never accepted", (it for it in bad if it.status == 200))
        self.figures["good 429"] = str(sum(it.status == 429 for it in good))
        self.figures["good 503"] = str(sum(it.status == 503 for it in good))
        self._bar("5xx held", "no 5xx while usable keys are held", (it for it in held if it.status >= 500))
        known = (it for it in good if it.status != 200 and self.knows(it))
        self._bar("known no", "a good token whose key was fetched is accepted", known)
        unasked = (it for it in flooded if it.code == "UNKNOWN_KEY" and not self.asked_during(it))
        self._bar("unasked 401", "UNKNOWN_KEY is said only after the issuer was asked", unasked)
        hopeless = (it for it in self.verdicts if it.status in (429, 503) and it.retry_after < 1)
        self._bar("no retry", "429 and 503 say when to come back", hopeless)
        self._waits()
        self._passes([it for it in self.verdicts if it.kind == "signed"])
        self._asks()
        if not accepted or not any(it.status != 200 for it in bad) or self.flood != bool(flooded):
            self._break("something is measured", [f"{len(good)} good, {len(bad)} bad, {len(flooded)} random"])

    def _waits(self) -> None:
        most = WAIT + self._slack
        longest = max((it.ended - it.began for it in self.verdicts), default=0)
        self.figures["longest"] = f"{longest:.2f}"
        slow = [self._line(it) for it in self.verdicts if it.ended - it.began > most]
        self._break(f"no call waits longer than {WAIT:.0f} s", slow)

    def _passes(self, signed: list[Verdict]) -> None:
        """Good tokens pass again in time after a recovery, and after a rotation while the issuer answers."""
        worst = {False: 0.0, True: 0.0}
        late: list[str] = []
        for start, end, newest, rotated in self.issuer.changes():
            limit = (ROTATION if rotated and self.flood else RECOVERY) + self._slack
            now = [it for it in signed if it.key == newest and it.began >= start and it.ended < end]
            passed = min((it.ended - start for it in now if it.status == 200), default=None)
            worst[rotated] = max(worst[rotated], end - start if passed is None else passed)
            late += [self._line(it) for it in now if it.status != 200 and it.began >= start + limit]
            if end - start > limit and (passed is None or passed > limit):
                what = "rotation" if rotated else "recovery"
                late.append(f"{what} at {self._time(start)}: the first token passed after {passed} s")
        self.figures["recovered"] = f"{worst[False]:.2f}"
        self.figures["rotated"] = f"{worst[True]:.2f}"
        self._break(
            f"good tokens pass {RECOVERY:.0f} s after a recovery, {ROTATION:.0f} s after a rotation", late
        )

    def _asks(self) -> None:
        """In whatever window of the run the issuer answers, and fails to answer, no more than agreed."""
        excess = []
        for answered, pace in SECONDS_A_REQUEST.items():
            times = [it.at for it in self.requests if it.answered == answered]
            windows = ((j - i + 1, times[i], times[j]) for j in range(len(times)) for i in range(j + 1))
            count, start, end = max(
                windows, key=lambda it: it[0] - (it[2] - it[1]) / pace, default=(0, 0.0, 0.0)
            )
            if count > BURST + (end - start + self._slack) / pace:
                how = "answered" if answered else "failed"
                excess.append(f"{count} requests {how} from {self._time(start)} to {self._time(end)}")
        told = len(self.told)
        self.figures["asked"] = f"{told}+{len(self.requests) - told}"
        self._break("the issuer is asked seldom", excess)

    def _bar(self, figure: str, rule: str, cases: Iterator[Verdict]) -> None:
        lines = [self._line(it) for it in cases]
        self.figures[figure] = str(len(lines))
        self._break(rule, lines)

    def _break(self, rule: str, cases: list[str]) -> None:
        if cases:
            self.broken[rule] = cases

    def _time(self, at: float) -> str:
        return f"{at - self.issuer.start:.3f} s"

    def _line(self, verdict: Verdict) -> str:
        weather = next((it.kind for it in reversed(self.issuer.spells) if it.start <= verdict.began), "?")
        span = f"{self._time(verdict.began)} to {self._time(verdict.ended)}"
        return f"{span} ({weather}): {verdict.kind} key-{verdict.key} -> {verdict.status} {verdict.code}"


def judge(directory: Path, clients: dict[str, bool]) -> list[Client]:
    """Reads and judges the logs of a run; `clients` says who was flooded."""
    with (directory / "issuer.log").open(encoding="ascii") as log:
        issuer = Issuer.read(log)
    judged = []
    for name, flood in clients.items():
        with (directory / f"{name}.log").open(encoding="ascii") as log:
            judged.append(
                Client(name, flood, issuer, sorted(map(Verdict.read, log), key=lambda it: it.began))
            )
        judged[-1].judge()
    return judged


def report(judged: list[Client]) -> bool:
    """Prints a table and what bars were broken; whether none was."""
    issuer = judged[0].issuer
    columns = list(judged[0].figures)
    widths = {name: max(len(name), *(len(client.figures[name]) for client in judged)) for name in columns}
    for spell in issuer.spells:
        turns = [
            f"rotation at {at - issuer.start:.1f} s"
            for at in issuer.rotations.values()
            if spell.start <= at < spell.end
        ]
        times = f"{spell.start - issuer.start:6.1f} to {spell.end - issuer.start:6.1f} s"
        print(f"{times}  {', '.join([spell.kind, *turns])}")
    print(f"\n{'client':<14}" + "".join(f"  {name:>{widths[name]}}" for name in columns))
    for client in judged:
        print(f"{client.name:<14}" + "".join(f"  {client.figures[name]:>{widths[name]}}" for name in columns))
    print()
    for client in judged:
        for rule, cases in client.broken.items():
            print(f"{client.name}: BROKEN: {rule}: {len(cases)} cases")
            for case in cases[:SHOWN]:
                print(f"    {case}")
    fine = not any(client.broken for client in judged)
    print("every bar is met" if fine else "bars are missed")
    return fine
