"""Integer models with their salts as bytes: canonical, exact, and nothing else is read."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyml.crypto.bn254 import SCALAR_MODULUS
from pyml.errors import InputError, ModelError
from pyml.ml import network_codec
from pyml.ml.integer import IntegerLayer, IntegerNetwork
from pyml.ml.shapes import Convolution, LayerShape, Pool
from pyml.zk import model_codec
from pyml.zk.model_codec import SecretModel, decode_secret_model, encode_secret_model
from tests.ml.random_networks import random_integers

NETWORK = IntegerNetwork(
    (
        IntegerLayer(np.array([[1, -2], [3, 4]]), np.array([-5, 6]), 4, 2),
        IntegerLayer(np.array([[7], [-8]]), np.array([0]), 1),
    ),
    4,
    16,
)
MODEL = SecretModel(NETWORK, (1, SCALAR_MODULUS - 1, 0))


@given(st.lists(st.integers(0, SCALAR_MODULUS - 1), max_size=5))
def test_secret_models_round_trip(salts: list[int]) -> None:
    model = SecretModel(NETWORK, tuple(salts))
    assert decode_secret_model(encode_secret_model(model)) == model


def test_models_of_any_shape_round_trip() -> None:
    shapes = (LayerShape(4, 3, Convolution(1, 4, 4, (2, 2), (2, 2)), Pool("max", 2)), LayerShape(3, 2))
    model = SecretModel(random_integers(shapes, np.random.default_rng(0)), (1, 2))
    assert decode_secret_model(encode_secret_model(model)) == model


def test_the_canonical_form_is_fixed() -> None:
    one, minus_one, zero = ("01" + "00" * 31, (SCALAR_MODULUS - 1).to_bytes(32, "little").hex(), "00" * 32)
    assert encode_secret_model(MODEL) == (
        b'{"network":{"bits":4,"input_max":16,"layers":[{"bias":[-5,6],"bias_unit":4,"shift":2,"weight":[[1,-2],[3,4]]},'
        b'{"bias":[0],"bias_unit":1,"shift":0,"weight":[[7],[-8]]}],"version":1},'
        + f'"salts":["{one}","{minus_one}","{zero}"]}}'.encode()
    )


def test_networks_alone_are_encoded_as_everywhere() -> None:
    for name in ("encode_network", "decode_network", "network_digest"):
        assert getattr(model_codec, name) is getattr(network_codec, name)


def test_secrets_are_not_shown() -> None:
    assert repr(SecretModel(NETWORK, (123456789, 2))) == "SecretModel(2-2-1, 2 salts)"


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"1", b"null"])
def test_what_is_no_model_is_refused(data: bytes) -> None:
    with pytest.raises(ModelError, match=r"a model file (is not JSON|has the wrong form)"):
        decode_secret_model(data)


@pytest.mark.parametrize("network", [None, 1, [], {}, {"version": 2}])
def test_a_model_of_another_form_is_refused(network: object) -> None:
    table = json.loads(encode_secret_model(MODEL))
    table["network"] = network
    with pytest.raises(ModelError, match=r"a model file has (the wrong form|an unknown version)"):
        decode_secret_model(json.dumps(table).encode())


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
