"""Architectures by name."""

from __future__ import annotations

import pytest

from pyml.errors import ModelError
from pyml.freezenet.encoding import architecture_hash
from pyml.freezenet.network_names import plans_named
from pyml.freezenet.trainable import architecture, paper_cnn, small_cnn, small_mlp


def test_names_are_those_of_the_specification() -> None:
    assert plans_named("mlp", (8, 8), classes=10, integer=True) == small_mlp()
    assert plans_named("cnn", (8, 8), classes=10, integer=True) == small_cnn()
    assert plans_named("cnn", (28, 28), classes=10, integer=False) == small_cnn(28)
    assert plans_named("paper", (3, 32, 32), classes=10, integer=True) == paper_cnn()
    assert plans_named("paper", (3, 32, 32), classes=10, integer=False) == paper_cnn(as_published=True)


def test_an_architecture_fits_a_contract_whatever_the_data() -> None:
    shapes = {"mlp": (28, 28), "cnn": (28, 28), "paper": (3, 32, 32)}
    plans = [plans_named(name, shape, classes=10, integer=True) for name, shape in shapes.items()]
    assert len({architecture_hash(architecture(each)) for each in plans}) == 3


@pytest.mark.parametrize(
    ("name", "shape", "classes", "problem"),
    [
        ("vgg", (8, 8), 10, "unknown network"),
        ("cnn", (8, 6), 10, "does not take these images"),
        ("cnn", (10, 10), 10, "does not take these images"),
        ("cnn", (3, 32, 32), 10, "does not take these images"),
        ("cnn", (128, 128), 10, "does not take these images"),
        ("cnn", (30,), 2, "does not take these images"),
        ("paper", (28, 28), 10, "takes the images of CIFAR-10"),
        ("paper", (3, 32, 32), 100, "takes the images of CIFAR-10"),
    ],
)
def test_what_does_not_fit_is_refused(name: str, shape: tuple[int, ...], classes: int, problem: str) -> None:
    with pytest.raises(ModelError, match=problem):
        plans_named(name, shape, classes=classes, integer=True)
