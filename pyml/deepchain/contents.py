"""The bytes behind what members and leaders post: numbers end to end, then the proof. Reading them finds the faults.

    gradients  ciphertexts (2W bytes each) ‖ Proof_PK      content digest SHA-256, vector root, keccak256(proof)
    shares     shares (W bytes each) ‖ Proof_CD
    aggregate  ciphertexts

``examine_gradients`` and ``examine_shares`` say which of the contract's remedies a submission calls for. Their verdict
depends on public numbers only, so that everybody comes to the same one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from eth_utils.crypto import keccak

from pyml.crypto.big_integers import common_divisor, products, read_big
from pyml.crypto.merkle import MerkleTree
from pyml.crypto.proof_cd import ProofCD, decode_cd, encode_cd, r_bytes, verify_cd
from pyml.crypto.proof_pk import ProofPK, decode_pk, encode_pk, vector_root, verify_pk, z2_bytes
from pyml.crypto.threshold_key_codec import key_tree
from pyml.crypto.threshold_paillier import ThresholdKey
from pyml.deepchain.records import Element, Subject, Submission
from pyml.deepchain.trace_programs import key_numbers
from pyml.errors import InputError, IntegrityError, ResourceError
from pyml.store.blobs import BlobStore


class Remedy(Enum):
    """What a challenger does about a submission."""

    NONE = "none"
    DEMAND = "demand"
    """Its bytes are not there, or are not those behind the roots."""
    ELEMENT = "element"
    """A number is not reduced or not invertible."""
    PROOF_FORM = "proof form"
    """The proof has the wrong length or numbers out of range."""
    DISPUTE = "dispute"
    """The proof is false."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A remedy, the numbers that were read, and the place of a bad one."""

    remedy: Remedy
    numbers: tuple[int, ...] = ()
    proof: ProofPK | ProofCD | None = None
    place: int = 0


@dataclass(frozen=True, slots=True)
class Content:
    """What is stored as one blob."""

    data: bytes
    numbers_bytes: int

    @property
    def proof(self) -> bytes:
        """What follows the numbers."""
        return self.data[self.numbers_bytes :]

    def submission(self, root: bytes, digest: bytes) -> Submission:
        """What is posted of it; ``digest`` is the blob's."""
        return Submission(root, keccak(self.proof), digest)


def gradients_content(key: ThresholdKey, ciphertexts: Sequence[int], proof: ProofPK) -> Content:
    """Ciphertexts with their proof."""
    numbers = key.public.encode(ciphertexts)
    return Content(numbers + encode_pk(key.public, proof), len(numbers))


def shares_content(key: ThresholdKey, partials: Sequence[int], proof: ProofCD) -> Content:
    """Shares with their proof."""
    numbers = b"".join(int(each).to_bytes(key.public.width, "big") for each in partials)
    return Content(numbers + encode_cd(key, proof), len(numbers))


def post(blobs: BlobStore, key: ThresholdKey, content: Content, numbers: Sequence[int]) -> Submission:
    """Store a content and say what is to be posted of it."""
    digest = bytes.fromhex(blobs.put(content.data))
    return content.submission(vector_root(key.public, numbers), digest)


def proof_bytes(key: ThresholdKey) -> tuple[int, int]:
    """Lengths of a Proof_PK and of a Proof_CD under this key: what a group's terms say."""
    return key.public.residue_bytes + key.public.width + z2_bytes(key.public), 2 * key.public.width + r_bytes(key)


def element_bytes(key: ThresholdKey, subject: Subject) -> int:
    """Width of one number as it is stored; a leaf of a tree is always ``residue_bytes`` wide."""
    return key.public.width if subject is Subject.SHARES else key.public.residue_bytes


def read_content(blobs: BlobStore, digest: bytes, size: int) -> bytes | None:
    """A blob of this size; ``None`` if it is absent, damaged or of another size."""
    try:
        data = blobs.get(digest, max_bytes=size)
    except (InputError, IntegrityError, ResourceError):
        return None
    return data if len(data) == size else None


def examine_gradients(
    blobs: BlobStore, key: ThresholdKey, submission: Submission, count: int, *, context: bytes
) -> Finding:
    """What is wrong with a member's gradients, if anything."""
    proof_size, _ = proof_bytes(key)
    read = _read(blobs, key, submission, count, Subject.GRADIENTS, proof_size)
    if isinstance(read, Finding):
        return read
    numbers, proof_data = read
    try:
        proof = decode_pk(key.public, proof_data)
    except InputError:
        return Finding(Remedy.PROOF_FORM, numbers)
    holds = verify_pk(key, numbers, proof, context=context)
    return Finding(Remedy.NONE if holds else Remedy.DISPUTE, numbers, proof)


