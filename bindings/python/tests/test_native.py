"""The declarations against the header, and the library's loading: right one, wrong one, none."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import authkit_verifier
from authkit_verifier import _native
from cases import REPOSITORY

HEADER = (REPOSITORY / "include" / "authkit.h").read_text(encoding="utf-8")

# What the package has no use for, and why.
UNBOUND = {
    "authkit_verify": "its token ends with a NUL: authkit_verifier_verify_into",
    "authkit_set_default": "a Python program keeps its verifier in a variable",
    "authkit_config_new": "all settings go at once: authkit_config_from_json",
    "authkit_stats_number": "`stats()` is a dict",
    "authkit_event_name": "a member of the event",
    "authkit_error_clone": "an exception keeps its texts itself",
    "authkit_error_status": "every call returns it",
    "authkit_verifier_verify": "one call for all: authkit_verifier_verify_into",
    "authkit_verifier_try_verify": "one call for all: authkit_verifier_try_verify_into",
    "authkit_claims_has_scope": "`in claims.scopes`",
    "authkit_claims_json": "all at once: authkit_verifier_verify_into",
    "authkit_claims_header_json": "all at once: authkit_verifier_verify_into",
    "authkit_claims_identity_json": "all at once: authkit_verifier_verify_into",
    "authkit_claims_issuer": "all at once: authkit_verifier_verify_into",
    "authkit_claims_subject": "all at once: authkit_verifier_verify_into",
    "authkit_claims_resource": "all at once: authkit_verifier_verify_into",
    "authkit_claims_client_id": "all at once: authkit_verifier_verify_into",
    "authkit_claims_key_id": "all at once: authkit_verifier_verify_into",
    "authkit_claims_algorithm": "all at once: authkit_verifier_verify_into",
    "authkit_claims_expires_at": "all at once: authkit_verifier_verify_into",
    "authkit_claims_issued_at": "all at once: authkit_verifier_verify_into",
    "authkit_claims_not_before": "all at once: authkit_verifier_verify_into",
    "authkit_claims_scope_count": "all at once: authkit_verifier_verify_into",
    "authkit_claims_scope_at": "all at once: authkit_verifier_verify_into",
    "authkit_claims_audience_count": "all at once: authkit_verifier_verify_into",
    "authkit_claims_audience_at": "all at once: authkit_verifier_verify_into",
    "authkit_claims_free": "no call hands claims out",
    "authkit_claims_org_id": "all at once: authkit_verifier_verify_into",
    "authkit_claims_session_id": "all at once: authkit_verifier_verify_into",
    "authkit_claims_role": "all at once: authkit_verifier_verify_into",
    "authkit_claims_actor": "all at once: authkit_verifier_verify_into",
    "authkit_claims_actor_count": "all at once: authkit_verifier_verify_into",
    "authkit_claims_actor_at": "all at once: authkit_verifier_verify_into",
    "authkit_claims_is_impersonated": "all at once: authkit_verifier_verify_into",
    "authkit_claims_kind": "all at once: authkit_verifier_verify_into",
    "authkit_claims_family": "all at once: authkit_verifier_verify_into",
    "authkit_claims_string": "claims are a mapping over the JSON",
    "authkit_claims_integer": "claims are a mapping over the JSON",
    "authkit_claims_number": "claims are a mapping over the JSON",
    "authkit_claims_boolean": "claims are a mapping over the JSON",
    "authkit_claims_list_count": "claims are a mapping over the JSON",
    "authkit_claims_list_at": "claims are a mapping over the JSON",
    "authkit_claims_value_json": "claims are a mapping over the JSON",
    "authkit_response_error": "the call gives it",
    "authkit_response_log_line": "one call for all: authkit_verifier_authorize_into",
    "authkit_claims_record": "all at once: authkit_verifier_verify_into",
    "authkit_response_claims": "one call for all: authkit_verifier_authorize_into",
    "authkit_response_take_claims": "one call for all: authkit_verifier_authorize_into",
    "authkit_verifier_authorize": "one call for all: authkit_verifier_authorize_into",
    "authkit_verifier_try_authorize": "one call for all: authkit_verifier_try_authorize_into",
    "authkit_verifier_resource_metadata": "authkit_verifier_well_known gives it",
}

SCALARS: dict[str, Any] = {
    "void": None,
    "bool": ctypes.c_bool,
    "double": ctypes.c_double,
    "size_t": ctypes.c_size_t,
    "int32_t": ctypes.c_int32,
    "int64_t": ctypes.c_int64,
    "uint32_t": ctypes.c_uint32,
    "uint64_t": ctypes.c_uint64,
    "authkit_status": ctypes.c_int32,
    "authkit_class": ctypes.c_int32,
    "authkit_log_level": ctypes.c_int32,
}


def in_ctypes(declared: str) -> Any:
    """The ctypes type of a C type as the header writes it."""
    base = declared.replace("const ", "").replace(" ", "")
    if base == "char*":
        return ctypes.c_char_p
    if base.endswith("**"):
        return ctypes.POINTER(ctypes.c_void_p)
    if base.endswith("*"):
        pointed = base[:-1]
        return ctypes.POINTER(SCALARS[pointed]) if pointed in SCALARS else ctypes.c_void_p
    return SCALARS[base]


def header_functions() -> dict[str, tuple[str, list[str]]]:
    """By its name, each function's result and parameters."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*", "", HEADER, flags=re.DOTALL)
    found = {}
    for result, name, parameters in re.findall(
        r"AUTHKIT_API\s+(?:AUTHKIT_MUST_USE\s+)?([\w\s*]+?[\s*])(authkit_\w+)\(([^)]*)\);", text
    ):
        types = [re.sub(r"\w+$", "", " ".join(one.split())) for one in parameters.split(",")]
        found[name] = (" ".join(result.split()), [] if parameters.strip() == "void" else types)
    return found


