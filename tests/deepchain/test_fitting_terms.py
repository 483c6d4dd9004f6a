"""Terms that would cost honest members their deposits are seen before they join."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pyml.deepchain.agreement import Agreement
from pyml.deepchain.contents import proof_bytes
from pyml.deepchain.fitting_terms import require_fitting_terms
from pyml.deepchain.outcome import packing_for
from pyml.deepchain.records import Terms
from pyml.deepchain.trainer import encode_weights, initial_weights
from pyml.errors import IntegrityError
from pyml.store.blobs import BlobStore, digest_of
from tests.deepchain.small_group import dealt
from tests.deepchain.views import TERMS

KEY = dealt()[0]
AGREED = Agreement(network="64-4-10")
WEIGHTS = initial_weights(AGREED, BlobStore("memory://fitting-terms"))
ADDRESSES = {name: "0x" + digit * 40 for name, digit in (("processing", "a"), ("disputes", "b"), ("evidence", "c"))}
FITTING: Terms = replace(
    TERMS,
    **ADDRESSES,
    width=128,
    count=packing_for(AGREED, KEY).count(len(WEIGHTS)),
    threshold=KEY.threshold,
    pk_proof_bytes=proof_bytes(KEY)[0],
    cd_proof_bytes=proof_bytes(KEY)[1],
    weights_digest=bytes.fromhex(digest_of(encode_weights(WEIGHTS))),
)


def check(terms: Terms, *, parties: int = 3) -> None:
    require_fitting_terms(terms, AGREED, KEY, WEIGHTS, parties=parties, addresses=ADDRESSES)


def test_fitting_terms_pass() -> None:
    check(FITTING)
    check(replace(FITTING, deposit=10**9, rounds=7, windows=(1,) * 9))  # for each member to judge


@pytest.mark.parametrize(
    "change",
    [
        {"processing": "0x" + "d" * 40},
        {"disputes": "0x" + "d" * 40},
        {"evidence": "0x" + "d" * 40},
        {"width": 256},
        {"threshold": 3},
        {"count": FITTING.count + 1},
        {"pk_proof_bytes": FITTING.pk_proof_bytes - 1},
        {"cd_proof_bytes": FITTING.cd_proof_bytes + 32},
        {"weights_digest": bytes(32)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_other_term_is_refused(change: dict[str, Any]) -> None:
    name = next(iter(change))
    with pytest.raises(IntegrityError, match=f"^the group's {name} does not fit its key and agreement; expected"):
        check(replace(FITTING, **change))


def test_another_number_of_members_is_refused() -> None:
    with pytest.raises(
        IntegrityError, match=r"^the group's members does not fit its key and agreement; expected 3; got 4"
    ):
        check(FITTING, parties=4)
