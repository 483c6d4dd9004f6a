"""From a statement of ``zk`` to the shape of its native proof, and the files that stand for a native circuit.

A statement says the same to both engines. Limbs have one bit more than its ``lookup_bits``: activations of a layer then
lie in [-2^b, 2^b), the ends of ezkl's table, so that whatever one engine proves the other can prove as well.
"""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final, cast

import numpy as np

from pyml.crypto.bn254 import POINT_BYTES, Point, decode_point
from pyml.errors import CircuitError
from pyml.files import write_atomically
from pyml.zk.circuits import LabelledSet
from pyml.zk.native.layout import Layout, WeightsLayout
from pyml.zk.native.shape import MAX_DEGREE, Shape, VerifyingKey
from pyml.zk.statement import MAX_DEGREE as MAX_POWERS
from pyml.zk.statement import Statement

ENGINE_NAME: Final = "native"
NATIVE_SETTINGS: Final = b'{\n "engine": "native"'
"""How the settings of a native circuit begin."""
FEW_POINTS: Final = 10
"""Of a proof and its key: then a claim stays below 640,000 gas (bench/results/zk_native.json)."""
_NUMBERS: Final = ("samples", "limb_bits", "margin_limbs", "degree", "weight_bits")
_LISTS: Final = ("widths", "shifts", "bias_units")
_KEY_FORM: Final = "pyml.zk.native.verifying-key.v1"


def shape_of(statement: Statement) -> Shape:
    """The shape with the document's default n; ``CircuitError`` for what the native engine does not prove."""
    if statement.kind not in ("private_model_accuracy", "private_model_inference"):
        raise CircuitError(
            f"the native engine does not prove {statement.kind}", hint="Export the circuit with --engine ezkl."
        )
    architecture = statement.architecture
    if architecture.convolutions:
        raise CircuitError(
            "the native engine proves dense layers, not convolutions", hint="Export the circuit with --engine ezkl."
        )
    widest = Shape(
        samples=statement.samples,
        widths=architecture.sizes,
        shifts=architecture.shifts,
        bias_units=architecture.bias_units,
        limb_bits=statement.numerics.lookup_bits + 1,
        margin_limbs=statement.numerics.margin_limbs,
        degree=MAX_DEGREE,
        weight_bits=architecture.weight_bits,
        data_in_witness=statement.kind == "private_model_inference",
    )
    return replace(widest, degree=default_degree(widest))


def default_degree(shape: Shape) -> int:
    """Section 3's default n: the least with few points, but at most two more than what columns and weights need.

    A point costs each claim about 7,000 gas; one more n doubles the prover's work and takes points away.
    """
    layout, weights = Layout(shape), WeightsLayout(shape)
    needed = max(layout.v + 1, weights.nw + 1, layout.mask_rows.variables, weights.mask_rows.variables)
    if needed > MAX_DEGREE:
        raise CircuitError("the statement is too large", expected=f"n up to {MAX_DEGREE}", got=needed)
    most = min(needed + 2, MAX_DEGREE)
    few = (n for n in range(needed, most) if _points(replace(shape, degree=n)) <= FEW_POINTS)
    return next(few, most)


def _points(shape: Shape) -> int:
    """Commitments that a claim's verifier adds up, C_W and S among them."""
    layout = Layout(shape)
    return 2 + layout.stage1.polynomials + layout.stage2.polynomials + layout.data.polynomials


def settings_of(statement: Statement) -> bytes:
    """``settings.json``: the shape, and the k of the powers of tau, in one form.

    k is at least that of the statement, since commitments under strings of different tau differ: answers of a model are
    proved with the powers that its accuracy was proved with, or as many of them as are needed.
    """
    shape = shape_of(statement)
    degree = max(shape.degree, statement.degree)
    table = {"engine": ENGINE_NAME, "version": 1, "powers": degree, "shape": asdict(shape)}
    return json.dumps(table, indent=1).encode() + b"\n"


