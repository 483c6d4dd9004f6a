"""Between things and keys: features for ``vault``, and what a vault's entropy is used for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from pyml.crypto.secp256k1 import SigningKey
from pyml.keys import hd
from pyml.keys.addresses import ethereum, p2pkh, p2wpkh
from pyml.keys.domains import Domain
from pyml.keys.vault import EmbedderId
from pyml.ml.embedders.protocol import Embedder
from pyml.store.keystore import Secret

ENCRYPTION_PATH = "m/1348029772'/0'/0'"
"""Of pyml's own (its number is "PYML" in ASCII): a key that signs is not one that decrypts."""
FILE_CONTEXT = b"pyml keys file v1"
Item = TypeVar("Item")


def identity(domain: Domain[Item], embedder: Embedder[Item]) -> EmbedderId:
    """As helper files name it."""
    return EmbedderId(embedder.name, embedder.digest, domain.noun)


def features(embedder: Embedder[Item], items: Sequence[Item]) -> list[NDArray[np.int64]]:
    """One vector an item, for ``vault.recover``."""
    return list(embedder.embed(items)) if items else []


def features_of_views(domain: Domain[Item], embedder: Embedder[Item], item: Item) -> NDArray[np.int64]:
    """[views, dimensions] of an item and its edits, for ``vault.enrol``."""
    return embedder.embed(domain.views(item))


def encryption_key(entropy: Secret) -> SigningKey:
    """The key that files are encrypted to."""
    return hd.key_at(entropy, ENCRYPTION_PATH)


def addresses(entropy: Secret) -> dict[str, str]:
    """What may be shown of a wallet: its first addresses, and the public key for encryption."""
    bitcoin, segwit = (hd.key_at(entropy, path) for path in (hd.BITCOIN_PATH, hd.BITCOIN_SEGWIT_PATH))
    return {
        "ethereum": ethereum(hd.key_at(entropy, hd.ETHEREUM_PATH).public),
        "bitcoin": p2pkh(bitcoin.public),
        "bitcoin_segwit": p2wpkh(segwit.public),
        "encryption_key": encryption_key(entropy).public.hex(),
    }
