"""The native library: found, loaded, its contract checked, each function declared as authkit.h has it."""

from __future__ import annotations

import os
import sys
from _collections_abc import Callable  # collections.abc is this, behind all of collections
from ctypes import (
    CDLL,
    POINTER,
    PyDLL,
    c_bool,
    c_char_p,
    c_int32,
    c_int64,
    c_size_t,
    c_uint32,
    c_uint64,
    c_void_p,
)

TYPE_CHECKING = False  # as typing has it, whose import would take as long as all of ours
if TYPE_CHECKING:
    from typing import Any

# AUTHKIT_ABI_VERSION of the header that the declarations below were written from.
ABI_VERSION = 1
OK = 0
# AUTHKIT_INTERNAL: for what a library may not return.
INTERNAL = 8
# AUTHKIT_LOG_INFO.
LOG_INFO = 1

_FILE_NAME = {"darwin": "libauthkit.dylib", "win32": "authkit.dll"}.get(sys.platform, "libauthkit.so")


def _find() -> str:
    chosen = os.environ.get("AUTHKIT_LIBRARY_PATH")
    if chosen:
        # Absolute, so that the dynamic loader does not search its own path for a bare name.
        return os.path.abspath(chosen)
    packaged = os.path.join(os.path.dirname(__file__), _FILE_NAME)
    if not os.path.isfile(packaged):
        raise ImportError(
            f"authkit_verifier was installed without its native library, {_FILE_NAME}: install a wheel for "
            f"this platform, or set AUTHKIT_LIBRARY_PATH to the library's file",
            name=__name__,
        )
    return packaged


def _load(path: str) -> tuple[CDLL, PyDLL]:
    try:
        return CDLL(path), PyDLL(path)
    except OSError as error:
        raise ImportError(
            f"authkit_verifier cannot load its native library {path}: {error}", name=__name__, path=path
        ) from error


PATH = _find()
# Two views of one library. What can take long goes through CDLL, which lets other Python threads run
# meanwhile. What only hands a value out goes through PyDLL, which does not: it takes nanoseconds, and a
# thread that lets go of the interpreter's lock may wait milliseconds to get it back.
_waiting, _immediate = _load(PATH)

# name -> declared function, for the test that compares them with the header.
FUNCTIONS: dict[str, Any] = {}


def _declare(name: str, restype: Any, *argtypes: Any, view: CDLL = _immediate) -> Any:
    try:
        function = getattr(view, name)
    except AttributeError:
        raise ImportError(
            f"the native library {PATH} has no function {name}: it is older than this authkit_verifier, or "
            f"another library",
            name=__name__,
            path=PATH,
        ) from None
    function.restype = restype
    function.argtypes = argtypes
    FUNCTIONS[name] = function
    return function


_handle = c_void_p
_out_handle = POINTER(c_void_p)
_out_length = POINTER(c_size_t)
_out_time = POINTER(c_int64)

abi_version: Callable[[], int] = _declare("authkit_abi_version", c_uint32)

# Before anything else is looked at: under another contract the declarations below would be wrong.
if abi_version() != ABI_VERSION:
    raise ImportError(
        f"this authkit_verifier needs a native library with ABI {ABI_VERSION}, but {PATH} has ABI "
        f"{abi_version()}: install the two from one release"
        + (", or unset AUTHKIT_LIBRARY_PATH" if os.environ.get("AUTHKIT_LIBRARY_PATH") else ""),
        name=__name__,
        path=PATH,
    )

version: Callable[[], bytes] = _declare("authkit_version", c_char_p)

status_name: Callable[[int], bytes] = _declare("authkit_status_name", c_char_p, c_int32)
status_http_status: Callable[[int], int] = _declare("authkit_status_http_status", c_int32, c_int32)
status_oauth_error: Callable[[int], bytes | None] = _declare("authkit_status_oauth_error", c_char_p, c_int32)
status_class: Callable[[int], int] = _declare("authkit_status_class", c_int32, c_int32)