def read_shape(path: Path) -> Shape:
    """The shape of a circuit's settings; ``CircuitError`` for a file that ``settings_of`` would not write."""
    return _read_settings(path)[0]


def powers_degree(path: Path) -> int:
    """k of the powers of tau that a circuit's settings ask for."""
    return _read_settings(path)[1]


def _read_settings(path: Path) -> tuple[Shape, int]:
    try:
        table = cast("dict[str, Any]", json.loads(path.read_text(encoding="utf-8")))
        if set(table) != {"engine", "version", "powers", "shape"} or (table["engine"], table["version"]) != (
            "native",
            1,
        ):
            raise ValueError("it is another engine's")
        shape, degree = _shape(table["shape"]), table["powers"]
        if type(degree) is not int or not shape.degree <= degree <= MAX_POWERS:
            raise ValueError("it asks for no possible powers of tau")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CircuitError(f"{path} is not the settings file of a native circuit: {error}") from error
    return shape, degree


def data_writer(statement: Statement, data: LabelledSet | None) -> Callable[[Path], None]:
    """A writer of the circuit's data: samples and labels as arrays; nothing for inference."""
    if data is not None and data.digest != statement.subject:
        raise CircuitError(
            "the data are not the ones that the circuit pins", expected=statement.subject, got=data.digest
        )

    def write(path: Path) -> None:
        if data is None:
            path.write_bytes(b"")
            return
        content = io.BytesIO()
        np.save(content, np.column_stack([data.inputs, data.labels]).astype("<i8"), allow_pickle=False)
        path.write_bytes(content.getvalue())

    return write


def read_data(path: Path) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Samples [N, features] and labels [N] that ``data_writer`` wrote."""
    try:
        table = np.load(io.BytesIO(path.read_bytes()), allow_pickle=False)
        return table[:, :-1], table[:, -1]
    except (OSError, ValueError, KeyError, IndexError, EOFError, MemoryError) as error:
        raise CircuitError(f"{path} does not hold samples and labels: {error}") from error


def write_key(key: VerifyingKey, path: Path) -> None:
    """The verifying key as JSON: shape, points, [τ]_2."""
    points = [None if point is None else point.encode().hex() for point in key.data]
    table = {"form": _KEY_FORM, "shape": asdict(key.shape), "data": points, "tau_g2": [hex(x) for x in key.tau_g2]}
    write_atomically(path, json.dumps(table, indent=1).encode() + b"\n")


def read_key(path: Path) -> VerifyingKey:
    """Inverse of ``write_key`` for untrusted input."""
    try:
        table = cast("dict[str, Any]", json.loads(path.read_text(encoding="utf-8")))
        if table["form"] != _KEY_FORM:
            raise ValueError("it has another form")
        a, b, c, d = (int(word, 16) for word in table["tau_g2"])
        return VerifyingKey(_shape(table["shape"]), tuple(map(_point, table["data"])), (a, b, c, d))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CircuitError(f"{path} is not a native verifying key: {error}") from error


def _shape(table: dict[str, Any]) -> Shape:
    """``ValueError`` or ``TypeError`` for anything that ``asdict`` of a shape would not give."""
    numbers: dict[str, Any] = {name: table[name] for name in _NUMBERS}
    lists: dict[str, Any] = {name: tuple(table[name]) for name in _LISTS}
    if set(table) != {*_NUMBERS, *_LISTS, "data_in_witness"} or type(table["data_in_witness"]) is not bool:
        raise ValueError("a shape has other fields")
    if any(type(value) is not int for value in (*numbers.values(), *itertools.chain(*lists.values()))):
        raise TypeError("a shape holds something else than integers")
    return Shape(**numbers, **lists, data_in_witness=table["data_in_witness"])


def _point(text: str | None) -> Point | None:
    if text is None:
        return None
    data = bytes.fromhex(text)
    if len(data) != POINT_BYTES:
        raise ValueError("a point has the wrong length")
    return decode_point(data)
