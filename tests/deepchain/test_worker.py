"""A worker's hash chain and what it signs."""

from __future__ import annotations

import pytest
from eth_utils.crypto import keccak

from pyml.chain.accounts import dev_signers
from pyml.deepchain.records import Phase
from pyml.deepchain.worker import LINKS, block_to_sign, link_before
from pyml.errors import ChainError, InputError, KeystoreError
from pyml.store.keystore import Secret
from tests.deepchain.views import posted_block, view_in

PROCESSING = "0x" + "7" * 40


def test_each_link_is_the_preimage_of_the_one_before() -> None:
    secret = Secret(b"\x11" * 32)
    links = [link_before(secret, place) for place in range(4)]
    assert [keccak(link) for link in links[1:]] == links[:3]
    assert link_before(Secret(b"\x12" * 32), 0) != links[0]
    assert keccak(link_before(secret, LINKS)) == link_before(secret, LINKS - 1)


@pytest.mark.parametrize("place", [-1, LINKS + 1])
def test_a_chain_ends(place: int) -> None:
    with pytest.raises(InputError, match="used up"):
        link_before(Secret(b"\x11" * 32), place)


def test_a_signature_is_of_one_block_only() -> None:
    signer = dev_signers(1)[0]
    view = view_in(Phase.AGGREGATING, block=posted_block())
    signed = {
        signer.sign_typed_data(block_to_sign(each, PROCESSING))
        for each in (
            view,
            view_in(Phase.AGGREGATING, block=posted_block(attempt=1)),
            view_in(Phase.AGGREGATING, block=posted_block(aggregate_root=bytes(32))),
            view_in(Phase.AGGREGATING, block=posted_block(content_digest=bytes(32))),
            view_in(Phase.AGGREGATING, block=posted_block(), record={"seed": bytes(32)}),
            view_in(Phase.AGGREGATING, block=posted_block(), group=6),
        )
    }
    assert len(signed) == 6
    assert all(len(each) == 65 for each in signed)


def test_a_development_key_signs_nothing_for_other_chains() -> None:
    typed = block_to_sign(view_in(Phase.AGGREGATING, block=posted_block(), chain_id=1), PROCESSING)
    with pytest.raises(KeystoreError, match="development chains only"):
        dev_signers(1)[0].sign_typed_data(typed)
    del typed["domain"]["chainId"]
    with pytest.raises(InputError, match="without a chain id"):
        dev_signers(1)[0].sign_typed_data(typed)


def test_there_is_nothing_to_sign_before_the_first_round() -> None:
    with pytest.raises(ChainError, match="no block to sign"):
        block_to_sign(view_in(Phase.FORMING, clock={"round": 0}), PROCESSING)
