"""A native object's life in Python: freed when nobody refers to it any more."""

from __future__ import annotations

from _collections_abc import Callable  # collections.abc is this, behind all of collections

TYPE_CHECKING = False  # as typing has it, whose import would take as long as all of ours
if TYPE_CHECKING:
    from ._claims import Claims


class Handle:
    """A native handle.

    Python's reference count is the count of users: a call in progress holds a reference of its own, so
    that neither `close()` on another thread nor the end of the interpreter frees what is in use. It needs
    no lock, which a fork could leave held in the child.

    So the function that makes a call has the handle in a name of its own, and gives `name.pointer` to the
    call and to nothing else: of `self._open().pointer` only the number would be left while the call runs.
    `test_lifetime.py` looks for it.
    """

    __slots__ = ("__weakref__", "_free", "pointer")

    def __init__(self, pointer: int | None, free: Callable[[int | None], None] | None) -> None:
        self.pointer = pointer
        # Kept here, not looked up: at interpreter exit this module's names may be gone before the handle.
        self._free = free

    def __del__(self) -> None:
        if self._free is not None:
            self._free(self.pointer)


class VerifierHandle(Handle):
    """A native verifier, and what was made of the tokens that it accepted.

    The tickets of one mean nothing to another.
    """

    __slots__ = ("kept",)

    # By slot, the ticket of an acceptance and what was made of it. Good only when the library gives that very
    # ticket again, which it does after it has judged the token again.
    kept: dict[int, tuple[int, Claims]]

    def __init__(self, pointer: int | None, free: Callable[[int | None], None] | None) -> None:
        super().__init__(pointer, free)
        self.kept = {}
