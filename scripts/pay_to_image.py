"""Pay to a picture: coins locked for an address that a picture and a password open, with a refund if nobody can.

    python scripts/pay_to_image.py                                  a picture made by rule, on a devnet of its own
    python scripts/pay_to_image.py photo.jpg                        a photograph; it is shown again cut and compressed
    python scripts/pay_to_image.py photo.jpg --shown again.jpg      … or as this file has it
    python scripts/pay_to_image.py --json

Source: arXiv 1711.04069, whose application is an address that an image stands for. There the image alone is the key,
which falls to whoever has it (docs/keys.md); here it opens a random key together with a password, and the payer, who
cannot know whether anybody is able to open it, may have the coins back after a time.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from pyml.chain.client import Client
from pyml.chain.devnet import Devnet
from pyml.cli.demo.keys import DAY_S, ETHER_WEI, FEE_WEI, TITLE, made_by_rule, pay_to_picture, seen_again
from pyml.cli.demo.story import Chapter, require
from pyml.keys.pictures import open_picture
from pyml.keys.registries import pay, publish_helper
from scripts.demonstration import Result, options, run, show_refused


def demonstrate(devnet: Devnet, folder: Path, picture: Image.Image, shown: Image.Image) -> Result:
    """What `pyml demo keys` tells; then coins that nobody claims go back, and the picture is enrolled anew."""
    client, chapter, accounts = Client.connect(devnet.url), Chapter("keys", TITLE), devnet.accounts[:3]
    paid = pay_to_picture(client, accounts, folder, chapter, picture, shown, lambda _: None)
    (payer, _, owner), vault = accounts, paid.contracts.vault

    lost, _ = pay(vault, paid.address, ETHER_WEI, payer, lock_s=DAY_S)
    chapter.refuse("a refund before its time", lambda: vault.refund(lost, account=payer), "RefundTooEarly")
    client.rpc.request("evm_increaseTime", DAY_S + 1)
    client.rpc.request("evm_mine")
    chapter.tell("refund", "after a day", receipt=vault.refund(lost, account=payer))

    newer, other_address = paid.holder.enrol(picture)
    publish_helper(paid.contracts.helpers, newer.digest(), owner, replaces=paid.helper.digest())
    latest = paid.contracts.helpers.latest(owner.address, paid.helper.digest())
    require(latest is not None and latest.digest == newer.digest(), "the old helper file leads to the new one")
    require(other_address != paid.address, "enrolling again gives another key")
    return {
        "address": paid.address,
        "paid_wei": ETHER_WEI,
        "arrived_wei": ETHER_WEI - FEE_WEI,
        "refused": {each.attempt: each.answer for each in chapter.refused},
        "not_shown": chapter.not_shown,
        "gas": {each.what: each.gas for each in chapter.steps if each.gas is not None},
    }


def show(result: Result) -> None:
    """The result as text."""
    print(f"{result['arrived_wei']} of {result['paid_wei']} wei reached {result['address']}; the relayer has the rest")
    show_refused(result)
    print("not shown", *result["not_shown"], sep="\n  ")
    print("gas", *(f"{what}: {gas:,}" for what, gas in result["gas"].items()), sep="\n  ")
    print(f"{result['seconds']} s")


def main() -> None:
    """Parse arguments, start a devnet, run."""
    parser = options("Pay to an address that a picture and a password open.")
    parser.add_argument("picture", nargs="?", type=Path, help="picture file (default: one made by rule)")
    parser.add_argument("--shown", type=Path, metavar="FILE", help="as it is shown again (default: compressed)")
    asked = parser.parse_args()

    def demonstrate_files(devnet: Devnet, folder: Path) -> Result:
        picture = made_by_rule(seed=1) if asked.picture is None else open_picture(asked.picture)
        shown = seen_again(picture) if asked.shown is None else open_picture(asked.shown)
        return demonstrate(devnet, folder, picture, shown)

    run(demonstrate_files, show, as_json=asked.json)


if __name__ == "__main__":
    main()
