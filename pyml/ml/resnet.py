"""ResNet-50 under exactly the parameter names of torchvision, and its published weights.

Source: He et al., "Deep Residual Learning for Image Recognition" (arXiv 1512.03385), table 1, with the stride of a
stage in its first 3×3 convolution rather than in the 1×1 before it, as torchvision has it (its documentation calls this
v1.5). The paper of the keys (arXiv 1711.04069, section 4) takes a pre-trained ResNet-50 to extract features.

torchvision itself is not a dependency: it is compiled against one release of torch each, and of all that it holds this
one network is needed. Weights of any file that it, or anybody, wrote under its names fit.
"""

# PyTorch annotates these calls in part only.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from pathlib import Path
from typing import Final

from torch import Tensor, nn

from pyml.ml.pinned_file import PinnedFile, Progress, fetch_pinned
from pyml.ml.tensor_file import read_tensors, require_fit

FEATURES: Final = 2048
"""Pooled features in front of ``fc``."""
IMAGENET: Final = PinnedFile(
    "resnet50-0676ba61.pth",
    "https://download.pytorch.org/models/resnet50-0676ba61.pth",
    size=102_530_333,
    sha256="0676ba61b6795bbe1773cffd859882e5e297624d384b6993f7c9e683e722fb8a",
)
"""torchvision's ``IMAGENET1K_V1``. Its file name has the first eight digits of the digest."""
_STAGES: Final = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))
"""Width of the 3×3 convolution, blocks, stride of the first block."""
_EXPANSION: Final = 4
_FILE_LIMIT: Final = 512 << 20
_HEAD: Final = ("fc.weight", "fc.bias")


class Bottleneck(nn.Module):
    """1×1, 3×3, 1×1, each with batch normalisation, around a shortcut."""

    def __init__(self, inputs: int, width: int, *, stride: int) -> None:
        super().__init__()
        outputs = width * _EXPANSION
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.downsample: nn.Module | None = None
        if stride != 1 or inputs != outputs:
            shortcut = nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(outputs))

    def forward(self, maps: Tensor) -> Tensor:
        shortcut = maps if self.downsample is None else self.downsample(maps)
        inner = self.relu(self.bn1(self.conv1(maps)))
        inner = self.relu(self.bn2(self.conv2(inner)))
        return self.relu(self.bn3(self.conv3(inner)) + shortcut)


class ResNet50(nn.Module):
    """Normalised images [n, 3, h, w], sides of 32 or more advised, to ``outputs`` numbers a row."""

    def __init__(self, outputs: int = 1000) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        inputs = 64
        for number, (width, blocks, stride) in enumerate(_STAGES, start=1):
            first = Bottleneck(inputs, width, stride=stride)
            inputs = width * _EXPANSION
            rest = [Bottleneck(inputs, width, stride=1) for _ in range(blocks - 1)]
            self.add_module(f"layer{number}", nn.Sequential(first, *rest))
        self.fc = nn.Linear(FEATURES, outputs)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: Tensor) -> Tensor:
        maps = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        for number in range(1, len(_STAGES) + 1):
            maps = self.get_submodule(f"layer{number}")(maps)
        return self.fc(maps.mean(dim=(2, 3)))  # unlike adaptive pooling, deterministic on CUDA also backward


def load_pretrained(network: ResNet50, path: Path) -> None:
    """Take all weights but those of ``fc`` from a ``.pth`` file under torchvision's names.

    Nothing in the file runs. Raises ``ModelError`` for a file that is none, lacks or adds a name, or has a tensor of
    another shape, and for numbers that are not finite.
    """
    content = read_tensors(path, limit=_FILE_LIMIT)
    kept = {name: value for name, value in content.items() if name not in _HEAD}
    own = {name: value for name, value in network.state_dict().items() if name not in _HEAD}
    for name in own.keys() - kept.keys():
        if name.endswith("num_batches_tracked"):  # a count that no result depends on; old files have none
            kept[name] = own[name]
    require_fit(kept, own, origin=str(path))
    network.load_state_dict(kept, strict=False)


def fetch_imagenet(folder: Path, *, progress: Progress | None = None) -> Path:
    """The file of ``IMAGENET`` in ``folder``, downloaded (98 MB) unless it is there; ``ModelError`` if that fails."""
    return fetch_pinned(IMAGENET, folder, progress=progress)