def examine_shares(
    blobs: BlobStore,
    key: ThresholdKey,
    submission: Submission,
    index: int,
    ciphertexts: Sequence[int],
    *,
    context: bytes,
) -> Finding:
    """What is wrong with the shares of the member with key share ``index``, if anything."""
    _, proof_size = proof_bytes(key)
    read = _read(blobs, key, submission, len(ciphertexts), Subject.SHARES, proof_size)
    if isinstance(read, Finding):
        return read
    numbers, proof_data = read
    try:
        proof = decode_cd(key, proof_data)
    except InputError:
        return Finding(Remedy.PROOF_FORM, numbers)
    holds = verify_cd(key, index, ciphertexts, numbers, proof, context=context)
    return Finding(Remedy.NONE if holds else Remedy.DISPUTE, numbers, proof)


def read_ciphertexts(blobs: BlobStore, key: ThresholdKey, submission: Submission, count: int) -> tuple[int, ...] | None:
    """A member's ciphertexts, invertible and under the root that it posted; ``None`` if they cannot be had."""
    proof_size, _ = proof_bytes(key)
    read = _read(blobs, key, submission, count, Subject.GRADIENTS, proof_size)
    return None if isinstance(read, Finding) else read[0]


def read_shares(blobs: BlobStore, key: ThresholdKey, submission: Submission, count: int) -> tuple[int, ...] | None:
    """A member's shares, invertible and under the root that it posted; ``None`` if they cannot be had."""
    _, proof_size = proof_bytes(key)
    read = _read(blobs, key, submission, count, Subject.SHARES, proof_size)
    return None if isinstance(read, Finding) else read[0]


def posted_proof(
    blobs: BlobStore, key: ThresholdKey, submission: Submission, count: int, subject: Subject
) -> bytes | None:
    """The proof behind a submission, as it was posted; ``None`` if it cannot be had."""
    numbers_size = count * element_bytes(key, subject)
    limit = numbers_size + 2 * max(proof_bytes(key))
    try:
        data = blobs.get(submission.content_digest, max_bytes=limit)
    except (InputError, IntegrityError, ResourceError):
        return None
    return data[numbers_size:] if keccak(data[numbers_size:]) == submission.proof_digest else None


def key_element(key: ThresholdKey, place: int) -> Element:
    """A number of the key with its path."""
    return Element(key.public.residue(key_numbers(key)[place]), key_tree(key).path(place))


def multiply(key: ThresholdKey, vectors: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """The aggregate: ∏ C_(j,k) modulo n², for each k."""
    return tuple(products([list(vector) for vector in vectors], key.public.n_squared))


def number_tree(key: ThresholdKey, numbers: Sequence[int]) -> MerkleTree:
    """The tree whose root was posted, for paths."""
    return MerkleTree.of([key.public.residue(number) for number in numbers])


def read_numbers(key: ThresholdKey, data: bytes, count: int, subject: Subject) -> tuple[int, ...]:
    """The numbers at the beginning of a content, unchecked."""
    width = element_bytes(key, subject)
    return tuple(read_big(data[place * width : (place + 1) * width]) for place in range(count))


def first_bad(key: ThresholdKey, numbers: Sequence[int], subject: Subject) -> int | None:
    """The place of the first number that is not below its modulus, or has no inverse."""
    modulus = key.public.n if subject is Subject.SHARES else key.public.n_squared
    bad = (
        place
        for place, number in enumerate(numbers)
        if not 0 < number < modulus or common_divisor(number, key.public.n) != 1
    )
    return next(bad, None)


def _read(
    blobs: BlobStore, key: ThresholdKey, submission: Submission, count: int, subject: Subject, proof_size: int
) -> tuple[tuple[int, ...], bytes] | Finding:
    numbers_size = count * element_bytes(key, subject)
    data = read_content(blobs, submission.content_digest, numbers_size + proof_size)
    if data is None:
        return Finding(Remedy.DEMAND)
    numbers, proof = read_numbers(key, data, count, subject), data[numbers_size:]
    if vector_root(key.public, numbers) != submission.vector_root or keccak(proof) != submission.proof_digest:
        return Finding(Remedy.DEMAND)
    place = first_bad(key, numbers, subject)
    return (numbers, proof) if place is None else Finding(Remedy.ELEMENT, numbers, place=place)
