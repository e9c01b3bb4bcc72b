"""The figures of a run as a picture: a dot for each verifier, on a logarithmic scale, in light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from math import log10

from results import Key, Results

_WIDTH, _LEFT, _ROW, _TOP = 860, 250, 22, 56
# Two panels beside each other, of this width each and so far apart.
_PANEL, _GAP = 270, 40
_LOW, _HIGH = 0.01, 20.0
_TICKS = (0.01, 0.1, 1, 10)
_PANELS = (("distinct tokens, RS256", "distinct"), ("the same token again", "repeat"))

_STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .small { font-size: 11px; fill: #59636e }
  .head { font-weight: 600 }
  line { stroke: #d1d9e0 }
  .reference { stroke: #59636e; stroke-dasharray: 4 3 }
  circle { fill: #818b98 }
  .ours { fill: #0969da }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .small { fill: #9198a1 }
    line { stroke: #3d444d }
    .reference { stroke: #9198a1 }
    circle { fill: #9198a1 }
    .ours { fill: #4493f8 }
  }
"""


def svg(results: Results) -> str:
    """The picture as an SVG document."""
    rows = list(_rows(results))
    height = _TOP + _ROW * len(rows) + 40
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">',
        "<title>What a verdict costs, as a ratio to the bare signature check</title>",
        f"<style>{_STYLE}</style>",
        *_frame(height),
        *(part for at, row in enumerate(rows) for part in _row(results, _TOP + _ROW * at, *row)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _rows(results: Results) -> Iterator[tuple[str, str | None]]:
    """Language and name; the language alone where its rows begin."""
    language = ""
    for key in dict.fromkeys((key.language, key.name) for key in results):
        if key[0] != language:
            language = key[0]
            yield language, None
        yield key


def _frame(height: int) -> Iterator[str]:
    bottom = height - 32
    for panel, (title, _) in enumerate(_PANELS):
        yield f'<text class="head" x="{_x(panel, _LOW):.0f}" y="20">{title}</text>'
        for tick in _TICKS:
            x = _x(panel, tick)
            kind = ' class="reference"' if tick == 1 else ""
            yield f'<line{kind} x1="{x:.1f}" y1="{_TOP - 20}" x2="{x:.1f}" y2="{bottom}"/>'
            yield f'<text class="small" x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{tick:g}</text>'


def _row(results: Results, y: int, language: str, name: str | None) -> Iterator[str]:
    if name is None:
        yield f'<text class="head" x="8" y="{y + 4}">{escape(language)}</text>'
        return
    yield f'<text x="20" y="{y + 4}">{escape(name)}</text>'
    ours = ' class="ours"' if name.startswith("authkit") else ""
    for panel, (_, pattern) in enumerate(_PANELS):
        ratio = results[Key(language, name, "RS256", pattern)].ratio
        x = _x(panel, ratio)
        yield f'<circle{ours} cx="{x:.1f}" cy="{y}" r="5"/>'
        yield f'<text class="small" x="{x + 9:.1f}" y="{y + 4}">{_short(ratio)}</text>'


def _x(panel: int, ratio: float) -> float:
    """Where a ratio lies."""
    share = log10(min(max(ratio, _LOW), _HIGH) / _LOW) / log10(_HIGH / _LOW)
    return _LEFT + panel * (_PANEL + _GAP) + share * _PANEL


def _short(ratio: float) -> str:
    return f"{ratio:.2g}" if ratio < 1 else f"{ratio:.2f}" if ratio < 10 else f"{ratio:.0f}"
