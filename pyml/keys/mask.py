"""Which bits of a feature vector an owner can rely on, found at enrolment from views of the same thing.

A view is the picture after an edit that recovery must survive (``pyml.keys.edits``). The margin of a bit is how far its
value lies from the threshold, on the right side of it, in the worst view; the mask takes the widest margins.

A mask depends on what was enrolled, and tells it: of 400 photographs each was found by its mask alone, also from an
edited copy (``attacks.mask``). So it is written down hidden, as a number without any redundancy: its place among all
masks of its length and weight (combinatorial number system; D. E. Knuth, The Art of Computer Programming, volume 4A,
section 7.2.1.3), which a secret shift turns into any other place, hence into another mask.
"""

from __future__ import annotations

from math import comb

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


def mask_count(size: int, weight: int) -> int:
    """How many masks of ``size`` places keep ``weight`` of them."""
    return comb(size, weight)


def mask_place(mask: Bits) -> int:
    """The place of a mask among all of its length and weight, from 0: Σ C(c_i, i) over its kept places c_1 < c_2 < …"""
    return sum(comb(int(kept), number) for number, kept in enumerate(np.flatnonzero(mask), start=1))


def mask_at(place: int, size: int, weight: int) -> Bits:
    """The mask of a place; ``InputError`` beyond the last."""
    if not 0 <= weight <= size or not 0 <= place < comb(size, weight):
        raise InputError("there is no such mask", expected=f"a place below C({size}, {weight})")
    mask = np.zeros(size, np.uint8)
    for kept in range(size - 1, -1, -1):
        below = comb(kept, weight)
        if place >= below:
            place, weight = place - below, weight - 1
            mask[kept] = 1
    return mask