def test_the_header_is_understood() -> None:
    symbols = (REPOSITORY / "abi" / "symbols.txt").read_text(encoding="utf-8").split()
    assert set(header_functions()) == set(symbols)


@pytest.mark.parametrize("name", sorted(_native.FUNCTIONS))
def test_each_declaration_is_the_headers(name: str) -> None:
    assert name in header_functions(), "not in the header"
    result, parameters = header_functions()[name]
    function = _native.FUNCTIONS[name]
    assert function.restype is in_ctypes(result)
    assert list(function.argtypes) == [in_ctypes(one) for one in parameters]


def test_what_is_not_declared_is_listed() -> None:
    assert set(header_functions()) - set(_native.FUNCTIONS) == set(UNBOUND)


def test_what_waits_lets_other_threads_run_and_what_does_not_keeps_the_lock() -> None:
    # PyDLL is a CDLL whose functions keep the interpreter's lock; the flag is how ctypes tells them apart.
    keeps_lock = 0x4
    waiting = {name for name, function in _native.FUNCTIONS.items() if not function._flags_ & keeps_lock}
    assert waiting == {
        "authkit_config_from_json",
        "authkit_verifier_new",
        "authkit_verifier_verify_into",
        "authkit_verifier_try_verify_into",
        "authkit_verifier_refresh",
        "authkit_verifier_start_refresh",
        "authkit_verifier_wait",
        "authkit_verifier_wait_ready",
        "authkit_verifier_set_jwks",
        "authkit_verifier_authorize_into",
        "authkit_verifier_try_authorize_into",
        "authkit_verifier_well_known",
        "authkit_verifier_try_well_known",
    }


def test_one_version_everywhere() -> None:
    version = authkit_verifier.__version__
    assert re.findall(r'#define AUTHKIT_VERSION "(.*)"', HEADER) == [version]
    assert _native.version().decode() == version
    assert int(re.findall(r"#define AUTHKIT_ABI_VERSION (\d+)", HEADER)[0]) == _native.ABI_VERSION


def importing(library: Path | str | None, package: Path | None = None) -> str:
    """What is said when the package is imported with this library."""
    environment = {name: value for name, value in os.environ.items() if name != "AUTHKIT_LIBRARY_PATH"}
    if library is not None:
        environment["AUTHKIT_LIBRARY_PATH"] = str(library)
    program = "import sys; sys.path[:0] = sys.argv[1:]; import authkit_verifier; print('imported')"
    done = subprocess.run(
        [sys.executable, "-c", program, *([] if package is None else [str(package)])],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


def test_a_library_is_found_by_its_path(tmp_path: Path) -> None:
    elsewhere = tmp_path / "another name.so"
    shutil.copy(_native.PATH, elsewhere)
    assert importing(elsewhere) == "imported"


def without_library(tmp_path: Path) -> Path:
    package = Path(authkit_verifier.__file__).parent
    shutil.copytree(
        package, tmp_path / package.name, ignore=shutil.ignore_patterns("*authkit.*", "__pycache__")
    )
    return tmp_path


def test_an_empty_path_means_the_packages_own(tmp_path: Path) -> None:
    said = importing("", without_library(tmp_path))
    assert said.startswith("ImportError: authkit_verifier was installed without its native library")
    assert "AUTHKIT_LIBRARY_PATH" in said


def test_a_missing_library_is_named(tmp_path: Path) -> None:
    said = importing(tmp_path / "nothing.so")
    assert said.startswith("ImportError: authkit_verifier cannot load its native library")
    assert "nothing.so" in said


needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler here")


def compiled(tmp_path: Path, source: str) -> Path:
    library = tmp_path / "libother.so"
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", str(library)], input=source, text=True, check=True
    )
    return library


@needs_compiler
def test_a_library_with_another_contract_is_refused(tmp_path: Path) -> None:
    other = compiled(tmp_path, "unsigned authkit_abi_version(void) { return 7; }")
    said = importing(other)
    assert said.startswith("ImportError: this authkit_verifier needs a native library with ABI 1, but ")
    assert "has ABI 7" in said
    assert "AUTHKIT_LIBRARY_PATH" in said


@needs_compiler
def test_a_library_that_lacks_a_function_is_refused_by_its_name(tmp_path: Path) -> None:
    assert "has no function authkit_abi_version" in importing(compiled(tmp_path, "int other;"))
    older = compiled(tmp_path, "unsigned authkit_abi_version(void) { return 1; }")
    assert "has no function authkit_version" in importing(older)
