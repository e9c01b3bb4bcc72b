"""The figures of a run as tables: for the terminal, and for the documentation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import median

from results import Figures, Key, Results

_BEGIN, _END = "<!-- make bench -->\n", "<!-- end -->\n"

_COLUMNS = (
    ("RS256", "RS256", "distinct"),
    ("same RS256 token", "RS256", "repeat"),
    ("ES256", "ES256", "distinct"),
    ("EdDSA", "EdDSA", "distinct"),
)


def plain(figures: Figures) -> str:
    """The ratio alone, which is what the documentation quotes."""
    return _rounded(figures.ratio)


def measured(figures: Figures) -> str:
    """For the terminal: the ratio, its range over the rounds, and the time in µs."""
    low, high, micros = min(figures.ratios), max(figures.ratios), median(figures.micros)
    return f"{_rounded(figures.ratio)} ({_rounded(low)} to {_rounded(high)}), {_rounded(micros)} µs"


def table(results: Results, cell: Callable[[Figures], str]) -> str:
    """A row for each verifier, in Markdown."""
    titles = [title for title, _, _ in _COLUMNS]
    heads = ["", *titles, "two threads", "same token"]
    lines = [f"| {' | '.join(heads)} |", f"|---|{'---:|' * (len(heads) - 1)}"]
    language = ""
    for key in dict.fromkeys((key.language, key.name) for key in results):
        if key[0] != language:
            language = key[0]
            lines.append(f"| **{language}** |{' |' * (len(heads) - 1)}")
        found = [results.get(Key(*key, algorithm, pattern)) for _, algorithm, pattern in _COLUMNS]
        cells = ["" if figures is None else cell(figures) for figures in found]
        gains = ["" if figures is None else f"{figures.gain:.2f}" for figures in found[:2]]
        lines.append(f"| {' | '.join([key[1], *cells, *gains])} |")
    return "\n".join(lines) + "\n"


def write(results: Results, document: Path) -> None:
    """Puts the table between its marks in the documentation."""
    text = document.read_text(encoding="utf-8")
    before, rest = text.split(_BEGIN)
    _, after = rest.split(_END)
    document.write_text(f"{before}{_BEGIN}{table(results, plain)}{_END}{after}", encoding="utf-8")


def _rounded(number: float) -> str:
    return f"{number:.3f}" if number < 0.1 else f"{number:.2f}" if number < 10 else f"{number:.1f}"
