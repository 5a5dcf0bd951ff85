"""search.c, as `tools/setup.py` and the image's build compile it: beside its source.

`ctypes` and not an extension module, so that one call of the C compiler is the whole build and no
package is needed for it; a call costs two microseconds and holds no lock of the interpreter.
"""

import ctypes
import os
import subprocess
from functools import cache
from pathlib import Path

_ABI = 1
_MOST_TABLES = 16
SOURCE = Path(__file__).with_name("search.c")
LIBRARY = Path(__file__).with_name("search.so")
_FLAGS = ("-O3", "-std=c11", "-shared", "-fPIC")

U8, U32, U64 = (ctypes.POINTER(kind) for kind in (ctypes.c_uint8, ctypes.c_uint32, ctypes.c_uint64))


class NotCompiled(RuntimeError):
    """search.c was compiled from another version than this module, or not at all."""


class CIndex(ctypes.Structure):
    """`Index` of search.c."""

    _fields_ = (
        ("codes", U64),
        ("n", ctypes.c_uint64),
        ("bits", ctypes.c_uint32),
        ("tables", ctypes.c_uint32),
        ("before", U32 * _MOST_TABLES),
        ("ones", U64 * _MOST_TABLES),
        ("places", U8 * _MOST_TABLES),
    )


def compile_library(compiler: str = "cc") -> Path:
    """Compile search.c; the library appears whole or not at all.

    Raises:
        FileNotFoundError: no such compiler.
        CalledProcessError: it failed.
    """
    made = LIBRARY.with_suffix(f".{os.getpid()}.so")
    try:
        subprocess.run([compiler, *_FLAGS, "-o", str(made), str(SOURCE)], check=True)
        made.replace(LIBRARY)
    finally:
        made.unlink(missing_ok=True)
    return LIBRARY


def is_compiled() -> bool:
    """Tell whether there is a library; where there was no C compiler, NumPy must do."""
    return LIBRARY.exists()


@cache
def load() -> ctypes.CDLL:
    """Return the compiled library.

    Raises:
        NotCompiled: it is not there, or of another version than this module.
    """
    try:
        library = ctypes.CDLL(str(LIBRARY))
    except OSError as error:
        raise NotCompiled(f"{LIBRARY.name} cannot be loaded; run `make setup`: {error}") from error
    if library.hamming_abi() != _ABI:
        raise NotCompiled(f"{LIBRARY.name} is of another version; run `make setup`")
    u32, u64 = ctypes.c_uint32, ctypes.c_uint64
    library.hamming_scan.argtypes = (U64, u64, U64, u32, U64, U32, u64)
    library.hamming_scan.restype = u64
    query = (U64, u32, U32, U64, U32)
    library.hamming_search.argtypes = (ctypes.POINTER(CIndex), *query, u64, U64, U32, u64)
    library.hamming_search.restype = ctypes.c_int64
    library.hamming_build.argtypes = (U64, u64, u32, u32, U32, U32, U64, U8, U64)
    library.hamming_build.restype = ctypes.c_int32
    return library


if __name__ == "__main__":
    compile_library(os.environ.get("CC", "cc"))
