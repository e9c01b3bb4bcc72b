"""Makes what doxygen reads of the two headers: `reference_input.py include OUT`.

The headers are written to be read. Here their sections become groups, the paragraphs on arguments, results
and threads become doxygen's, and what the introduction says once for all functions is said at each. A
function whose comment leaves an argument, its result or its threads open ends this with an error.
"""

import re
import sys
from pathlib import Path

# A line of dashes, then the section's title, then perhaps more.
BANNER = re.compile(r"^/\* -{60,}\n \* (?P<title>[^\n]*)\n(?P<more>.*?) \*/$", re.MULTILINE | re.DOTALL)
FUNCTION = re.compile(
    r"^/\*\*\n(?P<comment>(?: \*[^\n]*\n)*?) \*/\n"
    r"(?P<declaration>AUTHKIT_API\s(?:AUTHKIT_MUST_USE\s)?(?P<type>[^();]*?)(?P<name>authkit_\w+)\((?P<parameters>[^)]*)\);)",
    re.MULTILINE,
)
# `a`, `b` and `c` are ..., at the start of a sentence and a line: what is said of arguments.
ARGUMENT = re.compile(r"^(?P<names>`\w+`(?:(?:, | and |, and )`\w+`)*) (?P<text>[a-z].*)")
THREADS = re.compile(r"(?:^|(?<=\. ))((?:Any thread|One thread|No other thread|No call)\b.*)$", re.DOTALL)
END = "/** @} */\n"
RESULT = re.compile(r"^Returns (.*)$", re.DOTALL)
# Some say that all is as with another function.
ELSEWHERE = re.compile(r"Parameters (?:and (?:other )?(results) )?are those of (authkit_\w+\(\))\.")
EXTERN = '#ifdef __cplusplus\nextern "C" {'
EXTERN_END = "#ifdef __cplusplus\n} /* extern"

# What the header's introduction says of every function's arguments.
USUAL = {
    "nullable_out_error": "receives an error that the caller owns where the call fails; NULL if unwanted.",
    "nullable_out_len": "receives the length in bytes without the final NUL, 0 on failure; NULL if unwanted.",
    "status": "is an authkit_status, or any other number.",
    "index": "counts from 0.",
}
HANDLES = "access|claims|config|error|event|log_line|policy|response|stats|verifier"


class Incomplete(Exception):
    """A comment that leaves something open."""


def main() -> int:
    """Writes the directory, or says what the comments lack and exits 1."""
    include, out = Path(sys.argv[1]), Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    header = (include / "authkit.h").read_text(encoding="utf-8")
    layer = (include / "authkit.hpp").read_text(encoding="utf-8")
    try:
        (out / "authkit.h").write_text(c_reference(header), encoding="utf-8")
    except Incomplete as error:
        print(f"include/authkit.h: {error}", file=sys.stderr)
        return 1
    functions = {match["name"] for match in FUNCTION.finditer(header)}
    (out / "authkit.hpp").write_text(cpp_reference(layer, functions), encoding="utf-8")
    return 0


def c_reference(header: str) -> str:
    """authkit.h with doxygen's commands in its comments."""
    introduction, rest = header.split("*/\n", 1)
    lines = [line.removeprefix(" *").removeprefix(" ") for line in introduction.splitlines()[1:]]
    rest, count = FUNCTION.subn(structured, rest)
    if count != len(re.findall(r"^AUTHKIT_API\b", rest, re.MULTILINE)):
        raise Incomplete("a function has no comment, or is written in another way than the rest")
    rest = grouped(rest)
    return f"/** @mainpage authkit\n{page(lines)}\n*/\n/** @file\n * @brief The C interface. */\n{rest}"


def page(lines: list[str]) -> str:
    """A header's introduction as Markdown: lines in capitals are headings, what is below them is indented."""
    out = []
    headed = False
    for line in lines:
        if re.fullmatch(r"[A-Z][A-Z, ]+", line):
            headed = True
            out.append(f"# {line.capitalize()}\n")
        else:
            out.append(line.removeprefix("  ") if headed else line)
    return "\n".join(out)


def grouped(text: str) -> str:
    """Types, then section by section, as doxygen's groups."""
    types = "/** @defgroup types Types: handles, codes and constants\n * @{ */\n"
    text = text.replace("/** The release that", f"{types}/** The release that", 1)
    text = text.replace(EXTERN, f"{END}{EXTERN}", 1)
    text = text.replace(EXTERN_END, f"{END}{EXTERN_END}", 1)
    first = True

    def group(match: re.Match[str]) -> str:
        nonlocal first
        end = "" if first else END
        first = False
        title = match["title"]
        label = title.split(":")[0].lower().replace(" ", "_")
        return f"{end}/** @defgroup {label} {title}\n{match['more']} * @{{ */"

    return BANNER.sub(group, text)


