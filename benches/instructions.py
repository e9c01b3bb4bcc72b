"""Counts the instructions that a verdict costs beside its signature check.

They are held to benches/instructions.json. Instructions can be counted on a machine that is busy with other
things, where time cannot be measured. What AWS-LC spends on the signature is left out: which of its code
runs, the processor decides.

    python3 benches/instructions.py PROGRAM [--profile FILE] [--write]

PROGRAM is benches/instructions.c over a library that still has its symbols. `--profile` keeps the last run's
profile, for callgrind_annotate; `--write` writes the baseline anew.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VECTORS = ROOT / "tests/vectors/baseline.jsonl"
BASELINE = Path(__file__).with_suffix(".json")
VERDICTS = 100
# For compilers, C libraries and processors that differ from the baseline's.
TOLERANCE = 0.05
COUNTED = ("authkit_verifier_verify", "authkit_claims_free")
SIGNATURE_CHECK = r"parsed_verify_sig"


def vector(name: str) -> dict:
    """The token of that name in the vectors, with the keys and the configuration to judge it by."""
    with VECTORS.open(encoding="utf-8") as lines:
        return next(case for case in map(json.loads, lines) if case["name"] == name)


def configuration(case: dict) -> str:
    """The configuration as the library takes it."""
    given = case["config"]
    kept = {name: given[name] for name in ("now", "leeway", "algorithms")}
    named = {"issuers": {given["issuer"]: None}, "resource": given["audience"], "jwks": case["jwks"]}
    return json.dumps({**kept, **named})


def count(program: str, case: dict, profile: Path) -> int:
    """Instructions of one verdict, claims freed, less those of its signature check."""
    toggles = [f"--toggle-collect={name}" for name in COUNTED]
    valgrind = ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={profile}", *toggles]
    subprocess.run([*valgrind, program, configuration(case), case["token"], str(VERDICTS)], check=True)
    annotate = ["callgrind_annotate", "--inclusive=yes", "--threshold=100", "--auto=no", str(profile)]
    report = subprocess.run(annotate, check=True, capture_output=True, text=True).stdout
    return (inclusive(report, "PROGRAM TOTALS") - inclusive(report, SIGNATURE_CHECK)) // VERDICTS


def inclusive(report: str, what: str) -> int:
    """The figure of the one line that says this."""
    lines = [line for line in report.splitlines() if re.search(what, line)]
    if len(lines) != 1:
        sys.exit(f"{what} is in {len(lines)} lines of the profile: has the library its symbols?")
    return int(re.sub(r"\D", "", lines[0].split("(")[0]))


def main() -> int:
    """Counts, prints a line for each token of the baseline, and fails where one costs more."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("program")
    arguments.add_argument("--profile", type=Path)
    arguments.add_argument("--write", action="store_true")
    options = arguments.parse_args()
    baseline = json.loads(BASELINE.read_text(encoding="utf-8"))
    counted = {}
    with tempfile.TemporaryDirectory() as scratch:
        for name, before in baseline.items():
            profile = options.profile or Path(scratch, "profile")
            counted[name] = now = count(options.program, vector(name), profile)
            print(f"{name:<32} {now:>6} instructions beside the signature check, {now / before - 1:+.1%}")
    if options.write:
        BASELINE.write_text(json.dumps(counted, indent=2) + "\n", encoding="utf-8")
        return 0
    dearer = [name for name, now in counted.items() if now > baseline[name] * (1 + TOLERANCE)]
    if dearer:
        print(f"more than {TOLERANCE:.0%} dearer; where that is right, --write and say why:", *dearer)
    return 1 if dearer else 0


if __name__ == "__main__":
    sys.exit(main())
