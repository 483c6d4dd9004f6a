"""Whether a group's terms on chain are those that its key and agreement lead to: asked before a deposit is locked.

A sponsor writes the terms. Other addresses for disputes or evidence would let it convict whom it likes, and another
length of a proof or vector would make every honest submission a fault. What is left to choose, and for each member to
judge for itself, are deposits, bounties, windows and rounds.
"""

from __future__ import annotations

from pyml.crypto.threshold_paillier import ThresholdKey
from pyml.deepchain.agreement import Agreement
from pyml.deepchain.contents import proof_bytes
from pyml.deepchain.local_training import Weights
from pyml.deepchain.outcome import packing_for
from pyml.deepchain.records import Terms
from pyml.deepchain.trainer import encode_weights
from pyml.errors import IntegrityError
from pyml.store.blobs import digest_of


def require_fitting_terms(
    terms: Terms,
    agreement: Agreement,
    key: ThresholdKey,
    weights: Weights,
    *,
    parties: int,
    addresses: dict[str, str],
) -> None:
    """Raise ``IntegrityError`` with the first term that does not fit.

    ``parties`` is the number of members on chain, ``addresses`` are those of one's own deployment, by the terms' names.
    """
    pk_bytes, cd_bytes = proof_bytes(key)
    expected: dict[str, object] = {
        **{name: address.lower() for name, address in addresses.items()},
        "width": key.public.width,
        "threshold": key.threshold,
        "count": packing_for(agreement, key).count(len(weights)),
        "pk_proof_bytes": pk_bytes,
        "cd_proof_bytes": cd_bytes,
        "weights_digest": bytes.fromhex(digest_of(encode_weights(weights))),
    }
    found = {name: getattr(terms, name) for name in expected}
    expected["members"], found["members"] = key.parties, parties
    for name, value in expected.items():
        got: object = found[name].lower() if isinstance(found[name], str) else found[name]
        if got != value:
            raise IntegrityError(
                f"the group's {name} does not fit its key and agreement",
                expected=_shown(value),
                got=_shown(got),
                hint="Do not join: an honest member would lose its deposit.",
            )


def _shown(value: object) -> object:
    return value.hex() if isinstance(value, bytes) else value
