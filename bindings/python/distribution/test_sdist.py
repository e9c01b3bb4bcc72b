"""The sdist, named by AUTHKIT_SDIST: all that a wheel is built from, and nothing that it is not."""

from __future__ import annotations

import os
import subprocess
import tarfile
from pathlib import Path

import pytest

import authkit_verifier
from cases import REPOSITORY

SDIST = Path(os.environ["AUTHKIT_SDIST"])


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("sdist")
    with tarfile.open(SDIST) as archive:
        # Pythons before 3.11.4 have no filters for `extractall`.
        if hasattr(tarfile, "data_filter"):
            archive.extraction_filter = tarfile.data_filter
        archive.extractall(directory)
    return directory / f"authkit_verifier-{authkit_verifier.__version__}"


def test_it_is_whole_files_of_the_checkout(unpacked: Path) -> None:
    python = REPOSITORY / "bindings" / "python"
    for path in unpacked.rglob("*"):
        name = path.relative_to(unpacked)
        if path.is_dir() or str(name) == "PKG-INFO":
            continue
        assert not path.is_symlink(), name
        original = REPOSITORY / name.relative_to("rust") if name.parts[0] == "rust" else python / name
        assert path.read_bytes() == original.read_bytes(), name


def test_it_has_every_source_and_the_licences(unpacked: Path) -> None:
    python = REPOSITORY / "bindings" / "python"
    expected = {Path("LICENSE-APACHE"), Path("LICENSE-MIT"), Path("LICENSE-THIRD-PARTY")}
    expected |= {path.relative_to(python) for path in (python / "src").rglob("*.py")}
    for crate in (REPOSITORY, REPOSITORY / "cli"):
        expected |= {"rust" / path.relative_to(REPOSITORY) for path in (crate / "src").rglob("*.rs")}
    assert [name for name in sorted(expected) if not (unpacked / name).is_file()] == []


def test_it_has_nothing_that_was_built(unpacked: Path) -> None:
    suffixes = {path.suffix for path in unpacked.rglob("*") if path.is_file()}
    assert suffixes <= {".py", ".typed", ".rs", ".toml", ".lock", ".h", ".hpp", ".md", ""}
    assert not {path.name for path in unpacked.rglob("*")} & {"authkit", "target", "build", "node_modules"}


def test_cargo_understands_it_and_its_lock_file(unpacked: Path) -> None:
    """That it also compiles takes minutes: `make test-sdist`."""
    tree = [
        "cargo",
        "tree",
        "--workspace",
        "--locked",
        "--offline",
        "--depth=0",
        "--prefix=none",
        "--format={p}",
    ]
    printed = subprocess.run(
        tree, cwd=unpacked / "rust", stdout=subprocess.PIPE, check=True, text=True
    ).stdout
    version = authkit_verifier.__version__
    assert {tuple(line.split()[:2]) for line in printed.splitlines() if line} == {
        ("authkit-cli", f"v{version}"),
        ("authkit-verifier", f"v{version}"),
    }
