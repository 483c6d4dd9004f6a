"""The tampering attack: every change of a helper is refused, and none gives another key.

Two attackers. One changes the file's bytes: the digest tells. One changes the content and computes the digest anew;
then the right picture and the right password are shown, and the last tag (``pyml.keys.vault``) must refuse. He flips
each bit of each binary field, moves a place of the mask to keep its weight, and exchanges every field for that of
another helper of the same owner, pictures and password.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pyml.errors import InputError, IntegrityError, RecoveryError
from pyml.keys.fuzzy_commitment import BchCode
from pyml.keys.helper_file import EnrolledImage, Helper, parse_helper
from pyml.keys.vault import EmbedderId, recover
from pyml.store.keystore import Secret

DAMAGED, MALFORMED, NO_KEY = "damaged", "malformed", "no key"
ACCEPTED, SAME_KEY, ANOTHER_KEY = "accepted", "the same key", "another key"


@dataclass(frozen=True, slots=True)
class TamperReport:
    """What was changed, and how often which end it took."""

    outcomes: Mapping[str, Mapping[str, int]]

    @property
    def tried(self) -> int:
        return sum(sum(counts.values()) for counts in self.outcomes.values())

    @property
    def accepted(self) -> int:
        """Changes that were not refused."""
        fine = (ACCEPTED, SAME_KEY, ANOTHER_KEY)
        return sum(counts.get(outcome, 0) for counts in self.outcomes.values() for outcome in fine)

    def as_dict(self) -> dict[str, Any]:
        return {"tried": self.tried, "accepted": self.accepted, "outcomes": {**self.outcomes}}


def tamper_file(helper: Helper) -> TamperReport:
    """Flip every bit of the file, cut it at every length, lengthen it."""
    content = helper.to_json()
    changed = {
        "file, one bit": _flips(content),
        "file, cut off": (content[:length] for length in range(len(content))),
        "file, lengthened": (content + more for more in (b"\n", b" ", b"\0", content)),
    }
    return TamperReport({name: Counter(map(_parsed, each)) for name, each in changed.items()})


def tamper_content(
    helper: Helper,
    other: Helper,
    pictures: Sequence[NDArray[np.int64]],
    password: Secret,
    entropy: Secret,
    *,
    embedder: EmbedderId,
    step: int = 1,
) -> TamperReport:
    """Change the content and compute its digest anew; show the right pictures and password, which gave ``entropy``.

    ``other`` is another helper of the same pictures and password; every ``step``-th bit of each field is flipped.
    """
    if recover(helper, pictures, password, embedder=embedder) != entropy:
        raise InputError("the helper does not open to begin with")
    outcomes: dict[str, Counter[str]] = {}
    for name, changed in _changes(helper, other, step):
        try:
            found = recover(parse_helper(changed().to_json()), pictures, password, embedder=embedder)
            outcome = SAME_KEY if found == entropy else ANOTHER_KEY
        except InputError:
            outcome = MALFORMED
        except RecoveryError:
            outcome = NO_KEY
        outcomes.setdefault(name, Counter())[outcome] += 1
    return TamperReport(outcomes)


Change: TypeAlias = Callable[[], Helper]


def _changes(helper: Helper, other: Helper, step: int) -> Iterator[tuple[str, Change]]:
    """What is changed, and the helper after it, whose parts may not fit together any more."""
    for name in ("salt", "nonce", "sealed", "embedder_digest"):
        for flipped in _flips(getattr(helper, name), step):
            yield name, partial(_with, helper, **{name: flipped})
    for index, image in enumerate(helper.images):
        for name in ("mask", "sketch", "share"):
            for flipped in _flips(getattr(image, name), step):
                yield name, partial(_with_image, helper, index, replace(image, **{name: flipped}))
        yield "image left out", partial(_with, helper, images=helper.images[:index] + helper.images[index + 1 :])
        yield "image doubled", partial(_with, helper, images=(*helper.images, image))
    for field in fields(helper):
        if getattr(other, field.name) != getattr(helper, field.name):
            yield "another helper's field", partial(_with, helper, **{field.name: getattr(other, field.name)})
    yield "embedder's name", partial(_with, helper, embedder=helper.embedder[:-1] + "~")
    yield "threshold", partial(_with, helper, threshold=helper.threshold + 1)
    yield "dimensions", partial(_with, helper, dimensions=helper.dimensions - 1)
    yield "code", partial(_with, helper, code=_ANOTHER_CODE[helper.code.n])
    yield "cost", partial(_with_cost, helper, n=helper.cost.n * 2)
    yield "cost", partial(_with_cost, helper, p=helper.cost.p + 1)


_ANOTHER_CODE = {127: BchCode(127, 36), 255: BchCode(255, 87)}


def _with(helper: Helper, **changed: Any) -> Helper:
    return replace(helper, **changed)


def _with_cost(helper: Helper, **changed: int) -> Helper:
    return replace(helper, cost=replace(helper.cost, **changed))


def _with_image(helper: Helper, index: int, image: EnrolledImage) -> Helper:
    return replace(helper, images=(*helper.images[:index], image, *helper.images[index + 1 :]))


def _flips(content: bytes, step: int = 1) -> Iterator[bytes]:
    """With one bit turned, each in its turn."""
    for bit in range(0, 8 * len(content), step):
        yield content[: bit // 8] + bytes([content[bit // 8] ^ (0x80 >> bit % 8)]) + content[bit // 8 + 1 :]


def _parsed(content: bytes) -> str:
    try:
        parse_helper(content)
    except IntegrityError:
        return DAMAGED
    except InputError:
        return MALFORMED
    return ACCEPTED
