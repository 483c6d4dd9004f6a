"""Mine a block by training: one round of freezenet on a devnet of its own, with a process for everybody in it.

    python scripts/mine_block.py                        three miners, a cheat of each kind, a challenger
    python scripts/mine_block.py --judge exact          every weight placed and every answer recomputed on chain
    python scripts/mine_block.py --miners 1 --json

A sponsor puts up a reward for a network that reads digits. The block that opens the round gives every miner a watermark
of its own: weights that it may not choose. They train around them, commit under a bond, and only then see the test set.
Some cheat. In the end the solutions that hold share the reward, and every coin is accounted for.

Source: FreezeNet, with what docs/freezenet.md adds to it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from pyml.chain.devnet import Devnet
from pyml.freezenet.registries import Phase, Verdict
from scripts.demonstration import Result, options, require, run
from scripts.round_stage import Stage

ETHER_WEI: Final = 10**18
REWARD_WEI: Final = 3 * ETHER_WEI
BOND_WEI: Final = ETHER_WEI // 10
SPONSOR: Final = (
    *("--samples", "20", "--threshold", "10", "--reward", str(REWARD_WEI), "--miner-bond", str(BOND_WEI)),
    *("--sponsor-bond", str(BOND_WEI), "--commit-blocks", "60", "--test-blocks", "20", "--reveal-blocks", "40"),
)
CHEATS: Final = {
    "optimistic": {
        "weight": "claims every answer, and shows weights that it never committed to",
        "activation": "claims every answer, and shows activations that its weights do not give",
        "unserved": "claims every answer, and hides the network",
    },
    "exact": {"bluff": "claims every answer with random weights"},
}
EVERYWHERE: Final = {
    "silence": "commits, and never reveals",
    "copy": "commits to what another miner committed to",
}
Tell = Callable[[str], None]


def demonstrate(devnet: Devnet, folder: Path, miners: int, judge: str, tell: Tell) -> Result:
    """One round from the task to the ledger."""
    stage = Stage.build(devnet, folder)
    try:
        names = [f"miner {number}" for number in range(1, miners + 1)]
        _open(stage, judge, tell)
        _commit(stage, names, judge, tell)
        _reveal(stage, names, judge, tell)
        _judge(stage, names, judge, tell)
        return _ledger(stage, names, judge)
    finally:
        stage.close()


def _open(stage: Stage, judge: str, tell: Tell) -> None:
    blocks = "480" if judge == "optimistic" else "40"
    stage.play("sponsor", 0, "sponsor", *SPONSOR, "--verifier", judge, "--challenge-blocks", blocks)
    stage.wait("the round is open", lambda: stage.is_open)
    tell(
        f"The sponsor seals a test set of 20 digits and puts up {ether(REWARD_WEI)} for networks that read 10 of them."
    )


def _commit(stage: Stage, names: list[str], judge: str, tell: Tell) -> None:
    for account, name in enumerate(names, 1):
        stage.play(name, account, "mine", "0", "--epochs", "8")
    tell(f"{len(names)} miners train, each under a watermark of its own: no weight of one fits another.")
    for account, (kind, lie) in enumerate({**CHEATS[judge], "silence": EVERYWHERE["silence"]}.items(), 4):
        stage.cheat(kind, account)
        tell(f"One cheat {lie}.")
    if judge == "optimistic":
        stage.play("challenger", 9, "challenge", "0")
    victim = stage.players[names[0]].address
    stage.wait("the victim has committed", lambda: stage.contracts.rounds.entry(0, 0, victim).committed)
    stage.cheat("copy", 8, victim=victim)
    tell(f"Another {EVERYWHERE['copy']}.")
    stage.wait("all have committed", lambda: stage.round.commitments == len(stage.players) - _onlookers(judge))
    tell(f"{stage.round.commitments} commitments, {ether(BOND_WEI)} bonded with each.")
    stage.end_phase(Phase.COMMIT)


def _reveal(stage: Stage, names: list[str], judge: str, tell: Tell) -> None:
    stage.wait("the test set is revealed", lambda: stage.round.test_revealed)
    tell("Nobody can commit any more: the sponsor opens the seal.")
    stage.end_phase(Phase.TEST)
    count = len(names) + len(CHEATS[judge])
    rounds = stage.contracts.rounds
    stage.wait("solutions are revealed", lambda: len(rounds.revealed(0, 0)) == count)
    for revealed in rounds.revealed(0, 0):
        tell(f"{_name(stage, revealed.miner)} says that it reads {revealed.correct} of 20.")
    stage.wait("the copier has tried", lambda: stage.ended("copy"))
    tell(f"The copier shows what it saw: {stage.players['copy'].result()['outcome']}.")
    if judge == "exact":
        players = [stage.players[name] for name in (*names, *CHEATS[judge])]
        exact = stage.contracts.exact
        stage.wait("all are judged", lambda: all(exact.progress(0, 0, each.address).verdict for each in players))
        for player in players:
            progress = exact.progress(0, 0, player.address)
            verdict = Verdict(progress.verdict).name.lower()
            tell(f"The chain recomputes {player.name}: {progress.correct} right, {verdict}.")
    stage.end_phase(Phase.REVEAL)


def _judge(stage: Stage, names: list[str], judge: str, tell: Tell) -> None:
    rounds = stage.contracts.rounds
    if judge == "optimistic":
        tell("The challenger has computed every solution again, and bonds a challenge of each that is false.")
        accused = [stage.players[kind].address for kind in CHEATS[judge]]
        stage.let_turns_pass("cheats are caught", lambda: all(rounds.entry(0, 0, each).closed for each in accused))
        for case in stage.contracts.optimistic.disputes(0, 0, since_block=0):
            turns = len(stage.turns(case.number))
            tell(f"{_name(stage, case.dispute.miner)} has no answer after {turns} turns, and loses its bond.")
        tell("Leaves of the hidden network were demanded on chain; nobody served them, and its bond is lost too.")
    stage.end_phase(Phase.CHALLENGE)
    stage.wait("miners have enrolled", lambda: stage.round.enrolled == len(names))
    stage.end_phase(Phase.ENROL)
    tell(f"{stage.round.enrolled} solutions share the reward.")
    watching = ["challenger"] if judge == "optimistic" else [*CHEATS[judge]]
    stage.wait("everybody is done", lambda: stage.ended("sponsor", *watching, *names))


def _ledger(stage: Stage, names: list[str], judge: str) -> Result:
    gained, burned = stage.gained(), int(stage.contracts.rounds.call("burned"))
    cheats = [*CHEATS[judge], *EVERYWHERE]
    require(all(gained[name] == REWARD_WEI // len(names) for name in names), "honest miners share the reward")
    require(all(gained[kind] == -BOND_WEI for kind in cheats), "every cheat has lost its bond")
    require(gained.get("challenger", 0) >= 0, "the challenger has lost nothing")
    require(sum(gained.values()) + stage.held == 0 and stage.held == burned, "coins in are coins out and coins held")
    return {
        "judge": judge,
        "gained_wei": gained,
        "burned_wei": burned,
        "held_wei": stage.held,
        "gas": {name: stage.players[name].result()["gas"] for name in ("sponsor", *names)},
    }


def _onlookers(judge: str) -> int:
    """Sponsor and challenger."""
    return 2 if judge == "optimistic" else 1


def _name(stage: Stage, address: str) -> str:
    return next(player.name for player in stage.players.values() if player.address == address)


def ether(wei: int) -> str:
    """An amount as people read it."""
    return f"{wei / ETHER_WEI:g} ether"


def show(result: Result) -> None:
    """The ledger as text."""
    print("\nledger, gas apart")
    for name, wei in result["gained_wei"].items():
        print(f"  {name:12} {wei / ETHER_WEI:+10.4f}")
    print(f"  {'burned':12} {result['burned_wei'] / ETHER_WEI:+10.4f}")
    print(f"  {'sum':12} {(sum(result['gained_wei'].values()) + result['held_wei']) / ETHER_WEI:+10.4f}")
    print("gas", *(f"{name}: {gas:,}" for name, gas in result["gas"].items()), sep="\n  ")
    print(f"{result['seconds']} s")


def main() -> None:
    """Parse arguments, start a devnet, play."""
    parser = options("Mine a block by training a network, in a round with cheats.")
    parser.add_argument("--miners", type=int, choices=(1, 2, 3), default=3, help="honest miners")
    parser.add_argument("--judge", choices=sorted(CHEATS), default="optimistic", help="who decides about solutions")
    asked = parser.parse_args()

    def tell(text: str) -> None:
        if not asked.json:
            print(text, flush=True)

    def play(devnet: Devnet, folder: Path) -> Result:
        return demonstrate(devnet, folder, asked.miners, asked.judge, tell)

    run(play, show, as_json=asked.json)


if __name__ == "__main__":
    main()
