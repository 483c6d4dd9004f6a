"""Which bits of a feature vector an owner can rely on, found at enrolment from views of the same thing.

A view is the picture after an edit that recovery must survive (``pyml.keys.edits``). The margin of a bit is how far its
value lies from the threshold, on the right side of it, in the worst view; the mask takes the widest margins. Which
bits they are is public and depends on what was enrolled: how much that tells is not measured yet.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pyml.errors import InputError
from pyml.keys.fuzzy_commitment import Bits


def feature_bits(values: NDArray[np.int64]) -> Bits:
    """One where a projected value is positive, whatever the shape."""
    return (values > 0).astype(np.uint8)


def reliable_mask(views: NDArray[np.int64], size: int) -> Bits:
    """The ``size`` widest worst-case margins of projected values [views, dimensions], the first view being the
    original; ties go to the lower index, so that the result is the same everywhere."""
    if views.ndim != 2 or not 0 < size <= views.shape[1] or len(views) < 1:
        raise InputError("not views of a feature vector", expected=f"[views, {size} or more]", got=views.shape)
    sign = np.where(views[0] > 0, 1, -1)
    margins = (views * sign).min(axis=0)
    mask = np.zeros(views.shape[1], np.uint8)
    mask[np.argsort(-margins, kind="stable")[:size]] = 1
    return mask


def masked(bits: Bits, mask: Bits) -> Bits:
    """The bits that the mask keeps, in order."""
    return bits[mask.astype(bool)]
