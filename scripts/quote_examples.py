"""Puts the marked parts of the examples into a document, or with --check says whether they are there.

In the document, `<!-- quote PATH -->` stands before a fenced block; the block is what lies between
`[readme]` and `[/readme]` in that file, without the indentation. Files without marks are quoted whole.
`<!-- quote PATH#NAME -->` quotes what lies between `[readme NAME]` and `[/readme]`.
"""

import re
import sys
import textwrap
from pathlib import Path

QUOTE = re.compile(
    r"(<!-- quote (?P<path>\S+) -->\n```\w*\n)(?P<body>.*?)(?=^```$)", re.MULTILINE | re.DOTALL
)
MARKED = r"^[^\n]*\[readme{}\][^\n]*\n(.*?)^[^\n]*\[/readme\]"


def quoted(root: Path, source: str) -> str:
    """The part of the example that the document shows."""
    path, _, name = source.partition("#")
    text = (root / path).read_text(encoding="utf-8")
    mark = MARKED.format(re.escape(f" {name}") if name else "")
    marked = re.search(mark, text, re.MULTILINE | re.DOTALL)
    if name and not marked:
        sys.exit(f"{path} has no part {name}")
    return textwrap.dedent(marked[1] if marked else text)


def main() -> int:
    """Rewrites the document, or checks it and exits 1 where it is out of step."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--check"]
    document = Path(arguments[0])
    text = document.read_text(encoding="utf-8")
    root = Path(__file__).resolve().parent.parent
    renewed, count = QUOTE.subn(lambda match: match[1] + quoted(root, match["path"]), text)
    if count == 0:
        print(f"{document} quotes nothing", file=sys.stderr)
        return 1
    if "--check" not in sys.argv:
        document.write_text(renewed, encoding="utf-8")
    elif renewed != text:
        print(
            f"{document} is out of step with the examples: run scripts/quote_examples.py {document}",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
