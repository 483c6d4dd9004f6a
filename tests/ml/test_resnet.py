"""ResNet-50: torchvision's names, shapes and arithmetic, and weight files that must be refused."""

# PyTorch annotates these calls in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import hashlib
import socket
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
import torch
from torch import Tensor, nn

from pyml.errors import ModelError
from pyml.ml.resnet import IMAGENET, ResNet50, fetch_imagenet, load_pretrained


def expected_shapes() -> dict[str, tuple[int, ...]]:
    """Names and shapes as torchvision's documentation and paper give them, written down another way."""
    shapes: dict[str, tuple[int, ...]] = {}

    def norm(name: str, size: int) -> None:
        shapes.update({f"{name}.{part}": (size,) for part in ("weight", "bias", "running_mean", "running_var")})
        shapes[f"{name}.num_batches_tracked"] = ()

    shapes["conv1.weight"] = (64, 3, 7, 7)
    norm("bn1", 64)
    for layer, blocks, width, before in ((1, 3, 64, 64), (2, 4, 128, 256), (3, 6, 256, 512), (4, 3, 512, 1024)):
        for block in range(blocks):
            at, inputs = f"layer{layer}.{block}", before if block == 0 else 4 * width
            shapes[f"{at}.conv1.weight"] = (width, inputs, 1, 1)
            shapes[f"{at}.conv2.weight"] = (width, width, 3, 3)
            shapes[f"{at}.conv3.weight"] = (4 * width, width, 1, 1)
            for number, size in enumerate((width, width, 4 * width), start=1):
                norm(f"{at}.bn{number}", size)
            if block == 0:
                shapes[f"{at}.downsample.0.weight"] = (4 * width, inputs, 1, 1)
                norm(f"{at}.downsample.1", 4 * width)
    shapes["fc.weight"], shapes["fc.bias"] = (1000, 2048), (1000,)
    return shapes


@pytest.fixture(scope="module")
def network() -> ResNet50:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return ResNet50().eval()


def test_names_and_shapes_are_torchvisions(network: ResNet50) -> None:
    assert {name: tuple(value.shape) for name, value in network.state_dict().items()} == expected_shapes()
    assert sum(value.numel() for value in network.parameters()) == 25_557_032
    assert len(network.state_dict()) == 320


def test_the_pass_is_that_of_the_paper(network: ResNet50) -> None:
    """Against the same network written as one function of its weights."""
    weights = network.state_dict()
    images = torch.rand(2, 3, 64, 48, generator=torch.Generator().manual_seed(1))

    def convolve(maps: Tensor, name: str, norm: str, stride: int = 1, padding: int = 0) -> Tensor:
        maps = nn.functional.conv2d(maps, weights[f"{name}.weight"], stride=stride, padding=padding)
        mean, variance, gamma, beta = (
            weights[f"{norm}.{part}"][:, None, None] for part in ("running_mean", "running_var", "weight", "bias")
        )
        return (maps - mean) / torch.sqrt(variance + 1e-5) * gamma + beta

    maps = nn.functional.max_pool2d(convolve(images, "conv1", "bn1", 2, 3).relu(), 3, 2, 1)
    for layer, blocks in enumerate((3, 4, 6, 3), start=1):
        for block in range(blocks):
            at, stride = f"layer{layer}.{block}", 2 if layer > 1 and block == 0 else 1
            inner = convolve(maps, f"{at}.conv1", f"{at}.bn1").relu()
            inner = convolve(inner, f"{at}.conv2", f"{at}.bn2", stride, 1).relu()
            inner = convolve(inner, f"{at}.conv3", f"{at}.bn3")
            short = convolve(maps, f"{at}.downsample.0", f"{at}.downsample.1", stride) if block == 0 else maps
            maps = (inner + short).relu()
    expected = nn.functional.linear(maps.mean(dim=(2, 3)), weights["fc.weight"], weights["fc.bias"])
    with torch.no_grad():
        torch.testing.assert_close(network(images), expected, rtol=1e-4, atol=1e-4)


def test_weights_come_in_whatever_the_head(network: ResNet50, tmp_path: Path) -> None:
    path = tmp_path / "resnet50.pth"
    torch.save(network.state_dict(), path)
    mine = ResNet50(256)
    head = mine.fc.weight.clone()
    load_pretrained(mine, path)
    assert torch.equal(mine.fc.weight, head)
    loaded = mine.state_dict()
    assert all(torch.equal(loaded[name], value) for name, value in network.state_dict().items() if "fc" not in name)
    old = {name: value for name, value in network.state_dict().items() if "num_batches" not in name}
    torch.save(old, path, _use_new_zipfile_serialization=False)  # as torchvision published them in 2017
    load_pretrained(mine, path)


def _without(name: str) -> Callable[[dict[str, Tensor]], object]:
    return lambda weights: {key: value for key, value in weights.items() if key != name}


CHANGES: list[tuple[Callable[[dict[str, Tensor]], object], str]] = [
    (_without("layer3.5.conv2.weight"), "has the weights of another network; .* got no layer3.5.conv2.weight$"),
    (lambda weights: {**weights, "layer5": torch.ones(1)}, "has the weights of another network; .*; got layer5$"),
    (lambda weights: {**weights, "conv1.weight": torch.ones(64, 3, 3, 3)}, "conv1.weight does not fit the network"),
    (lambda weights: {**weights, "bn1.bias": torch.full((64,), torch.nan)}, "bn1.bias has NaN or infinite values"),
    (lambda weights: {**weights, "bn1.bias": 3}, "bn1.bias is not a tensor; got int$"),
    (lambda weights: {"state_dict": weights}, "state_dict is not a tensor; got OrderedDict$"),
    (lambda weights: [weights], "is not a file of weights; expected names with tensors; got list$"),
    (lambda _: {}, "has the weights of another network"),
]


@pytest.mark.parametrize(("change", "message"), CHANGES)
def test_weights_of_another_network_are_refused(
    network: ResNet50, tmp_path: Path, change: Callable[[dict[str, Tensor]], object], message: str
) -> None:
    path = tmp_path / "w.pth"
    torch.save(change(network.state_dict()), path)
    with pytest.raises(ModelError, match=message) as caught:
        load_pretrained(network, path)
    assert "\n" not in str(caught.value)


def test_a_picture_is_not_a_file_of_weights(network: ResNet50, tmp_path: Path) -> None:
    (tmp_path / "w.pth").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    with pytest.raises(ModelError, match=r"w\.pth is not a file of weights"):
        load_pretrained(network, tmp_path / "w.pth")


def test_the_pin_agrees_with_the_published_name() -> None:
    assert IMAGENET.name == f"resnet50-{IMAGENET.sha256[:8]}.pth"
    assert IMAGENET.url.endswith("/" + IMAGENET.name)
    assert len(bytes.fromhex(IMAGENET.sha256)) == hashlib.sha256().digest_size


def test_without_a_network_one_line_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise OSError("Network is unreachable")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    with pytest.raises(ModelError) as caught:
        fetch_imagenet(tmp_path)
    assert str(caught.value) == (
        f"{IMAGENET.url} could not be downloaded: <urlopen error Network is unreachable>. Check the network, or fetch "
        "the file by other means and name it instead."
    )
    assert list(tmp_path.iterdir()) == []
