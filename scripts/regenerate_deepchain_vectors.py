"""Write tests/vectors/deepchain_{paillier,proofs,trace,assets}.json anew, after a change of formats or programs.

    python scripts/regenerate_deepchain_vectors.py        some seconds

All are read by pytest and by forge, so that Python and Solidity answer the same questions. Keys are made of published
primes, tests/vectors/deepchain_primes.json, and all randomness is a hash of a counter: for tests and nothing else.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from pyml.crypto.big_integers import products
from pyml.crypto.challenges import challenges
from pyml.crypto.merkle import MerkleTree
from pyml.crypto.paillier import Encrypted, Encryptor
from pyml.crypto.proof_cd import ProofCD, cd_batch, cd_challenge, encode_cd, prove_cd
from pyml.crypto.proof_pk import ProofPK, encode_pk, pk_seed, prove_pk, vector_root
from pyml.crypto.threshold_key_codec import encode_key, encode_share, key_tree
from pyml.crypto.threshold_paillier import (
    KeyShare,
    Opening,
    ThresholdKey,
    combine_roots,
    deal,
    open_ciphertexts,
    partial_decryptions,
)
from pyml.deepchain.assets import (
    answer_challenge,
    block_point,
    draw_challenge,
    pairing_points,
    state_asset,
)
from pyml.deepchain.context import Context
from pyml.deepchain.trace import Kind, Origin, Program, Step, Trace, justify, run
from pyml.deepchain.trace_programs import (
    cd_program,
    key_numbers,
    modulus_place,
    pk_program,
    result_leaves,
    result_program,
)
from pyml.errors import PymlError
from pyml.files import write_atomically

FOLDER: Final = Path(__file__).parents[1] / "tests" / "vectors"
COMMENT: Final = (
    "Made by scripts/regenerate_deepchain_vectors.py. Numbers are hexadecimal bytes, residues in twice W bytes."
)


@dataclass(frozen=True)
class Group:
    """A session with its key, in which some parties encrypt and decrypt once."""

    name: str
    key: ThresholdKey
    shares: list[KeyShare]
    plaintexts: list[list[int]]
    encrypted: list[Encrypted]
    aggregate: list[int]
    partials: dict[int, list[int]]
    openings: list[Opening]
    random: Callable[[int], int]

    def hex(self, number: int) -> str:
        return _hex(self.key.public.residue(number))

    def context(self, party: int) -> Context:
        return Context(
            chain_id=31337,
            contract=keccak(text="pyml.deepchain.vectors.contract")[:20],
            session=keccak(text=f"session {self.name}"),
            round=7,
            party=keccak(text=f"party {party}")[:20],
            seed=keccak(text="seed of round 7"),
        )

    def proof_pk(self, party: int) -> ProofPK:
        digest = self.context(party).digest
        row = self.encrypted[party - 1]
        return prove_pk(self.key, row, self.plaintexts[party - 1], context=digest, random_bits=self.random)

    def proof_cd(self, party: int) -> ProofCD:
        share, row = self.shares[party - 1], self.partials[party]
        digest = self.context(party).digest
        return prove_cd(self.key, share, self.aggregate, row, context=digest, random_bits=self.random)


def main() -> None:
    """Compute and write."""
    parser = argparse.ArgumentParser(description="Write the ciphertexts, proofs, traces and assets that tests share.")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="default: where the tests read")
    folder: Path = parser.parse_args().folder
    try:
        groups = make_groups()
        contents = {
            "paillier": [paillier_case(group) for group in groups],
            "proofs": [case for group in groups for case in proof_cases(group)],
            "trace": [case for group in groups for case in trace_cases(group)],
            "assets": asset_cases(),
        }
        for name, cases in contents.items():
            path = folder / f"deepchain_{name}.json"
            content = {"comment": COMMENT, "count": len(cases), "cases": cases}
            write_atomically(path, json.dumps(content, indent=1).encode() + b"\n")
            print(f"{path}: {path.stat().st_size} bytes")
    except PymlError as error:
        sys.exit(f"regenerate_deepchain_vectors: {error}")


def make_groups() -> list[Group]:
    """An insecure key for speed, and a key of the default length with which gas is measured."""
    return [_group("insecure-1024", 512, 4, 3, 3), _group("published-2048", 1024, 10, 6, 2)]


def _group(name: str, prime_bits: int, parties: int, threshold: int, count: int) -> Group:
    stored = json.loads((FOLDER / "deepchain_primes.json").read_text(encoding="utf-8"))["primes"]
    p, q = (int(text, 16) for text in stored[str(prime_bits)])
    random = _stream(name)
    key, shares = deal(
        p,
        q,
        parties=parties,
        threshold=threshold,
        exponent_bits=448,
        insecure=prime_bits == 512,
        random_bits=random,
    )
    encryptor = Encryptor(key.public, random_bits=random)
    room = key.public.n.bit_length() - 8
    plaintexts = [[random(room) for _ in range(count)] for _ in range(parties)]
    encrypted = [encryptor.encrypt(row) for row in plaintexts]
    aggregate = products([row.ciphertexts for row in encrypted], key.public.n_squared)
    partials = {
        share.index: [int(x) for x in partial_decryptions(key, share, aggregate)] for share in shares[:threshold]
    }
    openings = open_ciphertexts(key, aggregate, combine_roots(key, partials))
    plain = [Opening(int(opening.plaintext), int(opening.root)) for opening in openings]
    return Group(name, key, shares, plaintexts, encrypted, [int(x) for x in aggregate], partials, plain, random)


def paillier_case(group: Group) -> dict[str, Any]:
    """Keys, ciphertexts, their product, shares, openings, and the paths of all of them."""
    key = group.key
    return {
        "id": group.name,
        "comment": "a group that encrypts, adds and decrypts once",
        "flags": ["published primes"],
        "modulusBytes": key.public.width,
        "parties": key.parties,
        "threshold": key.threshold,
        "key": _hex(encode_key(key)),
        "keyShare": _hex(encode_share(key, group.shares[0])),
        "keyRoot": _hex(key_tree(key).root),
        "keyNumbers": [group.hex(number) for number in key_numbers(key)],
        "keyPaths": [[_hex(node) for node in key_tree(key).path(place)] for place in range(5 + key.parties)],
        "plaintexts": [[group.hex(number) for number in row] for row in group.plaintexts],
        "exponents": [[hex(number) for number in row.exponents] for row in group.encrypted],
        "vectors": [_tree(group, row.ciphertexts) for row in group.encrypted],
        "aggregate": _tree(group, group.aggregate),
        "shares": [_tree(group, row) for row in group.partials.values()],
        "result": _tree(group, result_leaves(group.openings)),
    }


def proof_cases(group: Group) -> Iterator[dict[str, Any]]:
    """Both proofs, and the same for another round, another vector, another party."""
    first, second = group.proof_pk(1), group.proof_cd(2)
    yield _pk_case(group, "pk", first, group.context(1), 1, result=True)
    yield _pk_case(group, "pk replayed by another party", first, group.context(2), 1, result=False)
    yield _pk_case(group, "pk with another vector", first, group.context(1), 2, result=False)
    yield _cd_case(group, "cd", second, group.context(2), 2, result=True)
    yield _cd_case(group, "cd replayed by another party", second, group.context(1), 2, result=False)


def _pk_case(group: Group, name: str, proof: ProofPK, context: Context, vector: int, *, result: bool) -> dict[str, Any]:
    key, row = group.key, group.encrypted[vector - 1].ciphertexts
    seed = pk_seed(key, context.digest, vector_root(key.public, row), len(row), proof.a)
    return {
        **_common(group, name, context, result=result),
        "kind": "pk",
        "vector": vector,
        "root": _hex(vector_root(key.public, row)),
        "elements": len(row),
        "proof": _hex(encode_pk(key.public, proof)),
        "seed": _hex(seed),
        "challenges": [hex(number) for number in challenges(seed, len(row))],
    }


def _cd_case(group: Group, name: str, proof: ProofCD, context: Context, party: int, *, result: bool) -> dict[str, Any]:
    key, row = group.key, group.partials[party]
    batch = cd_batch(key, party, group.aggregate, row, context=context.digest)
    return {
        **_common(group, name, context, result=result),
        "kind": "cd",
        "index": party,
        "aggregateRoot": _hex(vector_root(key.public, group.aggregate)),
        "root": _hex(vector_root(key.public, row)),
        "elements": len(row),
        "proof": _hex(encode_cd(key, proof)),
        "seed": _hex(batch),
        "challenges": [hex(number) for number in challenges(batch, len(row))],
        "challenge": hex(cd_challenge(key, batch, proof.a, proof.b)),
    }


def _common(group: Group, name: str, context: Context, *, result: bool) -> dict[str, Any]:
    return {
        "id": f"{group.name} {name}",
        "group": group.name,
        "keyRoot": _hex(key_tree(group.key).root),
        "context": _context(context),
        "contextDigest": _hex(context.digest),
        "flags": [],
        "result": result,
    }


def trace_cases(group: Group) -> Iterator[dict[str, Any]]:
    """True and false statements of each kind, with the steps at every turn of the program."""
    key, context, other = group.key, group.context(1).digest, group.context(3).digest
    row, proof = group.encrypted[0].ciphertexts, group.proof_pk(1)
    trees = {Origin.VECTOR: row, Origin.KEY: key_numbers(key)}
    encoded = encode_pk(key.public, proof)
    yield _trace_case(group, "pk", pk_program(key, row, proof, context=context), trees, encoded)
    yield _trace_case(group, "pk replayed", pk_program(key, row, proof, context=other), trees, encoded)
    shares, cd = group.partials[2], group.proof_cd(2)
    context, encoded = group.context(2).digest, encode_cd(key, cd)
    trees = {Origin.AGGREGATE: group.aggregate, Origin.SHARE: shares, Origin.KEY: key_numbers(key)}
    program = cd_program(key, 2, group.aggregate, shares, cd, context=context)
    yield _trace_case(group, "cd", program, trees, encoded)
    program = cd_program(key, 2, group.aggregate, shares, cd, context=other)
    yield _trace_case(group, "cd replayed", program, trees, encoded)
    false = [group.openings[0], Opening(group.openings[1].plaintext ^ 1, group.openings[1].root), *group.openings[2:]]
    for name, openings in (("result", group.openings), ("result false", false)):
        trees = {
            Origin.AGGREGATE: group.aggregate,
            Origin.RESULT: result_leaves(openings),
            Origin.KEY: key_numbers(key),
        }
        yield _trace_case(group, name, result_program(key, 1, group.aggregate, openings), trees, b"")


def _trace_case(
    group: Group, name: str, program: Program, trees: Mapping[Origin, Sequence[int]], proof: bytes
) -> dict[str, Any]:
    trace = run(program)
    return {
        "id": f"{group.name} {name}",
        "group": group.name,
        "kind": name.split()[0],
        "flags": [],
        "proof": _hex(proof),
        "modulus": group.hex(program.modulus),
        "modulusPlace": modulus_place(program.modulus, group.key),
        "length": program.length,
        "depth": program.depth,
        "root": _hex(trace.root),
        "result": trace.failed is None,
        "failed": program.length if trace.failed is None else trace.failed,
        "steps": [_step(group, trace, trees, place) for place in _turns(program, true=trace.failed is None)],
    }


def _turns(program: Program, *, true: bool) -> list[int]:
    """The first step of each kind and origin in each segment, some by lot, one of the padding."""
    places: dict[tuple[int, Kind, Origin], int] = {}
    start = 0
    for number, segment in enumerate(program.segments):
        for place in range(segment.length):
            step = segment.step(place)
            places.setdefault((number, step.kind, step.source.origin), start + place)
        start += segment.length
    if not true:
        return [place for (_, kind, _), place in places.items() if kind is Kind.EQUAL]
    drawn = {int.from_bytes(keccak(text=f"step {i}")[:4], "big") % program.length for i in range(4)}
    return sorted({*places.values(), *drawn, (1 << program.depth) - 2})


def _step(group: Group, trace: Trace, trees: Mapping[Origin, Sequence[int]], place: int) -> dict[str, Any]:
    step: Step = trace.program.step(place)
    shown = justify(trace, place)
    origin = step.source.origin
    tree = trees.get(origin)
    path = () if tree is None else MerkleTree.of([group.key.public.residue(x) for x in tree]).path(step.source.place)
    return {
        "place": place,
        "kind": int(step.kind),
        "origin": int(origin),
        "source": step.source.place,
        "before": group.hex(shown.before),
        "after": group.hex(shown.after),
        "operand": group.hex(shown.operand),
        "path": [_hex(node) for node in shown.path],
        "operandPath": [_hex(node) for node in (shown.state_path if origin is Origin.STATE else path)],
        "holds": step.kind is not Kind.EQUAL or shown.before == shown.operand,
    }


def asset_cases() -> list[dict[str, Any]]:
    """Assets of different size, a right answer, and wrong ones."""
    cases: list[dict[str, Any]] = []
    for count in (1, 2, 5):
        blind = keccak(text=f"blind {count}")
        blocks = [keccak(text=f"block {place} of {count}") * (place + 1) for place in range(count)]
        owner = keccak(text=f"owner {count}")[:20]
        statement = state_asset(blocks, blind, owner=owner)
        seed = keccak(text=f"audit {count}")
        challenge = draw_challenge(seed, blocks=count, count=3)
        answer = answer_challenge(statement, blocks, blind, challenge)
        points = pairing_points(statement.key, owner, statement.tree.root, answer, challenge, blocks=count)
        if points is None or points[0] is None or points[1] is None:
            raise PymlError("an asset vector degenerates")
        cases.append(
            {
                "id": f"{count} blocks",
                "flags": [],
                "blind": _hex(blind),
                "blocks": [_hex(block) for block in blocks],
                "owner": to_checksum_address(owner),
                "key": _hex(statement.key.encode()),
                "points": [_hex(block_point(statement.key, owner, place).encode()) for place in range(count)],
                "tags": [_hex(tag.encode()) for tag in statement.tags],
                "tagRoot": _hex(statement.tree.root),
                "seed": _hex(seed),
                "places": [place for place, _ in challenge],
                "factors": [hex(factor) for _, factor in challenge],
                "mu": hex(answer.mu),
                "answerTags": [_hex(tag.encode()) for tag in answer.tags],
                "hints": [list(map(hex, hint)) for hint in answer.hints],
                "paths": [[_hex(node) for node in path] for path in answer.paths],
                "left": _hex(points[0].encode()),
                "right": _hex(points[1].encode()),
                "result": True,
                "falseMu": hex(answer.mu ^ 1),
            }
        )
    return cases


def _tree(group: Group, numbers: Sequence[int]) -> dict[str, Any]:
    tree = MerkleTree.of([group.key.public.residue(number) for number in numbers])
    return {
        "root": _hex(tree.root),
        "leaves": [group.hex(number) for number in numbers],
        "paths": [[_hex(node) for node in tree.path(place)] for place in range(len(numbers))],
    }


def _context(context: Context) -> dict[str, Any]:
    return {
        "chainId": context.chain_id,
        "contract": to_checksum_address(context.contract),
        "session": _hex(context.session),
        "round": context.round,
        "party": to_checksum_address(context.party),
        "index": context.index,
        "seed": _hex(context.seed),
    }


def _stream(name: str) -> Callable[[int], int]:
    """Bits from a hash of a counter: the same in each run."""
    counter = 0

    def random_bits(bits: int) -> int:
        nonlocal counter
        words: list[bytes] = []
        for _ in range(-(-bits // 256)):
            words.append(keccak(text=f"{name} {counter}"))
            counter += 1
        return int.from_bytes(b"".join(words), "big") >> (256 * len(words) - bits)

    return random_bits


def _hex(data: bytes) -> str:
    return "0x" + data.hex()


if __name__ == "__main__":
    main()
