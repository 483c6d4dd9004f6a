"""Siamese networks as files: what was written comes back; everything else is refused in one line, and runs nothing."""

# PyTorch annotates these calls in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from pyml.errors import ModelError
from pyml.ml.siamese import Architecture, siamese
from pyml.ml.siamese_file import FORMAT, read_siamese, write_siamese

DIGITS = Architecture("cnn", 1, 8, 8)


@pytest.mark.parametrize("architecture", [DIGITS, Architecture("cnn", 3, 9, 20), Architecture("resnet50", 3, 32, 64)])
def test_what_was_written_comes_back(tmp_path: Path, architecture: Architecture) -> None:
    network = siamese(architecture, seed=4)
    write_siamese(tmp_path / "a", network)
    found = read_siamese(tmp_path / "a")
    assert found.architecture == architecture
    assert not found.training
    images = torch.rand(2, architecture.channels, architecture.height, architecture.width)
    with torch.no_grad():
        assert torch.equal(found(images), network(images))
    write_siamese(tmp_path / "b", found)
    assert read_siamese(tmp_path / "b").state_dict().keys() == network.state_dict().keys()


def stored(path: Path, **change: Any) -> Path:
    """A good file with some of its fields replaced; None takes one away."""
    table = {
        "format": FORMAT,
        "architecture": {"kind": "cnn", "channels": 1, "height": 8, "width": 8},
        "weights": dict(siamese(DIGITS).state_dict()),
    }
    torch.save({name: value for name, value in {**table, **change}.items() if value is not None}, path)
    return path


def architecture(**change: Any) -> dict[str, Any]:
    fields = {"kind": "cnn", "channels": 1, "height": 8, "width": 8, **change}
    return {name: value for name, value in fields.items() if value is not None}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "pyml.siamese.v2"}, r"is not a siamese network; expected pyml\.siamese\.v1\. `pyml keys train`"),
        ({"format": None}, "is not a siamese network"),
        ({"extra": 1}, "is not a siamese network"),
        ({"weights": None}, "is not a siamese network"),
        ({"architecture": "cnn"}, "does not say what network it is; expected kind, channels, height, width$"),
        ({"architecture": architecture(width=None)}, "does not say what network it is"),
        ({"architecture": architecture(depth=3)}, "does not say what network it is"),
        ({"architecture": architecture(height=8.0)}, "does not say what network it is"),
        ({"architecture": architecture(channels=True)}, "does not say what network it is"),
        ({"architecture": architecture(kind=1)}, "does not say what network it is"),
        ({"architecture": architecture(kind="vgg")}, "unknown network; expected cnn or resnet50; got vgg$"),
        ({"architecture": architecture(height=2**40)}, "images do not fit a cnn"),
        ({"architecture": architecture(height=-8)}, "images do not fit a cnn"),
        ({"architecture": architecture(height=128, width=128)}, "does not fit the network; expected torch.float32"),
        ({"architecture": architecture(kind="resnet50", height=32, width=32)}, "has the weights of another network"),
        ({"weights": []}, "holds no weights; got list$"),
        ({"weights": {}}, "has the weights of another network"),
        ({"weights": {"trunk.0.weight": 1}}, "trunk.0.weight is not a tensor; got int$"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        read_siamese(stored(tmp_path / "network.pt", **change))
    assert "\n" not in str(caught.value)


CHANGES: list[Callable[[torch.Tensor], torch.Tensor]] = [
    lambda weight: weight[:-1],
    lambda weight: weight.double(),
    lambda weight: weight * torch.nan,
    lambda _: torch.zeros(1).expand(10**9),
    lambda weight: weight.to_sparse(),
]


@pytest.mark.parametrize("change", CHANGES)
def test_weights_that_do_not_fit_are_refused(tmp_path: Path, change: Callable[[torch.Tensor], torch.Tensor]) -> None:
    weights = dict(siamese(DIGITS).state_dict())
    weights["trunk.7.bias"] = change(weights["trunk.7.bias"])
    with pytest.raises(ModelError, match=r"trunk\.7\.bias"):
        read_siamese(stored(tmp_path / "network.pt", weights=weights))


def test_code_does_not_run(tmp_path: Path) -> None:
    class Payload:
        def __reduce__(self) -> tuple[object, ...]:
            return (os.mkdir, (str(tmp_path / "ran"),))

    with pytest.raises(ModelError, match="is not a file of weights; got UnpicklingError"):
        read_siamese(stored(tmp_path / "network.pt", architecture=Payload()))
    assert not (tmp_path / "ran").exists()
