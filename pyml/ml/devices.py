"""Where PyTorch computes: the CPU or a CUDA card, and exact matrix products on either."""

# PyTorch annotates these calls in part only.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pyml.errors import InputError, ToolMissingError
from pyml.ml.shapes import Matrix, Product

if TYPE_CHECKING:
    import torch


def require_device(name: str) -> torch.device:
    """The device of a name; ``InputError`` for what is none, ``ToolMissingError`` for a card that is not here."""
    import torch  # heavy, late

    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InputError("unknown device", expected="cpu, cuda or cuda:N", got=name) from error
    if device.type not in ("cpu", "cuda"):
        raise InputError("unsupported device", expected="cpu, cuda or cuda:N", got=name)
    if device.type == "cuda" and (not torch.cuda.is_available() or (device.index or 0) >= torch.cuda.device_count()):
        raise ToolMissingError(
            f"device {name} is not available", hint="Use cpu, or install PyTorch's CUDA build on a machine with a GPU."
        )
    return device


def product_on(name: str) -> Product:
    """Products on a device: ``numpy.matmul`` on the CPU, and by PyTorch as NumPy broadcasts them on a card.

    Those of whole numbers in float64 are exact in whatever order a card adds, while every partial sum is below 2^53:
    ``pyml.ml.integer`` asks for no others. Errors as ``require_device``.
    """
    return np.matmul if name == "cpu" else torch_product(require_device(name))


def torch_product(device: torch.device) -> Product:
    """As ``product_on``, by PyTorch also on the CPU."""
    import torch

    def product(left: Matrix, right: Matrix) -> Matrix:
        found = torch.matmul(*(torch.from_numpy(np.ascontiguousarray(each)).to(device) for each in (left, right)))
        return found.cpu().numpy()

    return product
