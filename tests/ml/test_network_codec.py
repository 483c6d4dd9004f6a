"""Integer networks as bytes: canonical, exact, and nothing else is read."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyml.errors import ModelError
from pyml.ml.integer import IntegerLayer, IntegerNetwork
from pyml.ml.network_codec import decode_network, encode_network, network_digest
from pyml.ml.shapes import Convolution, LayerShape, Pool
from tests.ml.random_networks import chains, random_integers

NETWORK = IntegerNetwork(
    (
        IntegerLayer(np.array([[1, -2], [3, 4]]), np.array([-5, 6]), 4, 2),
        IntegerLayer(np.array([[7], [-8]]), np.array([0]), 1),
    ),
    4,
    16,
)
GEOMETRY = Convolution(1, 2, 4, (1, 2), (1, 2), (0, 0))
PICTURES = IntegerNetwork(
    (
        IntegerLayer(np.array([[1, -2], [3, 4]]), np.array([-5, 6]), 4, 2, GEOMETRY, Pool("sum", 2)),
        IntegerLayer(np.array([[7], [-8]]), np.array([0]), 1),
    ),
    4,
    16,
)


@given(chains(), st.integers(0, 2**32), st.integers(2, 16))
def test_networks_round_trip(shapes: tuple[LayerShape, ...], seed: int, bits: int) -> None:
    network = random_integers(shapes, np.random.default_rng(seed), bits=bits, shift_max=40, unit_bits=30)
    data = encode_network(network)
    assert decode_network(data) == network
    assert encode_network(decode_network(data)) == data


def test_the_canonical_form_is_fixed() -> None:
    assert encode_network(NETWORK) == (
        b'{"bits":4,"input_max":16,"layers":[{"bias":[-5,6],"bias_unit":4,"shift":2,"weight":[[1,-2],[3,4]]},'
        b'{"bias":[0],"bias_unit":1,"shift":0,"weight":[[7],[-8]]}],"version":1}'
    )


def test_the_canonical_form_of_a_convolution_is_fixed() -> None:
    assert encode_network(PICTURES) == (
        b'{"bits":4,"input_max":16,"layers":[{"bias":[-5,6],"bias_unit":4,"convolution":{"height":2,"in_channels":1,'
        b'"kernel":[1,2],"padding":[0,0],"stride":[1,2],"width":4},"pool":{"kind":"sum","size":2},"shift":2,'
        b'"weight":[[1,-2],[3,4]]},{"bias":[0],"bias_unit":1,"shift":0,"weight":[[7],[-8]]}],"version":1}'
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


def test_every_field_of_a_convolution_is_in_the_digest() -> None:
    first, last = PICTURES.layers
    others = [
        replace(first, pool=Pool("max", 2)),
        replace(first, convolution=Convolution(1, 2, 5, (1, 2), (1, 2), (0, 0))),
        replace(first, convolution=Convolution(1, 2, 2, (1, 2), (1, 2), (0, 1))),
        replace(first, convolution=Convolution(1, 2, 4, (2, 1), (1, 2), (1, 0)), pool=None),
        replace(first, convolution=Convolution(1, 2, 3, (1, 2), (1, 1), (0, 0))),
        replace(first, convolution=Convolution(2, 2, 4, (1, 1), (1, 2), (0, 0))),
    ]
    digests: set[str] = set()
    for other in others:
        width = other.shape.outputs
        behind = last if width == 2 else replace(last, weight=np.zeros((width, 1), dtype=np.int64))
        digests.add(network_digest(replace(PICTURES, layers=(other, behind))))
    assert len({network_digest(PICTURES), network_digest(NETWORK), *digests}) == 8


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


def altered(place: str, value: object, network: IntegerNetwork = NETWORK) -> bytes:
    """An example with one value replaced, given by its path, or removed."""
    table = json.loads(encode_network(network))
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
    ("place", "value"),
    [
        ("convolution", None), ("convolution", {}), ("convolution", []), ("convolution", 1), ("convolution", ...),
        ("convolution/extra", 1), ("convolution/kernel", ...), ("convolution/kernel", [1, 2, 1]),
        ("convolution/kernel", [2]), ("convolution/kernel", 2), ("convolution/kernel", "12"),
        ("convolution/kernel", [1, 2.0]), ("convolution/kernel", [True, 2]), ("convolution/kernel", [2, 2]),
        ("convolution/kernel", [1, 0]), ("convolution/kernel", [1, -2]), ("convolution/kernel", None),
        ("convolution/stride", [0, 1]), ("convolution/stride", {"a": 1, "b": 1}), ("convolution/padding", [1, 0]),
        ("convolution/padding", [0, -1]), ("convolution/padding", [[0], [0]]), ("convolution/in_channels", 2),
        ("convolution/in_channels", "1"), ("convolution/height", 3), ("convolution/height", 0),
        ("convolution/height", 2**62), ("convolution/width", 10**30), ("convolution/width", 4.0), ("pool", None),
        ("pool", {}), ("pool", "max"), ("pool", ...), ("pool/kind", "mean"), ("pool/kind", None),
        ("pool/kind", ["sum"]), ("pool/kind", {}), ("pool/size", 1), ("pool/size", 3), ("pool/size", 0),
        ("pool/size", 2.0), ("pool/size", True), ("pool/size", 10**30), ("pool/extra", 1),
    ],
)  # fmt: skip
def test_altered_convolutions_are_refused(place: str, value: object) -> None:
    assert decode_network(encode_network(PICTURES)) == PICTURES
    with pytest.raises(ModelError):
        decode_network(altered(f"layers/0/{place}", value, PICTURES))


@pytest.mark.parametrize("place", ["convolution", "pool"])
def test_an_absent_part_has_one_form(place: str) -> None:
    """``null`` would be a second encoding, and so a second digest, of a dense layer."""
    with pytest.raises(ModelError, match="a model file has the wrong form"):
        decode_network(altered(f"layers/1/{place}", None))
