"""Attacks on keys from embeddings, run for their figures: what holds, what falls, and after how much work.

The ceiling of them all: a public picture is no secret. What is left then is the password, log2 of the pictures that an
attacker must consider, and the cost of scrypt for each guess.
"""

from __future__ import annotations

import secrets
from typing import Final

from pyml.keys.vault import PASSWORD_BYTES
from pyml.store.keystore import Secret

CEILING: Final = (
    "A public picture is no secret: security = password + log2(pictures to consider) + cost of scrypt for each guess."
)
"""To be shown with every attack."""


def drawn_password() -> Secret:
    """For a vault that is made to be attacked; it is not kept."""
    return Secret(secrets.token_hex(2 * PASSWORD_BYTES).encode())
