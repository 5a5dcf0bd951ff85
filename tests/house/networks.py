"""Small networks in ONNX files, for code that loads networks which nobody may ship.

The format is written by hand (onnx.proto, fields by number): the package that writes it is as
large as all the rest, and what is tested is that onnxruntime reads what an operator puts there.
"""

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Value = int | str | bytes | Sequence[int]
_SIDE, _CELLS, _BITS = 256, 32, 100
_PIXELS = _SIDE // _CELLS
_LOUD = 0.25


def write_pair(folder: Path) -> None:
    """Write an encoder and a decoder that look like TrustMark's from outside.

    Inside they are simple: a bit is the sign of one fine cosine over 32 x 32 cells.
    """
    waves = _waves()
    cells = [("group", 1), ("strides", [_PIXELS, _PIXELS])]
    constants = {
        "two": np.float32([2]),
        "one": np.float32([1]),
        "waves": waves * _LOUD,
        "grid": np.array([1, 1, _CELLS, _CELLS], np.int64),
        "spread": np.ones((1, 3, _PIXELS, _PIXELS), np.float32),
    }
    nodes = [
        _node("Mul", ["onnx::Gemm_1", "two"], "twice"),
        _node("Sub", ["twice", "one"], "signs"),
        _node("MatMul", ["signs", "waves"], "flat"),
        _node("Reshape", ["flat", "grid"], "small"),
        _node("ConvTranspose", ["small", "spread"], "change", cells),
        _node("Add", ["onnx::Concat_0", "change"], "image"),
    ]
    inputs = {"onnx::Concat_0": (1, 3, _SIDE, _SIDE), "onnx::Gemm_1": (1, _BITS)}
    encoder = write(nodes, constants, inputs, {"image": (1, 3, _SIDE, _SIDE)})
    (folder / "encoder_Q.onnx").write_bytes(encoder)
    constants = {
        "mean": np.full((1, 3, _PIXELS, _PIXELS), 1 / (3 * _PIXELS**2), np.float32),
        "row": np.array([1, _CELLS**2], np.int64),
        "waves": np.ascontiguousarray(waves.T),
    }
    nodes = [
        _node("Conv", ["image", "mean"], "small", cells),
        _node("Reshape", ["small", "row"], "flat"),
        _node("MatMul", ["flat", "waves"], "output"),
    ]
    decoder = write(nodes, constants, {"image": (1, 3, _SIDE, _SIDE)}, {"output": (1, _BITS)})
    (folder / "decoder_Q.onnx").write_bytes(decoder)


def write(
    nodes: list[bytes],
    constants: dict[str, NDArray[np.generic]],
    inputs: dict[str, tuple[int, ...]],
    outputs: dict[str, tuple[int, ...]],
) -> bytes:
    """Return an ONNX model of float32 inputs and outputs of fixed shapes."""
    graph = b"".join(_field(1, node) for node in nodes) + _field(2, "small")
    graph += b"".join(_field(5, _tensor(name, value)) for name, value in constants.items())
    graph += b"".join(_field(11, _value(name, shape)) for name, shape in inputs.items())
    graph += b"".join(_field(12, _value(name, shape)) for name, shape in outputs.items())
    opset = _field(1, "") + _field(2, 13)
    return _field(1, 8) + _field(7, graph) + _field(8, opset)


def _waves() -> Floats:
    """Return (100, 1024): orthonormal cosines so fine that pictures hold little of them."""
    at = np.arange(_CELLS)
    cosines = np.cos(np.pi / _CELLS * np.outer(np.arange(11, 21), at + 0.5)) / np.sqrt(_CELLS / 2)
    both = np.einsum("ay,bx->abyx", cosines, cosines)
    return np.asarray(both.reshape(_BITS, _CELLS**2), np.float32)


def _node(
    kind: str, takes: list[str], gives: str, attributes: Sequence[tuple[str, Value]] = ()
) -> bytes:
    said = b"".join(_field(1, name) for name in takes) + _field(2, gives) + _field(4, kind)
    return said + b"".join(_field(5, _attribute(name, value)) for name, value in attributes)


def _attribute(name: str, value: Value) -> bytes:
    if isinstance(value, int):
        return _field(1, name) + _field(3, value) + _field(20, 2)
    numbers = [one for one in value if isinstance(one, int)]
    return _field(1, name) + b"".join(_field(8, one) for one in numbers) + _field(20, 7)


def _tensor(name: str, value: NDArray[np.generic]) -> bytes:
    kind = {np.dtype(np.float32): 1, np.dtype(np.int64): 7}[value.dtype]
    shape = b"".join(_field(1, size) for size in value.shape)
    return shape + _field(2, kind) + _field(8, name) + _field(9, value.tobytes())


def _value(name: str, shape: tuple[int, ...]) -> bytes:
    sizes = b"".join(_field(1, _field(1, size)) for size in shape)
    return _field(1, name) + _field(2, _field(1, _field(1, 1) + _field(2, sizes)))


def _field(number: int, value: int | str | bytes) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    content = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += struct.pack("B", value & 0x7F | 0x80)
        value >>= 7
    return out + struct.pack("B", value)
