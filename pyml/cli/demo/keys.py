"""Coins are paid to a picture: an address that the picture and a password open, and nothing else does.

Source: arXiv 1711.04069, whose application is an address that an image stands for. There the image alone is the key,
which falls to whoever has it (docs/keys.md); here it opens a random key together with a password.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from PIL import Image

from pyml.chain.accounts import Signer, open_keystore
from pyml.chain.client import Client
from pyml.chain.deploy import deploy_system
from pyml.chain.transactions import Transaction
from pyml.cli.demo.story import Chapter, Chart, Setting, require
from pyml.cli.terminal import stopwatch
from pyml.crypto.secp256k1 import SigningKey
from pyml.errors import RecoveryError
from pyml.keys import hd
from pyml.keys.addresses import ethereum
from pyml.keys.deployment import deployment_plan
from pyml.keys.domains import IMAGE
from pyml.keys.edits import compressed, cropped
from pyml.keys.export import write_keystore
from pyml.keys.helper_file import Helper
from pyml.keys.messages import sign_typed_data
from pyml.keys.registries import Claim, ImageVault, KeysContracts, open_contracts, pay, publish_helper
from pyml.keys.vault import enrol, recover
from pyml.keys.wallet import features, features_of_views, identity
from pyml.ml.embedders.photo import PhotoEmbedder
from pyml.ml.embedders.synthetic import synthetic_pictures
from pyml.store.keystore import Secret

TITLE: Final = "They pay to a picture, which with a password opens the account"
ETHER_WEI: Final = 10**18
FEE_WEI: Final = ETHER_WEI // 100
DAY_S: Final = 24 * 3600
SIDE: Final = 256


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


@dataclass(frozen=True, slots=True, repr=False)
class Paid:
    """A picture's account that was paid and has spent."""

    contracts: KeysContracts
    holder: Holder
    helper: Helper
    address: str


def tell(setting: Setting, chapter: Chapter) -> None:
    """A picture made by rule, shown again cut and compressed."""
    picture, folder = made_by_rule(seed=1), setting.place("keys")
    accounts = setting.devnet.accounts[1:4]

    def begin(phase: str) -> None:
        setting.begin(f"keys: {phase}")

    pay_to_picture(setting.client, accounts, folder, chapter, picture, seen_again(picture), begin)
    gas = {each.what: float(each.gas) for each in chapter.steps if each.gas is not None}
    chapter.charts.append(Chart("Gas of each transaction", "gas", gas))


def pay_to_picture(
    client: Client,
    accounts: Sequence[Signer],
    folder: Path,
    chapter: Chapter,
    picture: Image.Image,
    shown: Image.Image,
    begin: Callable[[str], None],
) -> Paid:
    """Enrol, pay, recover, claim through a relayer, spend; and everything that must not work."""
    payer, relayer, owner = accounts
    begin("deploying; a picture is enrolled")
    deploy_system(client, deployment_plan(), payer, folder=folder / "deployments")
    contracts = open_contracts(client, folder / "deployments")
    elapsed, holder = stopwatch(), Holder(Secret(secrets.token_urlsafe(16).encode()), PhotoEmbedder())
    helper, address = holder.enrol(picture)
    chapter.tell("picture enrolled", f"it stands for {address}", seconds=elapsed())
    publish_helper(contracts.helpers, helper.digest(), owner)
    deposit, receipt = pay(contracts.vault, address, ETHER_WEI, payer, lock_s=DAY_S)
    chapter.tell("deposit", "1 ether, for whoever opens the picture", receipt=receipt)
    paid = Paid(contracts, holder, helper, address)

    begin("the picture is shown again, cut and compressed")
    key = _recover(chapter, paid, picture, shown)
    begin("the picture's account is paid, and spends")
    claim = Claim(deposit, address, client.latest_block().timestamp + DAY_S, relayer.address, FEE_WEI)
    _claim(chapter, paid, claim, key, thief=payer, relayer=relayer)
    stored = write_keystore(folder / "accounts", "picture", key, holder.password)
    spender = open_keystore(stored.path, lambda: holder.password.reveal.decode())
    sent = client.send(Transaction(to=payer.address, value_wei=ETHER_WEI // 2), spender)
    chapter.tell("payment from the picture's account", "half an ether", receipt=sent)
    chapter.not_shown += [
        "that a picture is a secret: whoever has it needs the password alone",
        "that the helper file is backed up: without it, nothing opens",
    ]
    return paid


def _recover(chapter: Chapter, paid: Paid, picture: Image.Image, shown: Image.Image) -> SigningKey:
    """The key, and how it is not had."""
    elapsed, holder, helper = stopwatch(), paid.holder, paid.helper
    key = hd.key_at(holder.open(helper, shown), hd.ETHEREUM_PATH)
    require(ethereum(key.public) == paid.address, "the picture that was shown gives the enrolled address")
    chapter.tell("key recovered", "from the picture as it came back, and the password", seconds=elapsed())
    chapter.refuse_locally(
        "another picture, with the right password", RecoveryError, lambda: holder.open(helper, made_by_rule(seed=2))
    )
    wrong = Secret(b"correct horse battery staple")
    chapter.refuse_locally(
        "the picture, with another password", RecoveryError, lambda: holder.open(helper, picture, wrong)
    )
    return key


def _claim(chapter: Chapter, paid: Paid, claim: Claim, key: SigningKey, *, thief: Signer, relayer: Signer) -> None:
    """The coins are fetched by a relayer, once, and by nobody else."""
    vault = paid.contracts.vault
    signature = sign_typed_data(key, vault.typed_data(claim))
    refuse_claims(chapter, vault, claim, signature, thief=thief, relayer=relayer)
    claimed = vault.claim_for(claim, signature, account=relayer)
    require(vault.client.balance_wei(paid.address) == ETHER_WEI - FEE_WEI, "the coins have arrived, less the fee")
    chapter.tell("signed claim", "0.99 ether arrived; the relayer, who paid the gas, has the rest", receipt=claimed)
    chapter.refuse(
        "the signed claim, a second time",
        lambda: vault.claim_for(claim, signature, account=relayer),
        "DepositIsSettled",
    )


def refuse_claims(
    chapter: Chapter, vault: ImageVault, claim: Claim, signature: bytes, *, thief: Signer, relayer: Signer
) -> None:
    """What others try with what they see."""
    elsewhere, paid = replace(claim, destination=thief.address), replace(claim, relayer=thief.address)
    tries = (
        ("a stranger's claim", lambda: vault.claim(claim.deposit, thief.address, account=thief)),
        ("the signed claim, to another destination", lambda: vault.claim_for(elsewhere, signature, account=relayer)),
        ("the signed claim, with the fee for somebody else", lambda: vault.claim_for(paid, signature, account=thief)),
    )
    for what, attempt in tries:
        chapter.refuse(what, attempt, "NotRecipient")


def made_by_rule(seed: int) -> Image.Image:
    """A picture that is nobody's."""
    return Image.fromarray(synthetic_pictures(1, SIDE, seed)[0])


def seen_again(picture: Image.Image) -> Image.Image:
    """As it may come back from a messenger: a little less of it, compressed."""
    return compressed("JPEG", 60)(cropped(0.94)(picture))