# Under the interpreter's lock, as default_verifier below: it reads the environment, and no other Python
# thread may be changing os.environ meanwhile. In a Python without that lock the program has to see to it.
config_from_environment: Callable[..., int] = _declare(
    "authkit_config_from_environment", c_int32, _out_handle, _out_handle
)
config_from_env_file: Callable[..., int] = _declare(
    "authkit_config_from_env_file", c_int32, c_char_p, _out_handle, _out_handle
)
config_from_implicit_env_file: Callable[..., int] = _declare(
    "authkit_config_from_implicit_env_file", c_int32, c_char_p, _out_handle, _out_handle
)
config_from_json: Callable[..., int] = _declare(
    "authkit_config_from_json", c_int32, c_char_p, c_size_t, _out_handle, _out_handle, view=_waiting
)
config_set: Callable[..., int] = _declare(
    "authkit_config_set", c_int32, _handle, c_char_p, c_char_p, _out_handle
)
config_free: Callable[[int | None], None] = _declare("authkit_config_free", None, _handle)

policy_new: Callable[[], int | None] = _declare("authkit_policy_new", _handle)
policy_require_scope: Callable[..., int] = _declare(
    "authkit_policy_require_scope", c_int32, _handle, c_char_p, _out_handle
)
policy_require_any_scope: Callable[..., int] = _declare(
    "authkit_policy_require_any_scope", c_int32, _handle, c_char_p, _out_handle
)
policy_set_now: Callable[[int | None, int], int] = _declare(
    "authkit_policy_set_now", c_int32, _handle, c_int64
)
policy_set_tool: Callable[[int | None, bytes], int] = _declare(
    "authkit_policy_set_tool", c_int32, _handle, c_char_p
)
policy_free: Callable[[int | None], None] = _declare("authkit_policy_free", None, _handle)

verifier_new: Callable[..., int] = _declare(
    "authkit_verifier_new", c_int32, _handle, _out_handle, _out_handle, view=_waiting
)
# Found or not in a few hundred nanoseconds, and nothing is waited for: under the interpreter's lock, whose
# release would cost more.
verifier_recall: Callable[[int | None, bytes, c_size_t, int | None], int] = _declare(
    "authkit_verifier_recall", c_uint64, _handle, c_char_p, c_size_t, _handle
)
verifier_recall_request: Callable[..., int] = _declare(
    "authkit_verifier_recall_request",
    c_uint64,
    _handle,
    c_char_p,
    c_size_t,
    c_char_p,
    c_size_t,
    _handle,
)
# Into a buffer of this many bytes, as every record needs it.
RECORD_CAPACITY = 65536
# The same as calls are given it: an int would have to be made this each time.
CAPACITY = c_size_t(RECORD_CAPACITY)
_verify_into = (c_int32, _handle, c_char_p, c_size_t, _handle, c_char_p, c_size_t)
verifier_verify_into: Callable[..., int] = _declare(
    "authkit_verifier_verify_into", *_verify_into, view=_waiting
)
verifier_try_verify_into: Callable[..., int] = _declare(
    "authkit_verifier_try_verify_into", *_verify_into, view=_waiting
)
verifier_refresh: Callable[..., int] = _declare(
    "authkit_verifier_refresh", c_int32, _handle, _out_handle, view=_waiting
)
verifier_start_refresh: Callable[..., int] = _declare(
    "authkit_verifier_start_refresh", c_int32, _handle, _out_handle, view=_waiting
)
verifier_fetches_ended: Callable[[int | None], int] = _declare(
    "authkit_verifier_fetches_ended", c_uint64, _handle
)
verifier_fetch_timeout: Callable[[int | None], int] = _declare(
    "authkit_verifier_fetch_timeout", c_uint32, _handle
)
verifier_wait: Callable[[int | None, int, int], int] = _declare(
    "authkit_verifier_wait", c_int32, _handle, c_uint64, c_uint32, view=_waiting
)
verifier_wait_ready: Callable[..., int] = _declare(
    "authkit_verifier_wait_ready", c_int32, _handle, c_uint32, _out_handle, view=_waiting
)
verifier_set_jwks: Callable[..., int] = _declare(
    "authkit_verifier_set_jwks",
    c_int32,
    _handle,
    c_char_p,
    c_char_p,
    c_size_t,
    _out_handle,
    view=_waiting,
)
verifier_resource: Callable[[int | None], bytes | None] = _declare(
    "authkit_verifier_resource", c_char_p, _handle
)
verifier_describe: Callable[[int | None, None], bytes] = _declare(
    "authkit_verifier_describe", c_char_p, _handle, _out_length
)
_authorize_into = (
    c_int32,
    _handle,
    c_char_p,
    c_size_t,
    c_char_p,
    c_size_t,
    _handle,
    c_char_p,
    c_size_t,
)
verifier_authorize_into: Callable[..., int] = _declare(
    "authkit_verifier_authorize_into", *_authorize_into, view=_waiting
)
verifier_try_authorize_into: Callable[..., int] = _declare(
    "authkit_verifier_try_authorize_into", *_authorize_into, view=_waiting
)
_well_known = (c_int32, _handle, c_char_p, c_char_p, c_size_t, _out_handle, _out_handle)
verifier_well_known: Callable[..., int] = _declare("authkit_verifier_well_known", *_well_known, view=_waiting)
verifier_try_well_known: Callable[..., int] = _declare(
    "authkit_verifier_try_well_known", *_well_known, view=_waiting
)
verifier_resource_metadata_url: Callable[[int | None], bytes | None] = _declare(
    "authkit_verifier_resource_metadata_url", c_char_p, _handle
)
response_status: Callable[[int], int] = _declare("authkit_response_status", c_int32, _handle)
response_header_count: Callable[[int], int] = _declare("authkit_response_header_count", c_size_t, _handle)
response_header_name_at: Callable[[int, int], bytes] = _declare(
    "authkit_response_header_name_at", c_char_p, _handle, c_size_t
)
response_header_value_at: Callable[[int, int], bytes] = _declare(
    "authkit_response_header_value_at", c_char_p, _handle, c_size_t
)
response_body: Callable[[int, None], bytes] = _declare(
    "authkit_response_body", c_char_p, _handle, _out_length
)
response_free: Callable[[int | None], None] = _declare("authkit_response_free", None, _handle)
# Room for the scopes of a path, in bytes.
ACCESS_CAPACITY = 8192
access_from_json: Callable[..., int] = _declare(
    "authkit_access_from_json", c_int32, c_char_p, c_size_t, _out_handle, _out_handle
)
access_judge: Callable[..., int] = _declare(
    "authkit_access_judge",
    c_int32,
    _handle,
    c_char_p,
    c_size_t,
    c_char_p,
    c_size_t,
    c_char_p,
    c_size_t,
    c_char_p,
    c_size_t,
    POINTER(c_bool),
    _out_handle,
)
access_free: Callable[[int | None], None] = _declare("authkit_access_free", None, _handle)
verifier_free: Callable[[int | None], None] = _declare("authkit_verifier_free", None, _handle)
default_verifier: Callable[..., int] = _declare("authkit_default_verifier", c_int32, _out_handle, _out_handle)

