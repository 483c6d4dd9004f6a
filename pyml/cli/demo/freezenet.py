"""The sponsor puts up a reward for a network; whoever trains one mines the block, and whoever bluffs loses a bond.

The block that opens the round gives every miner a watermark of its own: weights that it may not choose. They train
around them, commit under a bond, and only then see the test set. Every role is a process of its own.

Source: FreezeNet, with what docs/freezenet.md adds to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pyml.chain.devnet import Devnet
from pyml.cli.demo.story import Chapter, Chart, Setting, require
from pyml.cli.terminal import stopwatch
from pyml.freezenet.registries import Phase, Verdict
from pyml.freezenet.stage import Stage

TITLE: Final = "The sponsor's next task is mined: a block for a trained network"
ETHER_WEI: Final = 10**18
REWARD_WEI: Final = 3 * ETHER_WEI
BOND_WEI: Final = ETHER_WEI // 10
SAMPLES, THRESHOLD = 20, 10
SPONSOR: Final = (
    *("--samples", str(SAMPLES), "--threshold", str(THRESHOLD), "--reward", str(REWARD_WEI)),
    *("--miner-bond", str(BOND_WEI), "--sponsor-bond", str(BOND_WEI)),
    *("--commit-blocks", "60", "--test-blocks", "20", "--reveal-blocks", "40"),
)
LIES: Final = {
    "weight": "claims every answer, and shows weights that it never committed to",
    "activation": "claims every answer, and shows activations that its weights do not give",
    "unserved": "claims every answer, and hides the network",
    "bluff": "claims every answer with random weights",
    "silence": "commits, and never reveals",
    "copy": "commits to what another miner committed to",
}
CHALLENGER: Final = "challenger"
_FIRST_CHEAT, _COPIER, _CHALLENGER = 4, 8, 9
"""Accounts; the sponsor has 0, miners have those that follow."""
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays: so many honest miners, those who reveal something false, those who do not get so far."""

    miners: int = 1
    judge: str = "optimistic"
    liars: tuple[str, ...] = ("weight",)
    others: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The honest miners."""
        return tuple(f"miner {number}" for number in range(1, self.miners + 1))

    @property
    def challenged(self) -> bool:
        """Whether somebody has to look for lies."""
        return self.judge == "optimistic"


@dataclass(frozen=True, slots=True)
class Ending:
    """Who has what after a round, gas not counted."""

    gained_wei: dict[str, int]
    burned_wei: int
    held_wei: int
    gas: dict[str, int]
    correct: dict[str, int]
    """What each miner said that it reads."""
    refused: dict[str, str]
    """By cheat: how it ended."""


def tell(setting: Setting, chapter: Chapter) -> None:
    """One honest miner, one who lies, one who copies, one challenger."""
    cast, elapsed = Cast(others=("copy",)), stopwatch()
    ending = play_round(
        setting.devnet, setting.place("freezenet"), cast, lambda text: setting.begin(f"freezenet: {text}")
    )
    chapter.tell("round played", "sealed test set, commitments, reveals, a dispute, an end", seconds=elapsed())
    for name in cast.names:
        chapter.tell(f"{name} rewarded", f"{ending.correct[name]} of {SAMPLES} read, {ether(ending.gained_wei[name])}")
    for kind in cast.liars:
        lost = f"said {ending.correct[kind]} of {SAMPLES}; {ether(-ending.gained_wei[kind])} of bond lost"
        chapter.tell(f"cheat {kind}", lost)
        chapter.witnessed(f"a miner that {LIES[kind]}", "OptimisticVerifier", ending.refused[kind])
    chapter.witnessed(f"a miner that {LIES['copy']}", "Rounds", ending.refused["copy"])
    chapter.tell("challenger", f"{ether(ending.gained_wei[CHALLENGER])} gained from the bond")
    gained = {name: wei / ETHER_WEI for name, wei in ending.gained_wei.items()}
    gained["burned"] = ending.burned_wei / ETHER_WEI
    chapter.charts.append(Chart("Ether gained or lost, gas apart", "ether", gained))
    chapter.not_shown += [
        f"that the network is good beyond {SAMPLES} digits: the set is small so that the round is short",
        "that anybody looks: without a challenger in time, a false solution would stand",
    ]


def play_round(devnet: Devnet, folder: Path, cast: Cast, tell: Tell) -> Ending:
    """One round from the task to the ledger."""
    stage = Stage.build(devnet, folder)
    try:
        _open(stage, cast, tell)
        _commit(stage, cast, tell)
        _reveal(stage, cast, tell)
        _judge(stage, cast, tell)
        return _ledger(stage, cast)
    finally:
        stage.close()


def _open(stage: Stage, cast: Cast, tell: Tell) -> None:
    blocks = "480" if cast.challenged else "40"
    stage.play("sponsor", 0, "sponsor", *SPONSOR, "--verifier", cast.judge, "--challenge-blocks", blocks)
    stage.wait("the round is open", lambda: stage.is_open)
    tell(
        f"The sponsor seals a test set of {SAMPLES} digits and puts up {ether(REWARD_WEI)} for networks that read "
        f"{THRESHOLD} of them."
    )


def _commit(stage: Stage, cast: Cast, tell: Tell) -> None:
    for account, name in enumerate(cast.names, 1):
        stage.play(name, account, "mine", "0", "--epochs", "8")
    tell(f"Miners train, {len(cast.names)} of them, each under a watermark of its own: no weight of one fits another.")
    early = (*cast.liars, *(kind for kind in cast.others if kind != "copy"))
    for account, kind in enumerate(early, _FIRST_CHEAT):
        stage.cheat(kind, account)
        tell(f"One cheat {LIES[kind]}.")
    if cast.challenged:
        stage.play(CHALLENGER, _CHALLENGER, "challenge", "0")
    if "copy" in cast.others:
        victim = stage.players[cast.names[0]].address
        stage.wait("the victim has committed", lambda: stage.contracts.rounds.entry(0, 0, victim).committed)
        stage.cheat("copy", _COPIER, victim=victim)
        tell(f"Another {LIES['copy']}.")
    count = len(cast.names) + len(cast.liars) + len(cast.others)
    stage.wait("all have committed", lambda: stage.round.commitments == count)
    tell(f"{count} commitments, {ether(BOND_WEI)} bonded with each.")
    stage.end_phase(Phase.COMMIT)


def _reveal(stage: Stage, cast: Cast, tell: Tell) -> None:
    stage.wait("the test set is revealed", lambda: stage.round.test_revealed)
    tell("Nobody can commit any more: the sponsor opens the seal.")
    stage.end_phase(Phase.TEST)
    count, rounds = len(cast.names) + len(cast.liars), stage.contracts.rounds
    stage.wait("solutions are revealed", lambda: len(rounds.revealed(0, 0)) == count)
    for revealed in rounds.revealed(0, 0):
        tell(f"{_name(stage, revealed.miner)} says that it reads {revealed.correct} of {SAMPLES}.")
    if "copy" in cast.others:
        stage.wait("the copier has tried", lambda: stage.ended("copy"))
        tell(f"The copier shows what it saw: {stage.players['copy'].result()['outcome']}.")
    if not cast.challenged:
        players = [stage.players[name] for name in (*cast.names, *cast.liars)]
        exact = stage.contracts.exact
        stage.wait("all are judged", lambda: all(exact.progress(0, 0, each.address).verdict for each in players))
        for player in players:
            progress = exact.progress(0, 0, player.address)
            verdict = Verdict(progress.verdict).name.lower()
            tell(f"The chain recomputes {player.name}: {progress.correct} right, {verdict}.")
    stage.end_phase(Phase.REVEAL)


def _judge(stage: Stage, cast: Cast, tell: Tell) -> None:
    rounds = stage.contracts.rounds
    if cast.challenged:
        tell("The challenger has computed every solution again, and bonds a challenge of each that is false.")
        accused = [stage.players[kind].address for kind in cast.liars]
        stage.let_turns_pass("cheats are caught", lambda: all(rounds.entry(0, 0, each).closed for each in accused))
        for case in stage.contracts.optimistic.disputes(0, 0, since_block=0):
            turns = len(stage.turns(case.number))
            tell(f"{_name(stage, case.dispute.miner)} has no answer after {turns} turns, and loses its bond.")
        if "unserved" in cast.liars:
            tell("Leaves of the hidden network were demanded on chain; nobody served them, and its bond is lost too.")
    stage.end_phase(Phase.CHALLENGE)
    stage.wait("miners have enrolled", lambda: stage.round.enrolled == len(cast.names))
    stage.end_phase(Phase.ENROL)
    tell(f"{stage.round.enrolled} solutions share the reward.")
    watching = (CHALLENGER,) if cast.challenged else cast.liars
    stage.wait("everybody is done", lambda: stage.ended("sponsor", *watching, *cast.names))


def _ledger(stage: Stage, cast: Cast) -> Ending:
    gained, burned = stage.gained(), int(stage.contracts.rounds.call("burned"))
    cheats = (*cast.liars, *cast.others)
    require(all(gained[name] == REWARD_WEI // len(cast.names) for name in cast.names), "honest miners share the reward")
    require(all(gained[kind] == -BOND_WEI for kind in cheats), "every cheat has lost its bond")
    require(gained.get(CHALLENGER, 0) >= 0, "the challenger has lost nothing")
    require(sum(gained.values()) + stage.held == 0 and stage.held == burned, "coins in are coins out and coins held")
    stage.wait("the cheats have left", lambda: stage.ended(*cheats))
    return Ending(
        gained,
        burned,
        stage.held,
        {name: int(stage.players[name].result()["gas"]) for name in ("sponsor", *cast.names)},
        {_name(stage, each.miner): each.correct for each in stage.contracts.rounds.revealed(0, 0)},
        {kind: str(stage.players[kind].result()["outcome"]) for kind in cheats},
    )


def _name(stage: Stage, address: str) -> str:
    return next(player.name for player in stage.players.values() if player.address == address)


def ether(wei: int) -> str:
    """An amount as people read it."""
    return f"{wei / ETHER_WEI:g} ether"
