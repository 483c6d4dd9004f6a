"""From a model and a data set to a statement and its graph.

The labelled set of an accuracy circuit is named ``<data set>/test[a:b]`` and pinned by its digest; the model of a
private-input circuit is named freely and pinned likewise.
"""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from pyml.errors import CircuitError, DatasetError
from pyml.ml.datasets import Dataset, integers
from pyml.ml.integer import IntegerNetwork
from pyml.zk.model_codec import network_digest
from pyml.zk.statement import ANY_INPUT, Architecture, Numerics, Statement
from pyml.zk.witness import architecture_of

OPSET = 16
_NAME = re.compile(r"([a-z0-9-]+)/test\[(\d{1,9}):(\d{1,9})\]", re.ASCII)


@dataclass(frozen=True, slots=True, eq=False)
class LabelledSet:
    """Public samples in integers: inputs int64 [samples, features], labels int64 [samples]."""

    name: str
    inputs: NDArray[np.int64]
    labels: NDArray[np.int64]

    @property
    def digest(self) -> str:
        """sha256 over name-independent canonical bytes, in hexadecimal."""
        state = hashlib.sha256(b"pyml.labelled-set.v1")
        for array in (self.inputs, self.labels):
            state.update(array.ndim.to_bytes(4, "big") + b"".join(size.to_bytes(8, "big") for size in array.shape))
            state.update(np.ascontiguousarray(array.astype(">i8")).tobytes())
        return state.hexdigest()


def labelled_set(dataset: Dataset, *, samples: int, start: int = 0, input_bits: int | None = None) -> LabelledSet:
    """Test samples [start, start + samples) of a data set, inputs cut to ``input_bits``."""
    stop = start + samples
    if not 0 <= start < stop <= len(dataset.test_labels):
        raise DatasetError(
            f"{dataset.name} has no test samples {start} to {stop}",
            expected=f"a range within 0 to {len(dataset.test_labels)}",
            got=f"{samples} from {start}",
        )
    return LabelledSet(
        f"{dataset.name}/test[{start}:{stop}]",
        integers(dataset.test_images[start:stop], pixel_max=dataset.pixel_max, bits=input_bits),
        dataset.test_labels[start:stop].astype(np.int64),
    )


def parse_set_name(name: str) -> tuple[str, int, int]:
    """``"digits/test[0:100]"`` as data-set name, start and number of samples."""
    match = _NAME.fullmatch(name)
    if match is None:
        raise CircuitError("the circuit's data set has no usable name", expected="NAME/test[a:b]", got=name)
    start, stop = int(match[2]), int(match[3])
    return match[1], start, stop - start


def accuracy_statement(
    architecture: Architecture, data: LabelledSet, numerics: Numerics | None = None, *, degree: int = 0
) -> Statement:
    """ "The committed model answers `count` of these samples correctly"."""
    return Statement(
        "private_model_accuracy",
        architecture,
        len(data.labels),
        data.digest,
        data.name,
        degree,
        numerics or Numerics(),
    )


def inference_statement(accuracy: Statement, degree: int) -> Statement:
    """ "The committed model answers `label` on this public input", for models that an accuracy circuit commits to.

    ``degree`` is the accuracy circuit's k: commitments under another k are other commitments.
    """
    return Statement(
        "private_model_inference",
        accuracy.architecture,
        1,
        ANY_INPUT,
        "any input",
        degree,
        accuracy.numerics,
    )


def link_statement(accuracy: Statement, degree: int) -> Statement:
    """ "The committed model has this fingerprint", under k = ``degree``, for models of an accuracy circuit."""
    return Statement("model_link", accuracy.architecture, 1, ANY_INPUT, "any input", degree, accuracy.numerics)


def input_statement(network: IntegerNetwork, name: str, numerics: Numerics | None = None) -> Statement:
    """ "This public model answers `label` on an input I know"."""
    return Statement(
        "private_input",
        architecture_of(network),
        1,
        network_digest(network),
        name,
        numerics=numerics or Numerics(),
    )


def accuracy_graph(statement: Statement, data: LabelledSet) -> Callable[[Path], None]:
    """A writer of the ONNX graph; refuses data that are not the statement's."""
    if data.digest != statement.subject:
        raise DatasetError(
            "the data are not the ones that the circuit pins", expected=statement.subject, got=data.digest
        )

    def write(path: Path) -> None:
        import torch  # heavy import, late: opening a compiled circuit needs no graph

        from pyml.zk.graph import AccuracyGraph

        _export(AccuracyGraph(statement, torch.tensor(data.inputs), torch.tensor(data.labels)), path)

    return write


def inference_graph(statement: Statement) -> Callable[[Path], None]:
    """A writer of the ONNX graph: the statement says it all."""

    def write(path: Path) -> None:
        from pyml.zk.graph import InferenceGraph

        _export(InferenceGraph(statement), path)

    return write


def link_graph(statement: Statement) -> Callable[[Path], None]:
    """A writer of the ONNX graph: the statement says it all."""

    def write(path: Path) -> None:
        from pyml.zk.graph import LinkGraph

        _export(LinkGraph(statement), path)

    return write


def input_graph(statement: Statement, network: IntegerNetwork) -> Callable[[Path], None]:
    """A writer of the ONNX graph; refuses a model that is not the statement's."""
    digest = network_digest(network)
    if digest != statement.subject:
        raise CircuitError("the model is not the one that the circuit pins", expected=statement.subject, got=digest)
    weights = [_exact(layer.weight) for layer in network.layers]
    biases = [_exact(layer.bias * layer.bias_unit) for layer in network.layers]

    def write(path: Path) -> None:
        import torch

        from pyml.zk.graph import PrivateInputGraph

        _export(PrivateInputGraph(statement, list(map(torch.tensor, weights)), list(map(torch.tensor, biases))), path)

    return write


def _export(graph: Any, path: Path) -> None:
    import torch

    graph.eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing warns of shape constants, which are meant
        cast("Any", torch.onnx).export(graph, graph.dummy_inputs(), str(path), dynamo=False, opset_version=OPSET)


def _exact(values: NDArray[np.int64]) -> NDArray[np.float32]:
    single = values.astype(np.float32)
    if not np.array_equal(single.astype(np.int64), values):
        raise CircuitError("a weight or bias is not exact in the graph's 32-bit constants", expected="24 bits at most")
    return single