error_reason: Callable[[int], bytes] = _declare("authkit_error_reason", c_char_p, _handle)
error_hint: Callable[[int], bytes | None] = _declare("authkit_error_hint", c_char_p, _handle)
error_retry_after: Callable[[int], int] = _declare("authkit_error_retry_after", c_int64, _handle)
error_free: Callable[[int | None], None] = _declare("authkit_error_free", None, _handle)

verifier_stats: Callable[..., int] = _declare(
    "authkit_verifier_stats", c_int32, _handle, _out_handle, _out_handle
)
stats_json: Callable[[int, None], bytes] = _declare("authkit_stats_json", c_char_p, _handle, _out_length)
stats_free: Callable[[int | None], None] = _declare("authkit_stats_free", None, _handle)

verifier_next_event: Callable[[int | None], int | None] = _declare(
    "authkit_verifier_next_event", _handle, _handle
)
event_json: Callable[[int, None], bytes] = _declare("authkit_event_json", c_char_p, _handle, _out_length)
event_free: Callable[[int | None], None] = _declare("authkit_event_free", None, _handle)

verifier_next_log_line: Callable[[int | None], int | None] = _declare(
    "authkit_verifier_next_log_line", _handle, _handle
)
log_line_level: Callable[[int], int] = _declare("authkit_log_line_level", c_int32, _handle)
log_line_text: Callable[[int], bytes] = _declare("authkit_log_line_text", c_char_p, _handle)
log_line_free: Callable[[int | None], None] = _declare("authkit_log_line_free", None, _handle)
