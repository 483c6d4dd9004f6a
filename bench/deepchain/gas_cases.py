"""What is sent to the deepchain contracts for one figure each; ``gas_group`` has the group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from eth_utils.crypto import keccak

from bench.deepchain.gas_group import PARTIES, WINDOWS, GasGroup
from bench.measuring.record import ROOT
from pyml.chain.artifacts import load_artifact
from pyml.chain.build import compile_sources
from pyml.chain.contract import Contract, deploy
from pyml.chain.solc import DEFAULT_SETTINGS, Solc
from pyml.chain.sources import read_with_imports
from pyml.crypto.proof_cd import prove_cd
from pyml.crypto.threshold_key_codec import N_PLACE, N_SQUARED_PLACE
from pyml.crypto.threshold_paillier import partial_decryptions
from pyml.deepchain.accused import descendants, justification
from pyml.deepchain.assets import answer_challenge, state_asset
from pyml.deepchain.contents import Finding, Remedy, key_element, number_tree, shares_content
from pyml.deepchain.records import Factor, Fault, Subject, Submission, Turn
from pyml.deepchain.statement import Statement
from pyml.deepchain.trace import Trace, run
from pyml.errors import PymlError

ROUNDS: Final = 3
ASSET_BLOCKS: Final = 256
HARNESS: Final = "tests/contracts/deepchain/ArithmeticHarness.sol"


def measure_rounds(group: GasGroup) -> dict[str, int]:
    """Rounds without a fault: the first fills new storage, the others write over it. Then one with a new deposit."""
    group.open(2, ROUNDS + 2)
    for number in range(ROUNDS):
        kind = "first" if number == 0 else "later"
        for place in range(PARTIES):
            group.submit(place, _some(f"gradients {number} {place}"), f"submit_{kind}")
        group.collect()
        group.update(keccak(text=f"aggregate {number}"))
        group.agree()
        for place in range(PARTIES):
            group.share(place, _some(f"shares {number} {place}"), f"shares_{kind}")
        group.settle()
    late = PARTIES - 1
    for number in (ROUNDS, ROUNDS + 1):
        for place in range(PARTIES):
            if number != ROUNDS or place != late:
                group.submit(place, _some(f"gradients {number} {place}"), "submit_after_a_fault")
        if number == ROUNDS:
            group.collect()
            group.update(keccak(text="aggregate"))
            group.agree()
            for place in range(PARTIES - 1):
                group.share(place, _some(f"shares {place}"), "shares_after_a_fault")
            group.settle("settle_after_a_fault")
    used = group.meter.used
    steps = ("collect", "update", "lodge", "append", "settle")
    dear, common = (sum(max(used[name][part]) for name in steps) for part in (slice(1), slice(1, ROUNDS)))
    first = max(used["submit_first"]) + max(used["shares_first"])
    later = max(used["submit_later"]) + max(used["shares_later"])
    return {
        "submit_first_round": max(used["submit_first"]),
        "submit_later_round": max(used["submit_later"]),
        "submit_with_deposit": max(used["submit_after_a_fault"]),
        "join_with_deposit_first": used["join"][0],
        "join_with_deposit": max(used["join"][1:PARTIES]),
        "shares_first_round": max(used["shares_first"]),
        "shares_later_round": max(used["shares_later"]),
        **{f"{name}_first_round": used[name][0] for name in steps},
        **{f"{name}_later_round": max(used[name][1:ROUNDS]) for name in steps},
        "party_own_first_round": first,
        "party_own_later_round": later,
        "party_round_all_transactions": later + common // PARTIES,
        "party_first_round_all_transactions": first + dear // PARTIES,
    }


def measure_disputes(group: GasGroup, count: int) -> dict[str, Any]:
    """Everything that can be held against a member or a leader, with vectors of this length."""
    group.open(count, 3)
    vectors = [group.encrypt(place, count) for place in range(PARTIES)]
    plain = [int.from_bytes(keccak(b"%d %d" % (0, k)), "big") for k in range(count)]
    honest, proof = group.gradients(0, vectors[0], plain)
    posted = [honest, *(_rooted(group, vector.ciphertexts) for vector in vectors[1:])]
    for place, submission in enumerate(posted):
        group.submit(place, submission, f"submit_{count}")
    result: dict[str, Any] = {"submit": max(group.meter.used[f"submit_{count}"])}
    statement = Statement(
        group.key, Subject.GRADIENTS, 0, honest, Finding(Remedy.NONE, tuple(vectors[0].ciphertexts), proof), (),
        group.context(0),
    )  # fmt: skip
    trace = run(statement.program())
    result["pk_trace_steps"] = trace.program.length
    result["pk_justified"] = _dispute(group, statement, trace, f"pk_{count}")
    result["demand_served"] = _demand(group, posted[1], vectors[1].ciphertexts)
    group.collect()
    result |= _aggregate(group, vectors, posted)
    result |= _disputed_shares(group, group.aggregate(vectors), count)
    group.settle()
    result |= _faults(group, vectors[0].ciphertexts, count)
    return result


def _dispute(group: GasGroup, statement: Statement, trace: Trace, name: str) -> dict[str, int]:
    """All turns, down to a step with an operand, which the member justifies. The challenger descends as if the state
    behind the step were the first that differs."""
    disputes, meter, member = group.contracts.disputes, group.meter, group.parties[statement.party]
    number, target = int(disputes.call("disputeCount")), _dearest_step(trace)
    meter(f"{name}_open", disputes.dispute(group.number, statement.party, statement.subject, account=group.challenger))
    meter(f"{name}_turn", disputes.trace(number, trace.root, account=member))
    nodes, child = [trace.root], 0
    while True:
        meter(f"{name}_turn", disputes.descend(number, nodes, child, account=group.challenger))
        found = disputes.dispute_of(number)
        if found.turn is not Turn.OPEN:
            break
        levels = found.levels
        nodes = descendants(trace, found.depth, found.position, levels)
        child = (target + 1 >> trace.program.depth - found.depth - levels) - (found.position << levels)
        meter(f"{name}_turn", disputes.open(number, nodes, account=member))
    shown = justification(statement, trace, target)
    meter(f"{name}_justify", disputes.justify(number, shown, account=member))
    turns = meter.used[f"{name}_turn"]
    return {
        "turns": len(turns) + 2,
        "dearest_turn": max(turns),
        "justify": meter.total(f"{name}_justify"),
        "total": meter.total(f"{name}_open", f"{name}_turn", f"{name}_justify"),
    }


def _dearest_step(trace: Trace) -> int:
    """A product with the state behind a segment: its operand has the longest path."""
    places = range(trace.program.length - 1, -1, -1)
    return next(place for place in places if trace.program.step(place).source.origin.name == "STATE")


def _demand(group: GasGroup, submission: Submission, numbers: Sequence[int]) -> int:
    evidence, meter = group.contracts.evidence, group.meter
    number = int(evidence.call("demandCount"))
    meter("demand", evidence.demand(group.number, Subject.GRADIENTS, 1, 1, account=group.challenger))
    shown = group.element(numbers, 1)
    meter("serve", evidence.serve(number, submission, shown, account=group.parties[1]))
    return meter.used["demand"][-1] + meter.used["serve"][-1]


def _aggregate(group: GasGroup, vectors: list[Any], posted: list[Submission]) -> dict[str, int]:
    """A wrong aggregate, proved wrong; then the right one."""
    right = group.aggregate(vectors)
    wrong = [right[0], *(x + 1 for x in right[1:])]
    group.update(number_tree(group.key, wrong).root)
    factors = [Factor(place, posted[place], group.element(vectors[place].ciphertexts, 1)) for place in range(PARTIES)]
    evidence, modulus = group.contracts.evidence, key_element(group.key, N_SQUARED_PLACE)
    sent = evidence.prove_wrong_aggregate(
        group.number, 1, modulus, group.element(wrong, 1), factors, account=group.challenger
    )
    group.meter("wrong_aggregate", sent)
    group.update(number_tree(group.key, right).root)
    group.agree()
    return {"wrong_aggregate": sent.gas_used}


def _disputed_shares(group: GasGroup, aggregate: list[int], count: int) -> dict[str, Any]:
    partials = [int(x) for x in partial_decryptions(group.key, group.shares[0], aggregate)]
    context = group.context(0)
    proof = prove_cd(group.key, group.shares[0], aggregate, partials, context=context)
    content = shares_content(group.key, partials, proof)
    honest = content.submission(number_tree(group.key, partials).root, keccak(content.data))
    group.share(0, honest)
    for place in range(1, PARTIES):
        group.share(place, _some(f"shares {place}"))
    group.mine(WINDOWS[3] + WINDOWS[4])
    finding = Finding(Remedy.NONE, tuple(partials), proof)
    statement = Statement(group.key, Subject.SHARES, 0, honest, finding, tuple(aggregate), context)
    trace = run(statement.program())
    return {
        "cd_trace_steps": trace.program.length,
        "cd_justified": _dispute(group, statement, trace, f"cd_{count}"),
    }


def _faults(group: GasGroup, numbers: Sequence[int], count: int) -> dict[str, Any]:
    """A number that is not invertible, a number that is not shown, a proof that is not justified: each convicts."""
    key, evidence, meter = group.key, group.contracts.evidence, group.meter
    malformed = [0, *numbers[1:]]
    for place in range(PARTIES):
        submission = _rooted(group, malformed if place == 1 else numbers)
        group.submit(place, submission, "submit_again")
    fault = Fault(_rooted(group, malformed), key_element(key, N_PLACE), key.public.residue(1))
    shown = group.element(malformed, 0)
    sent = evidence.prove_malformed(group.number, 1, Subject.GRADIENTS, 0, shown, fault, account=group.challenger)
    meter("malformed", sent)
    number = int(evidence.call("demandCount"))
    meter("demand", evidence.demand(group.number, Subject.GRADIENTS, 2, count, account=group.challenger))
    disputes = group.contracts.disputes
    disputed = int(disputes.call("disputeCount"))
    begun = meter("dispute", disputes.dispute(group.number, 3, Subject.GRADIENTS, account=group.challenger))
    traced = meter("trace", disputes.trace(disputed, keccak(b"root"), account=group.parties[3]))
    picked = meter("pick", disputes.pick(disputed, 0, account=group.challenger))
    group.mine(30)
    ended = meter("timeout", disputes.send("claimTimeout", disputed, account=group.challenger))
    unserved = meter("unserved", evidence.send("claimUnserved", number, account=group.challenger))
    return {
        "malformed_number": sent.gas_used,
        "demand_unserved": meter.used["demand"][-1] + unserved.gas_used,
        "pk_not_justified": sum(each.gas_used for each in (begun, traced, picked, ended)),
    }


def measure_audit(group: GasGroup) -> dict[str, int]:
    """An asset of many blocks, stated and audited."""
    blind = keccak(b"blind")
    blocks = [keccak(b"block %d" % place) for place in range(ASSET_BLOCKS)]
    owner = group.parties[0]
    statement = state_asset(blocks, blind, owner=bytes.fromhex(owner.address[2:]))
    registry = Contract.at(group.client, group.assets, artifact=load_artifact("AssetRegistry"))
    key = statement.key.encode()
    words = [int.from_bytes(key[start : start + 32], "big") for start in range(0, 128, 32)]
    stated = registry.send(
        "state", ASSET_BLOCKS, 5500, statement.tree.root, words, "256 blocks of digits", account=owner
    )
    requested = registry.send("requestAudit", 0, account=group.challenger)
    group.mine(1)
    indices, coefficients = registry.call("challengeOf", 0)
    challenge = [(int(j), int(nu)) for j, nu in zip(indices, coefficients, strict=True)]
    answer = answer_challenge(statement, blocks, blind, challenge)
    rows = zip(answer.tags, answer.hints, answer.paths, strict=True)
    shown = [([tag.x, tag.y], list(hint), list(path)) for tag, hint, path in rows]
    answered = registry.send("answerAudit", 0, answer.mu, shown, account=owner)
    return {
        "blocks": ASSET_BLOCKS,
        "challenged": len(challenge),
        "state": stated.gas_used,
        "request": requested.gas_used,
        "answer": group.meter("audit", answered).gas_used,
    }


def measure_multiplication(group: GasGroup, solc: Solc) -> dict[str, int]:
    """One product modulo n², in both ways, without calldata: as the harness measures itself."""
    sources = read_with_imports(ROOT, [HARNESS])
    artifact = next(iter(compile_sources(solc, sources, wanted=[HARNESS], settings=DEFAULT_SETTINGS)))
    address = deploy(group.client, artifact, account=group.sponsor).contract_address
    harness = Contract.at(group.client, str(address), artifact=artifact)
    residue, modulus = group.key.public.residue, int(group.key.public.n_squared)
    a, b = (int.from_bytes(keccak(name) * 16, "big") % modulus for name in (b"a", b"b"))
    words = [residue(x) for x in (a * b % modulus, a, b, modulus)]
    squares = harness.call("isProduct", *words)
    taught = harness.call("isProductBySchoolbook", *words, residue(a * b // modulus))
    square = harness.call("square", words[1], words[3])
    if not (squares[0] and taught[0]):
        raise PymlError("a product is not what it is")
    return {
        "square": int(square[1]),
        "product_by_two_squares": int(squares[1]),
        "product_by_schoolbook": int(taught[1]),
    }


def _some(name: str) -> Submission:
    return Submission(*(keccak(text=f"{name} {part}") for part in ("root", "proof", "content")))


def _rooted(group: GasGroup, numbers: Sequence[int]) -> Submission:
    return Submission(number_tree(group.key, numbers).root, keccak(b"proof"), keccak(b"content"))
