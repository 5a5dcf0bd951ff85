"""Networks of optional codecs, from files that an operator put there; nothing is downloaded."""

import hashlib
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class WeightsUnusable(ValueError):
    """A codec that is switched on cannot be loaded; the text names the setting and the file."""


class Network(Protocol):
    """A loaded network; may be run by several threads."""

    def run(self, names: None, inputs: Mapping[str, Floats]) -> list[Floats]:
        """Return every output for inputs by name."""
        ...


def load(setting: str, path: Path, ports: tuple[set[str], set[str]], sha256: str = "") -> Network:
    """Load an ONNX file that runs on one thread.

    Args:
        setting: the variable that names the file's folder.
        path: of the file.
        ports: names of its inputs and of its outputs.
        sha256: of the file, in hexadecimal; empty where any file will do that has these ports.

    Raises:
        WeightsUnusable: the file is absent, another one, or broken; or onnxruntime is absent.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise WeightsUnusable(f"{setting}: {path} cannot be read: {error.strerror}") from error
    found = hashlib.sha256(content).hexdigest()
    if sha256 and found != sha256:
        raise WeightsUnusable(f"{setting}: {path} has SHA-256 {found}, must have {sha256}")
    network = _open(setting, path, content)
    for kind, have, must in zip(("inputs", "outputs"), _ports(network), ports, strict=True):
        if have != must:
            raise WeightsUnusable(
                f"{setting}: {path} has the {kind} {_list(have)}, must have {_list(must)}"
            )
    loaded: Network = network
    return loaded


def _open(setting: str, path: Path, content: bytes) -> Any:
    try:
        runtime = import_module("onnxruntime")
    except ImportError as error:
        raise WeightsUnusable(f"{setting} needs onnxruntime, which is not installed") from error
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # or what the largest picture took is kept
    options.log_severity_level = 3
    broken = runtime.capi.onnxruntime_pybind11_state
    kinds = (broken.Fail, broken.InvalidProtobuf, broken.InvalidGraph, broken.InvalidArgument)
    try:
        return runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except (*kinds, broken.NotImplemented, RuntimeError) as error:
        raise WeightsUnusable(f"{setting}: {path} is no ONNX network that can be run") from error


def _ports(network: Any) -> tuple[set[str], set[str]]:
    ends = (network.get_inputs(), network.get_outputs())
    inputs, outputs = ({one.name for one in end} for end in ends)
    return inputs, outputs


def _list(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "none"
