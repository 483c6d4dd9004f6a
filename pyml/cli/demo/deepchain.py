"""Four parties train one model; nobody sees another's gradients, and a leader who adds them up wrongly pays for it.

Source: Weng et al., "DeepChain". Dealer, members, workers and challenger are processes of their own, which talk through
the chain and a blob store only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pyml.cli.demo.story import Chapter, Chart, Setting, require
from pyml.cli.terminal import stopwatch
from pyml.crypto.proof_pk import ProofPK, verify_pk
from pyml.deepchain.agreement import Agreement
from pyml.deepchain.contents import Remedy, examine_gradients
from pyml.deepchain.dealer import COIN, Conditions
from pyml.deepchain.faults import altered
from pyml.deepchain.invitation import read_invitation
from pyml.deepchain.ledger import Ledger
from pyml.deepchain.local_training import Weights, load_weights, network, updated
from pyml.deepchain.registries import DeepchainContracts
from pyml.deepchain.simulation import SIMULATED_WINDOWS, Cast, Simulation
from pyml.deepchain.trainer import TorchTrainer, decode_weights, initial_weights
from pyml.deepchain.view import View
from pyml.ml.modules import affine_layers
from pyml.store.blobs import BlobStore

TITLE: Final = "Four parties train one model, and nobody sees another's gradients"
PARTIES, THRESHOLD, WORKERS, ROUNDS = 4, 3, 3, 2
BITS: Final = 2048
CHEAT: Final = "worker-0"
ALWAYS_LEADS: Final = 500_000_000
"""A stake that is drawn as leader unless chance has it once in more than a million."""
AGREEMENT: Final = Agreement(batch_size=32, shards=PARTIES, iterations=60, clip=0.5)
CONDITIONS: Final = Conditions(rounds=ROUNDS, committee=1, windows=SIMULATED_WINDOWS)
_TIMEOUT_S: Final = 900.0


@dataclass(frozen=True, slots=True)
class _Run:
    """A group whose rounds are over."""

    simulation: Simulation
    contracts: DeepchainContracts
    view: View
    blobs: BlobStore
    ledger: Ledger
    weights: Weights


def tell(setting: Setting, chapter: Chapter) -> None:
    """Train, look at what was posted and who has what; hands the model on."""
    cast = Cast(PARTIES, WORKERS, 1, {CHEAT: "wrong-aggregate"}, {CHEAT: ALWAYS_LEADS})
    with Simulation(
        setting.devnet.url,
        setting.place("deepchain"),
        cast,
        bits=BITS,
        threshold=THRESHOLD,
        agreement=AGREEMENT,
        conditions=CONDITIONS,
    ) as simulation:
        run = _trained(setting, chapter, simulation)
    _coins(chapter, run)
    _forged_gradients(chapter, run)
    _accuracy(chapter, run)
    model = network(AGREEMENT.network, seed=AGREEMENT.seed)
    load_weights(model, run.weights)
    setting.model = affine_layers(model)
    chapter.not_shown += [
        "that an update is any good: no proof says what range its values have, or what data they are of",
        "that the dealer forgot the key: it is trusted with it",
    ]


def _trained(setting: Setting, chapter: Chapter, simulation: Simulation) -> _Run:
    setting.begin("deepchain: deploying; four members enrol, a dealer makes the threshold key")
    elapsed = stopwatch()
    contracts = simulation.prepare()
    group = simulation.open_group()
    chapter.tell(
        "group opened", f"{THRESHOLD} of {PARTIES} decrypt; {CONDITIONS.deposit // COIN} coins deposited each",
        seconds=elapsed(),
    )  # fmt: skip
    outsider = setting.devnet.accounts[-1]
    chapter.refuse(
        "an outsider in a member's place", lambda: contracts.trading.join(group, 0, 0, account=outsider), "NotMember"
    )
    elapsed, phase = stopwatch(), ""

    def progress(view: View) -> None:
        nonlocal phase
        if phase != (phase := view.clock.phase.name.lower()):
            setting.begin(f"deepchain: round {max(1, view.clock.round)}, {phase}")

    simulation.start(group)
    view = simulation.run(group, timeout_s=_TIMEOUT_S, progress=progress)
    accepted = sum(each.accepted for each in view.history.rounds.values())
    require(accepted == ROUNDS, "every round led to new weights")
    chapter.tell("trained together", f"{accepted} rounds in {view.head} blocks", seconds=elapsed())
    blobs = BlobStore((simulation.folder / "blobs").as_uri())
    found = {str(simulation.result(f"party-{index}")["weights"]) for index in range(PARTIES)}
    require(len(found) == 1, "all members have come to the same weights")
    member = simulation.signer("party-0")
    chapter.refuse(
        "a reward, a second time",
        lambda: contracts.trading.send("claim", group, 0, account=member),
        "AlreadyClaimed",
    )
    ledger = simulation.ledger(contracts)
    return _Run(simulation, contracts, view, blobs, ledger, decode_weights(blobs.get(found.pop())))


def _coins(chapter: Chapter, run: _Run) -> None:
    """The wrong sum was proved wrong on chain; its leader has paid, and nobody else has lost anything."""
    evidence = run.contracts.evidence
    proved = run.contracts.client.logs(
        0, run.view.head, addresses=(evidence.address,), topics=(evidence.topic("AggregateProvedWrong"),)
    )
    require(len(proved) > 0, "the false sum was proved wrong on chain")
    gained = run.simulation.gained(run.ledger)
    require(run.ledger.is_balanced, "the escrow holds what accounts, contracts and treasury have in it")
    losers = {name for name, gain in gained.items() if gain < 0} - {"dealer"}
    require(losers == {CHEAT}, "the cheat pays, and nobody else loses")
    require(-gained[CHEAT] == len(proved) * CONDITIONS.worker_deposit, "each false sum cost a deposit")
    chapter.witnessed("a false sum of the gradients, by the leader", "Evidence", "AggregateProvedWrong")
    chapter.tell("the leader that cheats", f"{-gained[CHEAT] // COIN} coins lost; the ledger closes to the last unit")
    chapter.charts.append(Chart("Coins gained or lost", "coins", {name: gain / COIN for name, gain in gained.items()}))


def _forged_gradients(chapter: Chapter, run: _Run) -> None:
    """Encrypted gradients as others might want to have them: with one added, or as somebody else's own."""
    view, record = run.view, run.view.history.rounds[1]
    _, key = read_invitation(run.blobs, view.terms, allow_insecure=False)
    submission, context = record.gradients[0], view.context(0, record)
    finding = examine_gradients(run.blobs, key, submission, view.terms.count, context=context)
    require(finding.remedy is Remedy.NONE, "the first member's gradients are proved")
    size = len(run.blobs.get(submission.content_digest))
    posted = (
        f"{len(finding.numbers)} ciphertexts under a key of {BITS} bits, with a proof: {size / 1024:.0f} KB a member"
    )
    chapter.tell("gradients posted", posted)
    proof = finding.proof
    if not isinstance(proof, ProofPK):
        raise TypeError("gradients come with a proof of plaintext knowledge")
    changed = [altered(finding.numbers[0], int(key.public.n)), *finding.numbers[1:]]
    chapter.refuse_off_chain(
        "gradients with one added under the encryption", lambda: verify_pk(key, changed, proof, context=context)
    )
    copied = view.context(1, record)
    chapter.refuse_off_chain(
        "another member's gradients as one's own", lambda: verify_pk(key, finding.numbers, proof, context=copied)
    )


def _accuracy(chapter: Chapter, run: _Run) -> None:
    """On the test split: before, alone, together."""
    before = initial_weights(AGREEMENT, run.blobs)
    trainers = [TorchTrainer(AGREEMENT, party) for party in range(PARTIES)]
    judge, bars = trainers[0], dict[str, float]()
    bars["untrained"] = judge.accuracy(before)
    for party, trainer in enumerate(trainers):
        own = before
        for index in range(1, ROUNDS + 1):
            own = updated(own, trainer.local_update(own, round_index=index))
        bars[f"party {party} alone"] = judge.accuracy(own)
    bars["together"] = judge.accuracy(run.weights)
    require(bars["together"] > bars["untrained"] + 0.2, "the members have trained something")
    chapter.charts.insert(0, Chart("Right answers on the test split", "share", bars))
    chapter.tell("accuracy", f"{bars['untrained']:.1%} before, {bars['together']:.1%} after")
