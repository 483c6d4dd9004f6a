"""Elementary functions are right, and made of nothing that machines differ in."""

from __future__ import annotations

import ast
import inspect
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyml.ml.embedders import elementary
from pyml.ml.embedders.elementary import cosine, error_function, exponential

ROUNDED_EXACTLY = {"rint", "clip", "ldexp", "copysign", "abs", "full_like"}
"""NumPy's functions here: IEEE 754 says what the first result is, and the others only choose or scale."""


def test_nothing_else_is_computed_with() -> None:
    used = {
        node.attr
        for node in ast.walk(ast.parse(inspect.getsource(elementary)))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "np"
    }
    assert used - {"float64", "int32"} == ROUNDED_EXACTLY


@given(st.floats(-690, 690))
def test_exponential(x: float) -> None:
    assert exponential(np.array([x]))[0] == pytest.approx(math.exp(x), rel=1e-12)


@given(st.floats(-1e4, 1e4))
def test_cosine(x: float) -> None:
    assert cosine(np.array([x]))[0] == pytest.approx(math.cos(x), abs=1e-11)


@given(st.floats(-30, 30))
def test_error_function(x: float) -> None:
    assert error_function(np.array([x]))[0] == pytest.approx(math.erf(x), abs=2e-7)


def test_ends() -> None:
    assert exponential(np.array([-1e9, 0.0])).tolist() == [exponential(np.array([-700.0]))[0], 1.0]
    assert cosine(np.array([0.0, math.pi])).tolist() == [1.0, pytest.approx(-1, abs=1e-12)]
    assert error_function(np.array([-50.0, 50.0])).tolist() == [-1, 1]


def test_golden_bits() -> None:
    """To the last bit."""
    points = np.array([-3.7, -0.5, 0.1, 1.0, 2.5])
    assert [value.hex() for value in exponential(points).tolist()] == GOLDEN["exponential"]
    assert [value.hex() for value in cosine(points).tolist()] == GOLDEN["cosine"]
    assert [value.hex() for value in error_function(points).tolist()] == GOLDEN["error_function"]


GOLDEN = {
    "exponential": [
        "0x1.9511fc6871044p-6",
        "0x1.368b2fc6f960ap-1",
        "0x1.1aec7b35a00d4p+0",
        "0x1.5bf0a8b14576ap+1",
        "0x1.85d6fd931e0bcp+3",
    ],
    "cosine": [
        "-0x1.b23a2ad7dd93ap-1",
        "0x1.c1528065b7d50p-1",
        "0x1.fd712f9a817c0p-1",
        "0x1.14a280fb5068cp-1",
        "-0x1.9a2f7ef858b7ep-1",
    ],
    "error_function": [
        "-0x1.fffffa615cb8fp-1",
        "-0x1.0a7efa6731559p-1",
        "0x1.cca5f775bc6c8p-4",
        "0x1.af7676fd90a94p-1",
        "0x1.ffcaa627fe298p-1",
    ],
}