def structured(match: re.Match[str]) -> str:
    """One function, its arguments, result and threads told apart."""
    name = match["name"]
    parameters = re.findall(r"(\w+)(?:,|$)", " ".join(match["parameters"].split()))
    parameters = [] if parameters == ["void"] else parameters
    lines = [line[3:] for line in match["comment"].splitlines()]
    prose, told = arguments(lines, parameters)
    text = "\n".join(prose).strip("\n")
    text, threads = last_paragraph(text, THREADS)
    if not threads:
        raise Incomplete(f"{name} does not say which threads may call it")
    elsewhere = ELSEWHERE.search(text)
    text, result = last_paragraph(text, RESULT)
    if elsewhere and elsewhere[1]:
        result = f"What {elsewhere[2]} returns, and what is said above."
    if not result and match["type"].strip() != "void":
        raise Incomplete(f"{name} does not say what it returns")
    out = [ELSEWHERE.sub("", text), ""]
    for parameter in parameters:
        about = told.get(parameter) or length_of(told, parameter)
        about = about or usual(parameter, match, elsewhere)
        if not about:
            raise Incomplete(f"{name} does not say what `{parameter}` is")
        direction = "[out]" if re.match(r"(nullable_)?out", parameter) or about.startswith("receives") else ""
        out.append(f"@param{direction} {parameter} {sentence(about)}")
    if result:
        out.append(f"@return {sentence(result)}")
    out.append(f"@par Threads\n{threads}")
    comment = "\n".join(out).replace("\n", "\n * ")
    return f"/**\n * {comment}\n */\n{match['declaration']}"


def arguments(lines: list[str], parameters: list[str]) -> tuple[list[str], dict[str, str]]:
    """The lines that speak of no argument, and what is said of each that is spoken of."""
    prose: list[str] = []
    told: dict[str, str] = {}
    current: list[str] = []
    before = ""
    for line in lines:
        match = ARGUMENT.match(line) if not before or before.endswith(".") else None
        before = line
        names = re.findall(r"`(\w+)`", match["names"]) if match else []
        if match and all(name in parameters for name in names):
            current = names
            told |= dict.fromkeys(names, match["text"])
        elif current and line.strip():
            told |= {name: f"{told[name]} {line}" for name in current}
        else:
            current = []
            prose.append(line)
    return prose, told


def last_paragraph(text: str, pattern: re.Pattern[str]) -> tuple[str, str]:
    """The text without what the pattern finds in its last paragraph, and that."""
    before, _, last = text.rpartition("\n\n")
    flat = " ".join(last.split())
    match = pattern.search(flat)
    if not match:
        return text, ""
    rest = flat[: match.start()].strip()
    return f"{before}\n\n{rest}".strip("\n"), match[1]


def length_of(told: dict[str, str], parameter: str) -> str:
    """The argument's meaning where another one is said to be as long as it."""
    measured = [name for name, about in told.items() if f"`{parameter}`" in about and name != parameter]
    return f"is the length of `{measured[0]}` in bytes." if measured else ""


def usual(parameter: str, function: re.Match[str], elsewhere: re.Match[str] | None) -> str:
    """What is true of an argument of this name everywhere, or where it is described with another function."""
    if parameter in USUAL:
        return USUAL[parameter]
    if elsewhere and parameter != "verifier":
        return f"is as for {elsewhere[2]}."
    if re.search(rf"const authkit_(?:{HANDLES}) \*{parameter}\b", function["parameters"]):
        return "is read, and stays the caller's."
    if re.search(rf"authkit_(?:{HANDLES}) \*{parameter}\b", function["parameters"]):
        return "is given up." if function["name"].endswith("_free") else "is used by this call alone."
    return ""


def sentence(text: str) -> str:
    """`is so` as a sentence of its own: `So`."""
    text = re.sub(r"^(?:is|are) (?=\S)", "", text)
    return text if text.startswith("`") else text[:1].upper() + text[1:]


def cpp_reference(layer: str, functions: set[str]) -> str:
    """authkit.hpp with its introduction as a page, and at each member the C functions that it calls."""
    introduction, rest = layer.split("\n\n", 1)
    lines = [line.removeprefix("//").removeprefix(" ") for line in introduction.splitlines()]
    out: list[str] = []
    for block in re.split(r"(?m)^(?=[ ]*/// )", rest):
        out.append(with_links(block, functions))
    title = "/** @page cpp The C++ layer"
    return f"{title}\n{page(lines)}\n*/\n/** @file\n * @brief The C++ layer. */\n{''.join(out)}"


def with_links(block: str, functions: set[str]) -> str:
    """A commented member with links to the C functions that its code names."""
    lines = block.splitlines(keepends=True)
    last = max((at for at, line in enumerate(lines) if line.lstrip().startswith("///")), default=None)
    if last is None:
        return block
    code = "".join(lines[last + 1 :]).split("\n\n")[0]
    named = dict.fromkeys(name for name in re.findall(r"authkit_\w+", code) if name in functions)
    named = [name for name in named if not name.endswith("_free")]
    indent = " " * (len(lines[last]) - len(lines[last].lstrip()))
    links = "".join(f"{indent}/// @see {name}()\n" for name in named)
    return "".join(lines[: last + 1]) + links + "".join(lines[last + 1 :])


if __name__ == "__main__":
    sys.exit(main())
