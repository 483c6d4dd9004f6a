"""Train together: members who trust nobody train one model, a cheat is caught, and the ledger closes to the last coin.

    python scripts/train_together.py                       two honest members and a cheat, on a devnet of its own
    python scripts/train_together.py --fault false-share   what the cheat does; docs/deepchain.md lists what it may
    python scripts/train_together.py --rounds 3 --json

Source: Weng et al., "DeepChain". Dealer, members, workers and challenger are processes of their own, which talk through
the chain and a blob store only. The key has 1024 bits, which is insecure, so that it is made in seconds.
"""

from __future__ import annotations

from pathlib import Path

from pyml.chain.devnet import Devnet
from pyml.cli.demo.story import require
from pyml.deepchain.agreement import Agreement
from pyml.deepchain.dealer import COIN, Conditions
from pyml.deepchain.faults import PARTY_FAULTS
from pyml.deepchain.ledger import Ledger
from pyml.deepchain.simulation import SIMULATED_WINDOWS, Cast, Simulation
from pyml.deepchain.trainer import TorchTrainer, decode_weights, initial_weights
from pyml.deepchain.view import View
from pyml.store.blobs import BlobStore
from scripts.demonstration import Result, options, run

MEMBERS, HONEST, THRESHOLD = 3, 2, 2
CHEAT = "party-2"


def demonstrate(devnet: Devnet, folder: Path, fault: str, rounds: int) -> Result:
    """Run a group with one cheat, and show what became of the model and of the coins."""
    agreement = Agreement(batch_size=32, shards=MEMBERS)
    cast = Cast(parties=MEMBERS, workers=3, faults={CHEAT: fault})
    conditions = Conditions(rounds=rounds, committee=1, windows=SIMULATED_WINDOWS)
    with Simulation(
        devnet.url,
        folder,
        cast,
        bits=1024,
        threshold=THRESHOLD,
        agreement=agreement,
        conditions=conditions,
    ) as simulation:
        contracts = simulation.prepare()
        group = simulation.open_group()
        simulation.start(group)
        view = simulation.run(group, timeout_s=600 * (1 + rounds))
        return closing(simulation, view, simulation.ledger(contracts))


def closing(simulation: Simulation, view: View, ledger: Ledger) -> Result:
    """What must hold, and the figures that show it."""
    gained = simulation.gained(ledger)
    fault = simulation.cast.faults[CHEAT]
    require(ledger.is_balanced, "the escrow holds what accounts, contracts and treasury have in it")
    losers = {name for name, gain in gained.items() if gain < 0} - {"dealer"}
    require(losers == (set() if fault == "crash" else {CHEAT}), "the cheat pays, and nobody else loses")
    accepted = sum(each.accepted for each in view.history.rounds.values())
    require(accepted == view.terms.rounds, "every round led to new weights")
    blobs = BlobStore((simulation.folder / "blobs").as_uri())
    found = {str(simulation.result(f"party-{index}")["weights"]) for index in range(HONEST)}
    require(len(found) == 1, "the honest members have come to the same weights")
    judge = TorchTrainer(simulation.agreement, 0)
    before = judge.accuracy(initial_weights(simulation.agreement, blobs))
    return {
        "rounds": accepted,
        "blocks": view.head,
        "cheat": f"{CHEAT}: {fault}",
        "accuracy": {"before": before, "after": judge.accuracy(decode_weights(blobs.get(found.pop())))},
        "coins_gained": {name: gain / COIN for name, gain in gained.items()},
        "treasury_coins": ledger.treasury / COIN,
        "held_coins": ledger.held / COIN,
        "not_shown": [
            "that an update is any good: no proof says what range its values have, or what data they are of",
            "that the dealer forgot the key: it is trusted with it",
        ],
    }


def show(result: Result) -> None:
    """The result as text."""
    before, after = result["accuracy"]["before"], result["accuracy"]["after"]
    print(f"{result['rounds']} rounds in {result['blocks']} blocks; accuracy {before:.1%} -> {after:.1%}")
    print(f"the cheat was {result['cheat']}")
    print(
        "coins gained or lost", *(f"{name}: {coins:+.2f}" for name, coins in result["coins_gained"].items()), sep="\n  "
    )
    print(f"  treasury: {result['treasury_coins']:+.2f}")
    print("not shown", *result["not_shown"], sep="\n  ")
    print(f"{result['seconds']} s")


def main() -> None:
    """Parse arguments, start a devnet, run."""
    parser = options("Train one model together; one member cheats.")
    parser.add_argument("--fault", choices=sorted(PARTY_FAULTS), default="false-proof", help="what the cheat does")
    parser.add_argument("--rounds", type=int, default=1, help="how many rounds")
    asked = parser.parse_args()
    run(lambda devnet, folder: demonstrate(devnet, folder, asked.fault, asked.rounds), show, as_json=asked.json)


if __name__ == "__main__":
    main()
