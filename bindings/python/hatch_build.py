"""Build hook: puts the native library into the wheel as data, and tags the wheel for its platform."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE = "authkit_verifier"
FILE_NAME = {"darwin": "libauthkit.dylib", "win32": "authkit.dll"}.get(sys.platform, "libauthkit.so")
# Asked for by --crate-type: a cdylib in Cargo.toml would switch link-time optimisation off.
CARGO = ["cargo", "rustc", "--locked", "--release", "--lib", "--crate-type", "cdylib"]


class NativeLibraryHook(BuildHookInterface[Any]):
    """Takes the library from AUTHKIT_LIBRARY_PATH, else builds it from the checkout."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Adds the library to a wheel; an sdist has no use for it."""
        if self.target_name != "wheel":
            return
        library = self._given() or self._built()
        if version == "editable":
            # An editable install imports from the sources, so the library must lie there.
            shutil.copy2(library, Path(self.root, "src", PACKAGE, FILE_NAME))
        else:
            build_data["force_include"][str(library)] = f"{PACKAGE}/{FILE_NAME}"
        # One wheel serves every CPython: the library does not know Python. Hence no ABI tag.
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"py3-none-{platform}"
        build_data["pure_python"] = False

    @staticmethod
    def _given() -> Path | None:
        given = os.environ.get("AUTHKIT_LIBRARY_PATH")
        if not given:
            return None
        library = Path(given).resolve()
        if not library.is_file():
            raise SystemExit(f"AUTHKIT_LIBRARY_PATH is {given}, which is not a file")
        return library

    def _built(self) -> Path:
        checkout = Path(self.root).resolve().parents[1]
        if not (checkout / "Cargo.toml").is_file():
            raise SystemExit(
                "the Rust sources are not here: build from a checkout of authkit-verifier, or set "
                "AUTHKIT_LIBRARY_PATH to a built libauthkit"
            )
        try:
            done = subprocess.run(
                [*CARGO, "--message-format=json-render-diagnostics"],
                cwd=checkout,
                stdout=subprocess.PIPE,
                check=True,
                text=True,
            )
        except FileNotFoundError:
            raise SystemExit(
                "cargo is not installed: install Rust, or set AUTHKIT_LIBRARY_PATH to a built libauthkit"
            ) from None
        except subprocess.CalledProcessError as failure:
            raise SystemExit(f"{' '.join(CARGO)} failed with status {failure.returncode}") from None
        # cargo alone knows where it puts things (CARGO_TARGET_DIR, CARGO_BUILD_TARGET, its configuration).
        for line in reversed(done.stdout.splitlines()):
            for name in json.loads(line).get("filenames", ()):
                if Path(name).name == FILE_NAME:
                    return Path(name)
        raise SystemExit(f"cargo built no {FILE_NAME}")
