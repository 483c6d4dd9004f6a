"""Mine a block by training: one round of freezenet on a devnet of its own, with a process for everybody in it.

    python scripts/mine_block.py                        three miners, a cheat of each kind, a challenger
    python scripts/mine_block.py --judge exact          every weight placed and every answer recomputed on chain
    python scripts/mine_block.py --miners 1 --json

`pyml demo freezenet` with more people in it: some cheat, each in another way. In the end the solutions that hold share
the reward, and every coin is accounted for.

Source: FreezeNet, with what docs/freezenet.md adds to it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pyml.chain.devnet import Devnet
from pyml.cli.demo.freezenet import ETHER_WEI, Cast, Tell, play_round
from scripts.demonstration import Result, options, run

LIARS: Final = {"optimistic": ("weight", "activation", "unserved"), "exact": ("bluff",)}


def demonstrate(devnet: Devnet, folder: Path, miners: int, judge: str, tell: Tell) -> Result:
    """A cheat of every kind that the judge can be told lies by."""
    ending = play_round(devnet, folder, Cast(miners, judge, LIARS[judge], ("silence", "copy")), tell)
    return {
        "judge": judge,
        "gained_wei": ending.gained_wei,
        "burned_wei": ending.burned_wei,
        "held_wei": ending.held_wei,
        "gas": ending.gas,
    }


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
    parser.add_argument("--judge", choices=sorted(LIARS), default="optimistic", help="who decides about solutions")
    asked = parser.parse_args()

    def tell(text: str) -> None:
        if not asked.json:
            print(text, flush=True)

    def play(devnet: Devnet, folder: Path) -> Result:
        return demonstrate(devnet, folder, asked.miners, asked.judge, tell)

    run(play, show, as_json=asked.json)


if __name__ == "__main__":
    main()
