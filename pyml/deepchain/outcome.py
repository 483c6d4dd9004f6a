"""From what is posted in a round to the next weights: the same for every member, bit for bit.

Source: DeepChain, section 4.2.4, the update rule, with the division after decryption (``fixed_point``). Shares are
taken as they come and the opening is checked; only where it fails are proofs looked at, and false shares left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from pyml.crypto.threshold_paillier import ThresholdKey, combine_roots
from pyml.deepchain.agreement import Agreement
from pyml.deepchain.averaging import next_weights
from pyml.deepchain.contents import Remedy, examine_shares, read_shares
from pyml.deepchain.cores import Cores
from pyml.deepchain.local_training import Weights
from pyml.deepchain.packing import Packing
from pyml.deepchain.shared_opening import open_together
from pyml.deepchain.view import RoundRecord
from pyml.errors import InputError, IntegrityError
from pyml.store.blobs import BlobStore


def packing_for(agreement: Agreement, key: ThresholdKey) -> Packing:
    """How updates of this group are packed."""
    return Packing(agreement.bits, key.parties, key.public.n.bit_length())


def decrypt(
    blobs: BlobStore,
    key: ThresholdKey,
    record: RoundRecord,
    aggregate: Sequence[int],
    contexts: Mapping[int, bytes],
    *,
    cores: Cores,
    first: int = 0,
) -> list[int] | None:
    """Plaintexts of the aggregate from the shares that were posted; ``None`` while there are not enough true ones.

    ``contexts`` are those of the parties' proofs in this run, by place among the members. Members share the work
    (``shared_opening``): ``first`` is the part to begin with.
    """
    open_ = partial(open_together, key, aggregate, hints=blobs.hints, first=first, list_power=cores.powers)
    posted = {party: read_shares(blobs, key, each, len(aggregate)) for party, each in sorted(record.shares.items())}
    rows = {party + 1: numbers for party, numbers in posted.items() if numbers is not None}
    if len(rows) < key.threshold:
        return None
    try:
        return open_(combine_roots(key, rows))
    except IntegrityError:  # at least one is false: look at the proofs
        for index in list(rows):
            submission, context = record.shares[index - 1], contexts[index - 1]
            finding = examine_shares(blobs, key, submission, index, aggregate, context=context)
            if finding.remedy is not Remedy.NONE:
                del rows[index]
    return None if len(rows) < key.threshold else open_(combine_roots(key, rows))


def weights_after(
    weights: Weights, plaintexts: Sequence[int], count: int, agreement: Agreement, key: ThresholdKey
) -> Weights:
    """The next weights; the same weights again where the sums show that somebody encrypted values out of range."""
    try:
        sums = packing_for(agreement, key).unpack(plaintexts, length=len(weights))
        return next_weights(weights, sums, count, agreement.encoding)
    except (IntegrityError, InputError):
        return weights
