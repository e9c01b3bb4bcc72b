"""A wheel, named by AUTHKIT_WHEEL: what is in it, and that it needs nothing but Python."""

from __future__ import annotations

import json
import os
import subprocess
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

import authkit_verifier
from cases import ISSUER, NOW, REPOSITORY, RESOURCE, SUBJECT, good_jwks, good_token

WHEEL = Path(os.environ["AUTHKIT_WHEEL"])
PACKAGE = REPOSITORY / "bindings" / "python" / "src" / "authkit_verifier"
NATIVE = ("authkit_verifier/libauthkit.so", "authkit_verifier/authkit")


def test_it_holds_the_package_and_nothing_else() -> None:
    with ZipFile(WHEEL) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
    sources = {
        f"authkit_verifier/{path.relative_to(PACKAGE)}"
        for path in PACKAGE.rglob("*")
        if path.suffix in {".py", ".typed"}
    }
    information = f"authkit_verifier-{authkit_verifier.__version__}.dist-info"
    about = (
        "METADATA",
        "WHEEL",
        "RECORD",
        "entry_points.txt",
        "licenses/LICENSE-APACHE",
        "licenses/LICENSE-MIT",
        "licenses/LICENSE-THIRD-PARTY",
    )
    assert names == sources | set(NATIVE) | {f"{information}/{name}" for name in about}


@pytest.mark.parametrize("name", NATIVE)
def test_it_does_not_say_where_it_was_built(name: str) -> None:
    home = Path.home()
    places = {
        REPOSITORY,
        Path(os.environ.get("CARGO_HOME", home / ".cargo")),
        Path(os.environ.get("RUSTUP_HOME", home / ".rustup")),
    }
    with ZipFile(WHEEL) as archive:
        content = archive.read(name)
    assert [str(place) for place in places if str(place).encode() in content] == []
    # Panic messages name their source files all the same.
    assert b"/cargo/registry/src/" in content


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts of a virtual environment that has the wheel and no other package."""
    directory = tmp_path_factory.mktemp("bare") / "venv"
    venv.create(directory, with_pip=True)
    scripts = directory / "bin"
    run(scripts, "python", "-m", "pip", "install", "--quiet", "--no-index", "--no-cache-dir", str(WHEEL))
    return scripts


def run(scripts: Path, command: str, *arguments: str, text: str | None = None) -> str:
    """What a command of the environment prints, where no other program is to be found."""
    done = subprocess.run(
        [scripts / command, *arguments],
        input=text,
        capture_output=True,
        text=True,
        env={"PATH": str(scripts), "HOME": str(scripts.parent), "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


SETTINGS = {"authkit_domain": ISSUER, "resource": RESOURCE, "jwks": good_jwks(), "now": NOW}

PROGRAM = """
import json, shutil, sys
from authkit_verifier import Verifier
assert shutil.which("cargo") is None and shutil.which("cc") is None
token, settings = json.load(sys.stdin)
print(Verifier(**settings).verify(token).subject)
"""


def test_a_token_is_verified_where_there_is_only_python(bare: Path) -> None:
    assert run(bare, "python", "-I", "-c", PROGRAM, text=json.dumps([good_token(), SETTINGS])) == SUBJECT


@pytest.mark.parametrize("start", [("authkit",), ("python", "-I", "-m", "authkit_verifier")])
def test_the_command_verifies_it_too(bare: Path, tmp_path: Path, start: tuple[str, ...]) -> None:
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps(SETTINGS), encoding="utf-8")
    said = run(bare, *start, "verify", "--json", "--config", str(settings), text=good_token())
    assert json.loads(said)["claims"]["sub"] == SUBJECT
    assert run(bare, *start, "--version") == f"authkit {authkit_verifier.__version__}"


def test_nothing_else_is_installed(bare: Path) -> None:
    listed = json.loads(run(bare, "python", "-m", "pip", "list", "--format=json"))
    names = {entry["name"] for entry in listed}
    assert names - {"pip", "setuptools"} == {"authkit-verifier"}
