"""Integer models as bytes: canonical, exact, and nothing else is read."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyml.crypto.bn254 import SCALAR_MODULUS
from pyml.errors import InputError, ModelError
from pyml.ml.integer import IntegerLayer, IntegerNetwork
from pyml.zk.model_codec import (
    SecretModel,
    decode_network,
    decode_secret_model,
    encode_network,
    encode_secret_model,
    network_digest,
)
from tests.zk.small_circuits import random_network

NETWORK = IntegerNetwork(
    (
        IntegerLayer(np.array([[1, -2], [3, 4]]), np.array([-5, 6]), 4, 2),
        IntegerLayer(np.array([[7], [-8]]), np.array([0]), 1),
    ),
    4,
    16,
)
MODEL = SecretModel(NETWORK, (1, SCALAR_MODULUS - 1, 0))


@given(st.integers(0, 2**32), st.integers(2, 16), st.lists(st.integers(0, 40), min_size=0, max_size=3))
def test_networks_round_trip(seed: int, bits: int, shifts: list[int]) -> None:
    random = np.random.default_rng(seed)
    sizes = [int(size) for size in random.integers(1, 6, len(shifts) + 2)]
    network = random_network(random, sizes, shifts, bits=bits, unit=1 << int(random.integers(0, 30)))
    data = encode_network(network)
    assert decode_network(data) == network
    assert encode_network(decode_network(data)) == data


@given(st.lists(st.integers(0, SCALAR_MODULUS - 1), max_size=5))
def test_secret_models_round_trip(salts: list[int]) -> None:
    model = SecretModel(NETWORK, tuple(salts))
    assert decode_secret_model(encode_secret_model(model)) == model


def test_the_canonical_form_is_fixed() -> None:
    assert encode_network(NETWORK) == (
        b'{"bits":4,"input_max":16,"layers":[{"bias":[-5,6],"bias_unit":4,"shift":2,"weight":[[1,-2],[3,4]]},'
        b'{"bias":[0],"bias_unit":1,"shift":0,"weight":[[7],[-8]]}],"version":1}'
    )


def test_every_field_is_in_the_digest() -> None:
    first, last = NETWORK.layers
    weight = first.weight.copy()
    weight[1, 1] = 5
    others = [
        replace(NETWORK, layers=(replace(first, weight=weight), last)),
        replace(NETWORK, layers=(replace(first, bias=np.array([-5, 5])), last)),
        replace(NETWORK, layers=(replace(first, bias_unit=8), last)),
        replace(NETWORK, layers=(replace(first, shift=1), last)),
        replace(NETWORK, bits=5),
        replace(NETWORK, input_max=15),
    ]
    assert len({network_digest(each) for each in (NETWORK, *others)}) == 7


def test_secrets_are_not_shown() -> None:
    assert repr(SecretModel(NETWORK, (123456789, 2))) == "SecretModel(2-2-1, 2 salts)"


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "a model file is not JSON"),
        (b"\xff\xfe", "a model file is not JSON"),
        (b"{", "a model file is not JSON"),
        (b"[]", "a model file has the wrong form"),
        (b"1", "a model file has the wrong form"),
        (b"null", "a model file has the wrong form"),
        (b"{}", "a model file has the wrong form"),
        (b'{"version":1}', "a model file has the wrong form"),
        (b'{"version":2}', "a model file has an unknown version"),
    ],
)
def test_what_is_no_model_is_refused(data: bytes, problem: str) -> None:
    with pytest.raises(ModelError, match=problem):
        decode_network(data)


def altered(place: str, value: object) -> bytes:
    """The example with one value replaced, given by its path, or removed."""
    table = json.loads(encode_network(NETWORK))
    *path, last = place.split("/")
    target: Any = table
    for key in path:
        target = target[int(key) if key.isdigit() else key]
    if value is ...:
        del target[last]
    else:
        target[last] = value
    return json.dumps(table).encode()


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("layers", []), ("layers", 3), ("layers", [1]), ("layers", ...), ("bits", ...), ("bits", "x"), ("bits", 1),
        ("bits", None), ("bits", 3), ("input_max", 0), ("input_max", ...), ("layers/0/weight", [[1], [2, 3]]),
        ("layers/0/weight", [[1.5, 2], [3, 4]]), ("layers/0/weight", [[True, 2], [3, 4]]), ("layers/0/weight", []),
        ("layers/0/weight", [["1", 2], [3, 4]]), ("layers/0/weight", [[2**70, 2], [3, 4]]), ("layers/0/weight", {}),
        ("layers/0/weight", None), ("layers/0/weight", [[8, 2], [3, 4]]), ("layers/0/weight", [[1], [2]]),
        ("layers/1/weight", [[1]]), ("layers/0/bias", [1]), ("layers/0/bias", [1.0, 2.0]), ("layers/0/bias", ...),
        ("layers/0/bias", [[1, 2]]), ("layers/0/bias_unit", 3), ("layers/0/bias_unit", 2.5),
        ("layers/0/bias_unit", ...),
        ("layers/0/bias_unit", "4"), ("layers/0/bias_unit", -1), ("layers/0/shift", -1), ("layers/0/shift", 63),
        ("layers/0/shift", 1.5), ("layers/0/shift", None), ("version", 0), ("version", ...), ("version", "1"),
    ],
)  # fmt: skip
def test_altered_models_are_refused(place: str, value: object) -> None:
    with pytest.raises(ModelError):
        decode_network(altered(place, value))


@pytest.mark.parametrize("infinite", ["Infinity", "-Infinity", "NaN"])
def test_numbers_that_are_none_are_refused(infinite: str) -> None:
    data = encode_network(NETWORK).replace(b"[-5,6]", f"[{infinite},6]".encode())
    with pytest.raises(ModelError, match="weights that are not integers"):
        decode_network(data)


def test_unknown_keys_are_refused() -> None:
    """Two files of one model would be two digests of one circuit."""
    for place in ("extra", "layers/0/extra"):
        with pytest.raises(ModelError, match="a model file has the wrong form"):
            decode_network(altered(place, 1))


@pytest.mark.parametrize(
    ("salts", "error", "problem"),
    [
        (["00"], InputError, "a field element is not 32 reduced bytes"),
        (["ff" * 32], InputError, "a field element is not 32 reduced bytes"),
        (["zz" * 32], InputError, "a field element is not hexadecimal"),
        (3, ModelError, "a model file has the wrong form"),
        ([3], ModelError, "a model file has the wrong form"),
        (None, ModelError, "a model file has the wrong form"),
    ],
)
def test_bad_salts_are_refused(salts: object, error: type[InputError], problem: str) -> None:
    table = json.loads(encode_secret_model(MODEL))
    table["salts"] = salts
    with pytest.raises(error, match=problem):
        decode_secret_model(json.dumps(table).encode())


@pytest.mark.parametrize("missing", ["salts", "network"])
def test_incomplete_secret_models_are_refused(missing: str) -> None:
    table = json.loads(encode_secret_model(MODEL))
    del table[missing]
    with pytest.raises(ModelError, match="a model file has the wrong form"):
        decode_secret_model(json.dumps(table).encode())
