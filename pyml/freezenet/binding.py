"""The seed of a v1 watermark: who trains what, when and where, and nothing that a miner could vary.

Source: specification, section 1.2:

    keccak256(abi.encode("freezenet/v1", chainid, contract, taskId, round, beacon, miner, L, architectureHash))

The paper hashes a block (section 3.1) down to 32 bits, so that a bank of old models answers some nonce in seconds. Here
the beacon is the hash of the round's opening block, there is no nonce, and nothing is cut off: a miner has one seed a
round, and another miner's solution does not fit it. ``contracts/freezenet/Watermark.sol`` is the twin of this module.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from eth_abi.abi import encode
from eth_utils.address import is_checksum_address
from eth_utils.crypto import keccak

from pyml.errors import InputError
from pyml.freezenet.counters import TENSOR_SPACE, require_seed, word

SEED_DOMAIN: Final = "freezenet/v1"
MAX_TENSORS: Final = 1 << 64

_KINDS: Final = ("string", "uint256", "address", "uint256", "uint256", "bytes32", "address", "uint256", "bytes32")


@dataclass(frozen=True, slots=True)
class SeedContext:
    """What a seed is bound to; addresses are in EIP-55 form.

    ``length`` is L, the number of watermark codes in all tensors together; ``beacon`` the hash of the round's opening
    block.
    """

    chain_id: int
    contract: str
    task_id: int
    round: int
    beacon: bytes
    miner: str
    length: int
    architecture_hash: bytes

    def __post_init__(self) -> None:
        for name in ("chain_id", "task_id", "round", "length"):
            value = getattr(self, name)
            if type(value) is not int or not 0 <= value < 2**256:
                raise InputError(f"the seed's {name} is not a 256-bit number", got=value)
        for name in ("contract", "miner"):
            address = getattr(self, name)
            if not is_checksum_address(address):
                raise InputError(f"the seed's {name} is not an EIP-55 address", got=str(address)[:80])
        for name in ("beacon", "architecture_hash"):
            digest = getattr(self, name)
            if type(digest) is not bytes or len(digest) != 32:
                raise InputError(f"the seed's {name} is not 32 bytes", got=digest)

    @property
    def seed(self) -> bytes:
        """The 32 bytes that positions and codes are drawn from."""
        values = [
            SEED_DOMAIN,
            self.chain_id,
            self.contract,
            self.task_id,
            self.round,
            self.beacon,
            self.miner,
            self.length,
            self.architecture_hash,
        ]
        return keccak(encode(_KINDS, values))


def tensor_seed(seed: bytes, tensor: int) -> bytes:
    """The seed of one tensor, counted from zero: each has a permutation and codes of its own."""
    require_seed(seed)
    if type(tensor) is not int or not 0 <= tensor < MAX_TENSORS:
        raise InputError("a tensor's number is out of range", expected=f"0 to {MAX_TENSORS - 1}", got=tensor)
    return word(seed, TENSOR_SPACE | tensor)
