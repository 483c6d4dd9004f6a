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

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

from pyml.chain.accounts import Signer, open_keystore
from pyml.chain.client import Client
from pyml.chain.deploy import deploy_system
from pyml.chain.devnet import Devnet
from pyml.chain.transactions import Transaction
from pyml.errors import PymlError, RecoveryError
from pyml.keys import hd
from pyml.keys.addresses import ethereum
from pyml.keys.deployment import deployment_plan
from pyml.keys.domains import IMAGE
from pyml.keys.edits import compressed, cropped
from pyml.keys.export import write_keystore
from pyml.keys.helper_file import Helper
from pyml.keys.messages import sign_typed_data
from pyml.keys.pictures import open_picture
from pyml.keys.registries import Claim, ImageVault, open_contracts, pay, publish_helper
from pyml.keys.vault import enrol, recover
from pyml.keys.wallet import features, features_of_views, identity
from pyml.ml.embedders.photo import PhotoEmbedder
from pyml.ml.embedders.synthetic import synthetic_pictures
from pyml.store.keystore import Secret
from scripts.demonstration import Result, options, refusal, require, run, show_refused

ETHER_WEI = 10**18
FEE_WEI = ETHER_WEI // 100
DAY_S = 24 * 3600
SIDE = 256


@dataclass(frozen=True, slots=True, repr=False)
class Holder:
    """Who enrols and opens: the only one with the password."""

    password: Secret
    eye: PhotoEmbedder

    def enrol(self, picture: Image.Image) -> tuple[Helper, str]:
        """A helper file, and the address to publish; the key is forgotten."""
        seen = [features_of_views(IMAGE, self.eye, picture)]
        helper, entropy = enrol(seen, self.password, embedder=identity(IMAGE, self.eye))
        return helper, ethereum(hd.key_at(entropy, hd.ETHEREUM_PATH).public)

    def open(self, helper: Helper, picture: Image.Image, password: Secret | None = None) -> Secret:
        """The wallet's entropy."""
        shown = features(self.eye, [picture])
        return recover(helper, shown, password or self.password, embedder=identity(IMAGE, self.eye))


def demonstrate(devnet: Devnet, folder: Path, picture: Image.Image, shown: Image.Image) -> Result:
    """Enrol, pay, claim through a relayer, spend, enrol anew; and everything that must not work."""
    client, (payer, relayer, owner, *_) = Client.connect(devnet.url), devnet.accounts
    deploy_system(client, deployment_plan(), payer, folder=folder)
    contracts = open_contracts(client, folder)
    holder = Holder(Secret(secrets.token_urlsafe(16).encode()), PhotoEmbedder())
    helper, address = holder.enrol(picture)
    publish_helper(contracts.helpers, helper.digest(), owner)

    deposit, paid = pay(contracts.vault, address, ETHER_WEI, payer, lock_s=DAY_S)
    entropy = holder.open(helper, shown)
    key = hd.key_at(entropy, hd.ETHEREUM_PATH)
    require(ethereum(key.public) == address, "the picture that was shown gives the enrolled address")
    claim = Claim(deposit, address, client.latest_block().timestamp + DAY_S, relayer.address, FEE_WEI)
    signature = sign_typed_data(key, contracts.vault.typed_data(claim))
    refused = {
        "another picture, with the right password": no_key(lambda: holder.open(helper, made_by_rule(seed=2))),
        "the picture, with another password": no_key(
            lambda: holder.open(helper, picture, Secret(b"correct horse battery staple"))
        ),
        **refused_claims(contracts.vault, claim, signature, thief=payer, relayer=relayer),
    }
    claimed = contracts.vault.claim_for(claim, signature, account=relayer)
    require(client.balance_wei(address) == ETHER_WEI - FEE_WEI, "the coins have arrived, less the fee")
    refused["the signed claim, a second time"] = refusal(
        lambda: contracts.vault.claim_for(claim, signature, account=relayer), "DepositIsSettled"
    )

    stored = write_keystore(folder / "accounts", "picture", key, holder.password)
    spender = open_keystore(stored.path, lambda: holder.password.reveal.decode())
    sent = client.send(Transaction(to=payer.address, value_wei=ETHER_WEI // 2), spender)

    lost, _ = pay(contracts.vault, address, ETHER_WEI, payer, lock_s=DAY_S)
    refused["a refund before its time"] = refusal(lambda: contracts.vault.refund(lost, account=payer), "RefundTooEarly")
    client.rpc.request("evm_increaseTime", DAY_S + 1)
    client.rpc.request("evm_mine")
    refunded = contracts.vault.refund(lost, account=payer)

    newer, other_address = holder.enrol(picture)
    publish_helper(contracts.helpers, newer.digest(), owner, replaces=helper.digest())
    latest = contracts.helpers.latest(owner.address, helper.digest())
    require(latest is not None and latest.digest == newer.digest(), "the old helper file leads to the new one")
    require(other_address != address, "enrolling again gives another key")
    return {
        "address": address,
        "paid_wei": ETHER_WEI,
        "arrived_wei": ETHER_WEI - FEE_WEI,
        "refused": refused,
        "not_shown": [
            "that a picture is a secret: whoever has it needs the password alone",
            "that the helper file is backed up: without it, nothing opens",
        ],
        "gas": {
            "deposit": paid.gas_used,
            "signed claim": claimed.gas_used,
            "payment from the picture's account": sent.gas_used,
            "refund": refunded.gas_used,
        },
    }


def refused_claims(
    vault: ImageVault, claim: Claim, signature: bytes, *, thief: Signer, relayer: Signer
) -> dict[str, str]:
    """What others try with what they see."""
    elsewhere, paid = replace(claim, destination=thief.address), replace(claim, relayer=thief.address)
    return {
        "a stranger's claim": refusal(lambda: vault.claim(claim.deposit, thief.address, account=thief), "NotRecipient"),
        "the signed claim, to another destination": refusal(
            lambda: vault.claim_for(elsewhere, signature, account=relayer), "NotRecipient"
        ),
        "the signed claim, with the fee for somebody else": refusal(
            lambda: vault.claim_for(paid, signature, account=thief), "NotRecipient"
        ),
    }


def made_by_rule(seed: int) -> Image.Image:
    """A picture that is nobody's."""
    return Image.fromarray(synthetic_pictures(1, SIDE, seed)[0])


def seen_again(picture: Image.Image) -> Image.Image:
    """As it may come back from a messenger: a little less of it, compressed."""
    return compressed("JPEG", 60)(cropped(0.94)(picture))


def no_key(attempt: Callable[[], object]) -> str:
    """How recovery refuses; a key is an error."""
    try:
        attempt()
    except RecoveryError as error:
        return error.problem
    raise PymlError("what should be refused was accepted", hint="This is a bug in pyml; please report it.")


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
