"""Build hook: the native library and the command go into the wheel, their Rust sources into the sdist."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any, NamedTuple

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE = "authkit_verifier"


class Native(NamedTuple):
    """A file of the wheel that is not Python."""

    name: str
    # The environment's name for one that is built already.
    variable: str
    # What builds it.
    cargo: tuple[str, ...]


LIBRARY = Native(
    {"darwin": "libauthkit.dylib", "win32": "authkit.dll"}.get(sys.platform, "libauthkit.so"),
    "AUTHKIT_LIBRARY_PATH",
    # Asked for by --crate-type: a cdylib in Cargo.toml would switch link-time optimisation off.
    ("cargo", "rustc", "--locked", "--release", "--lib", "--crate-type", "cdylib"),
)
COMMAND = Native(
    "authkit.exe" if sys.platform == "win32" else "authkit",
    "AUTHKIT_CLI_PATH",
    ("cargo", "build", "--locked", "--release", "--package", "authkit-cli"),
)

# Where an sdist has the checkout's Rust sources, and which: what the two are built from, and each file that
# Cargo.toml names, without which cargo does not read it.
RUST = "rust"
RUST_SOURCES = (
    "Cargo.toml",
    "Cargo.lock",
    "build.rs",
    "cbindgen.toml",
    "README.md",
    "include",
    "src",
    "cli/Cargo.toml",
    "cli/src",
    "benches/*.rs",
    "examples/rust/*.rs",
    "tests/*/main.rs",
    "tests/soak/issuer.rs",
)


class NativeHook(BuildHookInterface[Any]):
    """Takes library and command from where the environment says, else builds them from the Rust sources."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Says what goes in beside the Python files."""
        if self.target_name == "sdist":
            self._add_sources(build_data)
        else:
            self._add_built(version, build_data)

    def _add_sources(self, build_data: dict[str, Any]) -> None:
        rust = self._rust()
        found = [path for pattern in RUST_SOURCES for path in sorted(rust.glob(pattern))]
        files = {str(path): f"{RUST}/{path.relative_to(rust).as_posix()}" for path in found}
        # The licences are links into the checkout, which would lead nowhere from an unpacked sdist.
        links = {str(Path(source).resolve()): name for source, name in build_data["force_include"].items()}
        build_data["force_include"] = links | files

    def _add_built(self, version: str, build_data: dict[str, Any]) -> None:
        for native in (LIBRARY, COMMAND):
            built = _given(native) or self._built(native)
            if version == "editable":
                # An editable install imports from the sources, so they must lie there.
                shutil.copy2(built, Path(self.root, "src", PACKAGE, native.name))
            else:
                build_data["force_include"][str(built)] = f"{PACKAGE}/{native.name}"
        # One wheel serves every CPython: the library does not know Python. Hence no ABI tag.
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"py3-none-{platform}"
        build_data["pure_python"] = False

    def _built(self, native: Native) -> Path:
        try:
            done = subprocess.run(
                [*native.cargo, "--message-format=json-render-diagnostics"],
                cwd=self._rust(),
                stdout=subprocess.PIPE,
                check=True,
                text=True,
            )
        except FileNotFoundError:
            raise SystemExit(
                f"cargo is not installed: install Rust, or set {LIBRARY.variable} to a built libauthkit and "
                f"{COMMAND.variable} to a built authkit"
            ) from None
        except subprocess.CalledProcessError as failure:
            raise SystemExit(f"{' '.join(native.cargo)} failed with status {failure.returncode}") from None
        # cargo alone knows where it puts things (CARGO_TARGET_DIR, CARGO_BUILD_TARGET, its configuration).
        for line in reversed(done.stdout.splitlines()):
            for name in json.loads(line).get("filenames", ()):
                if Path(name).name == native.name:
                    return Path(name)
        raise SystemExit(f"cargo built no {native.name}")

    def _rust(self) -> Path:
        root = Path(self.root).resolve()
        for sources in (root / RUST, root.parents[1]):
            if (sources / "cli" / "Cargo.toml").is_file():
                return sources
        raise SystemExit(
            f"the Rust sources are not here: build from a checkout or an sdist of authkit-verifier, or set "
            f"{LIBRARY.variable} to a built libauthkit and {COMMAND.variable} to a built authkit"
        )


def _given(native: Native) -> Path | None:
    given = os.environ.get(native.variable)
    if not given:
        return None
    built = Path(given).resolve()
    if not built.is_file():
        raise SystemExit(f"{native.variable} is {given}, which is not a file")
    return built
