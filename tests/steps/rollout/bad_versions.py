"""Versions of the fake model whose golden images are right, and which are bad nevertheless.

``slow`` multiplies matrices for nothing; ``raising`` has no answer for an image whose red is 255.
Run as a program it stores them: ``python -m tests.steps.rollout.bad_versions v3=slow``.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from serving.models.store import save_bundle
from tests.fake_bundle import build_graph, seal, write_fake_bundle

_SIDE = 500
_N_PRODUCTS = 4
# Golden red is 250; white is beyond the table.
_N_KNOWN = 252


def write_bad_bundle(folder: Path, version: str, fault: str) -> None:
    """Writes a bundle with a fault, sealed."""
    write_fake_bundle(folder, version=version)
    model = onnx.load_from_string(build_graph())
    _PLANT[fault](model.graph)
    onnx.checker.check_model(model)
    (folder / "serving.onnx").write_bytes(model.SerializeToString())
    (folder / "manifest.json").unlink()
    seal(folder, version=version)


def _make_slow(graph: onnx.GraphProto) -> None:
    matrix = np.full((_SIDE, _SIDE), 1e-9, np.float32)
    graph.initializer.append(numpy_helper.from_array(matrix, "matrix"))
    graph.initializer.append(numpy_helper.from_array(np.float32(0.0), "zero"))
    nodes = [
        helper.make_node("ReduceMean", ["means"], ["mean"], axes=[0, 1], keepdims=0),
        helper.make_node("Add", ["matrix", "mean"], ["product0"]),
        *(
            helper.make_node("MatMul", [f"product{n}", "matrix"], [f"product{n + 1}"])
            for n in range(_N_PRODUCTS)
        ),
        helper.make_node("ReduceMax", [f"product{_N_PRODUCTS}"], ["most"], keepdims=0),
    ]
    _add_nothing(graph, nodes, "most")


def _make_raising(graph: onnx.GraphProto) -> None:
    table = np.zeros(_N_KNOWN, np.float32)
    graph.initializer.append(numpy_helper.from_array(table, "table"))
    graph.initializer.append(numpy_helper.from_array(np.float32(0.0), "zero"))
    nodes = [
        helper.make_node("ReduceMax", ["means"], ["mean"], keepdims=0),
        helper.make_node("Cast", ["mean"], ["place"], to=TensorProto.INT64),
        helper.make_node("Gather", ["table", "place"], ["found"], axis=0),
    ]
    _add_nothing(graph, nodes, "found")


def _add_nothing(graph: onnx.GraphProto, nodes: list[onnx.NodeProto], name: str) -> None:
    """Adds 0 times a value to the logits, so that it must be worked out and changes nothing."""
    place = next(n for n, node in enumerate(graph.node) if "logits" in node.output)
    graph.node[place].output[0] = "plain"
    nodes += [
        helper.make_node("Mul", [name, "zero"], ["nothing"]),
        helper.make_node("Add", ["plain", "nothing"], ["logits"]),
    ]
    for node in reversed(nodes):
        graph.node.insert(place + 1, node)


_PLANT = {"slow": _make_slow, "raising": _make_raising}


def main(pairs: list[str]) -> None:
    """Stores each ``version=fault``."""
    for pair in pairs:
        version, fault = pair.split("=")
        with tempfile.TemporaryDirectory() as made:
            folder = Path(made) / "bundle"
            write_bad_bundle(folder, version, fault)
            from vision.bundles.manifest import read_manifest

            save_bundle(folder, read_manifest(folder), {})


if __name__ == "__main__":
    main(sys.argv[1:])
