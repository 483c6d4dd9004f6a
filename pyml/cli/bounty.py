"""``pyml zk bounty``: a reward for whoever proves that a model reaches an accuracy on a set that nobody has seen.

The order of work: seal (publisher) → open (sponsor) → enter (entrants) → reveal (publisher) → take (an entrant) →
withdraw; or refund, when a deadline was missed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyml.cli.circuits import Account, Deployments, Rpc, SrsFile, dataset_of, open_keyed
from pyml.cli.terminal import Json, PasswordFile, connect, password, phases, show, signer
from pyml.config import Config, load_config
from pyml.errors import InputError

if TYPE_CHECKING:
    from pyml.chain.accounts import Signer
    from pyml.zk.bounties import Bounty
    from pyml.zk.claims import AccuracyClaim
    from pyml.zk.engine import Progress
    from pyml.zk.registries import ZkContracts
    from pyml.zk.workspace import Keyed, Workspace

app = typer.Typer(
    no_args_is_help=True,
    help="Rewards for models that reach an accuracy on a set that nobody has seen.\n\n"
    "Typical order: `seal` → `open` → `enter` → `reveal` → `take` → `withdraw`; `refund` after a missed deadline.\n\n"
    "The *template* is a circuit folder on a public set, of the same shape as the one on the secret set: entrants "
    "commit under it with `pyml zk commit`. Whoever knows the secret set can win: enter where you trust its publisher.",
)

FINAL_BLOCKS = 64
"""Blocks above the closing one before a salt is shown on a public chain: two epochs of Ethereum, which are final."""

_Number = Annotated[int, typer.Argument(metavar="BOUNTY", min=0, help="Number of the bounty.")]
_Template = Annotated[Path, typer.Argument(metavar="TEMPLATE", help="Circuit folder on a public set.")]
_Sealed = Annotated[Path, typer.Argument(metavar="SEALED", help="Circuit folder on the secret set.")]
_Token = Annotated[str | None, typer.Option(help="Address of an ERC-20 token; ether when absent.")]
_Model = Annotated[Path, typer.Option("--model", help="Encrypted model file.")]


@dataclass(frozen=True, slots=True)
class _Desk:
    """What a command that sends works with."""

    config: Config
    account: Signer
    contracts: ZkContracts
    bounty: Bounty


def _desk(rpc: str | None, account: str | None, password_file: Path | None, deployments: Path) -> _Desk:
    from pyml.zk.bounties import Bounty
    from pyml.zk.registries import open_contracts

    config = load_config()
    client = connect(config, rpc)
    contracts, bounty = open_contracts(client, deployments), Bounty.find(client, deployments)
    return _Desk(config, signer(client, config, account, password_file), contracts, bounty)


def _keyed(config: Config, folder: Path, srs_file: Path | None, begin: Progress) -> tuple[Keyed, Workspace]:
    from pyml.zk.circuit_folder import CircuitFolder

    circuit_folder = CircuitFolder.open(folder)
    if circuit_folder.statement.kind != "private_model_accuracy":
        raise InputError("a bounty is about an accuracy", expected="a private_model_accuracy circuit", got=folder)
    if circuit_folder.native:
        raise InputError("the commands for bounties take circuits of ezkl", hint="Export with --engine ezkl.")
    return open_keyed(config, circuit_folder, srs_file, begin)


@app.command()
def seal(
    sealed: _Sealed,
    template: _Template,
    blocks: Annotated[int, typer.Option(min=1, help="Entrants have so many blocks from now.")],
    out: Annotated[Path, typer.Option(help="Private file for the salt: lost, nothing can be revealed.")] = Path(
        "seal.json"
    ),
    rpc: Rpc = None,
    account: Account = None,
    password_file: PasswordFile = None,
    deployments: Deployments = Path("deployments"),
    srs_file: SrsFile = None,
    as_json: Json = False,
) -> None:
    """Promise a secret set, as its publisher: commit to it under a random salt until a closing block.

    An existing salt file is used again, so that an interrupted run can be repeated.
    """
    from pyml.zk.seals import SealSecret, require_same_shape, seal_set

    desk = _desk(rpc, account, password_file, deployments)
    with phases(as_json=as_json) as begin:
        keyed, _ = _keyed(desk.config, sealed, srs_file, begin)
        public, _ = _keyed(desk.config, template, srs_file, begin)
        require_same_shape(public, keyed)
        secret = SealSecret.read(out) if out.exists() else SealSecret.draw(desk.account.address, keyed)
        if secret.dataset_digest != keyed.entry().dataset_digest:
            raise InputError(f"{out} is about another set", hint="Name another file with --out.")
        if not out.exists():
            secret.write(out)
        begin("sealing")
        last = desk.contracts.client.block_number() + blocks
        closing_block = seal_set(desk.contracts, secret, last, desk.account)
    show(
        {
            "seal": "0x" + secret.seal.hex(),
            "publisher": secret.publisher,
            "closing_block": closing_block,
            "salt_file": str(out),
        },
        as_json=as_json,
        title="sealed; keep the salt file, and the set, to yourself",
    )


@app.command(name="open")
def open_offer(
    template: _Template,
    seal: Annotated[str, typer.Option(help="The publisher's seal, as `seal` showed it.")],
    threshold: Annotated[int, typer.Option(min=1, help="Correct answers that win.")],
    reward: Annotated[int, typer.Option(min=1, help="In wei, or in the token's smallest unit.")],
    reveal_blocks: Annotated[int, typer.Option(min=1, help="The publisher may reveal so long after the closing.")],
    proof_blocks: Annotated[int, typer.Option(min=1, help="Entrants may prove so long after that.")],
    token: _Token = None,
    publisher: Annotated[str | None, typer.Option(help="Who sealed the set; the sponsor himself when absent.")] = None,
    rpc: Rpc = None,
    account: Account = None,
    password_file: PasswordFile = None,
    deployments: Deployments = Path("deployments"),
    srs_file: SrsFile = None,
    as_json: Json = False,
) -> None:
    """Put up a reward, as its sponsor. Registers the template; tokens are approved first.

    The reward goes to the first entrant who proves the threshold in time. If the set is not revealed in time, or nobody
    proves it in time, the sponsor may have the reward back (`refund`).
    """
    from pyml.zk.bounties import ETHER, Terms, open_bounty
    from pyml.zk.registries import register_circuit

    desk = _desk(rpc, account, password_file, deployments)
    owner, word = publisher or desk.account.address, _word(seal)
    closing_block = int(desk.contracts.circuits.call("sealOf", owner, word)["closingBlock"])
    reveal_deadline = closing_block + reveal_blocks
    with phases(as_json=as_json) as begin:
        keyed, _ = _keyed(desk.config, template, srs_file, begin)
        terms = Terms(
            token or ETHER,
            owner,
            word,
            keyed.entry().identifier(),
            threshold,
            reveal_deadline,
            reveal_deadline + proof_blocks,
        )
        begin("registering the template")
        register_circuit(desk.contracts, keyed, desk.account)
        begin("opening")
        number, receipt = open_bounty(desk.bounty, terms, reward, desk.account)
    show(
        {
            "bounty": number,
            "closing_block": closing_block,
            "reveal_deadline": terms.reveal_deadline,
            "proof_deadline": terms.proof_deadline,
            "gas": receipt.gas_used,
            "transaction": receipt.tx_hash,
        },
        as_json=as_json,
        title="opened",
    )


@app.command(name="show")
def show_offer(
    number: _Number,
    rpc: Rpc = None,
    deployments: Deployments = Path("deployments"),
    as_json: Json = False,
) -> None:
    """Show a bounty's terms, and what may happen in the next block: entering, revealing, proving, refundable."""
    from pyml.zk.bounties import ETHER, Bounty

    client = connect(load_config(), rpc)
    offer = Bounty.find(client, deployments).offer(number)
    block = client.block_number()
    terms = offer.terms
    show(
        {
            "bounty": number,
            "phase": offer.phase(block),
            "block": block,
            "closing_block": offer.closing_block,
            "reveal_deadline": terms.reveal_deadline,
            "proof_deadline": terms.proof_deadline,
            "reward": offer.reward,
            "token": None if terms.token == ETHER else terms.token,
            "threshold": terms.threshold,
            "sponsor": offer.sponsor,
            "publisher": terms.publisher,
            "template": "0x" + terms.template.hex(),
            "circuit": "0x" + offer.circuit.hex() if any(offer.circuit) else None,
            "model": "0x" + offer.model.hex() if any(offer.model) else None,
        },
        as_json=as_json,
    )


@app.command()
def enter(
    number: _Number,
    template: _Template,
    model: _Model,
    rpc: Rpc = None,
    account: Account = None,
    password_file: PasswordFile = None,
    deployments: Deployments = Path("deployments"),
    srs_file: SrsFile = None,
    as_json: Json = False,
) -> None:
    """Register a committed model, as an entrant, before the set closes. Shows nothing of it but its commitment."""
    from pyml.zk.bounties import enter_bounty
    from pyml.zk.claims import commit_model
    from pyml.zk.model_file import ledger_of, open_model

    desk = _desk(rpc, account, password_file, deployments)
    offer = desk.bounty.offer(number)
    secret = open_model(model, password(password_file))
    with phases(as_json=as_json) as begin:
        keyed, workspace = _keyed(desk.config, template, srs_file, begin)
        begin("committing")
        commitment = commit_model(keyed, workspace.engine, secret)
        ledger_of(model, secret).record_all((), commitments=[commitment])  # before anybody sees it
        begin("registering the model")
        made = enter_bounty(desk.contracts, offer, keyed, commitment, secret.proof_limit, desk.account)
    show(
        {"model": "0x" + made.hex(), "commitment": "0x" + commitment.hex(), "closing_block": offer.closing_block},
        as_json=as_json,
        title="entered",
    )


@app.command()
def reveal(
    number: _Number,
    sealed: _Sealed,
    salt_file: Annotated[Path, typer.Option(help="The salt file that `seal` wrote.")] = Path("seal.json"),
    confirmations: Annotated[
        int | None,
        typer.Option(min=0, help=f"Blocks to wait for above the closing one; {FINAL_BLOCKS}, or 0 on a devnet."),
    ] = None,
    rpc: Rpc = None,
    account: Account = None,
    password_file: PasswordFile = None,
    deployments: Deployments = Path("deployments"),
    srs_file: SrsFile = None,
    as_json: Json = False,
) -> None:
    """Open the seal, as its publisher, and name the circuit that counts. Hand out the folder and its set, too.

    Nothing is sent while the set is sealed: the salt would be seen even in a transaction that fails.
    """
    from pyml.zk.bounties import reveal_bounty
    from pyml.zk.seals import SealSecret

    desk = _desk(rpc, account, password_file, deployments)
    secret = SealSecret.read(salt_file)
    if confirmations is None:
        confirmations = 0 if desk.contracts.client.is_dev else FINAL_BLOCKS
    with phases(as_json=as_json) as begin:
        keyed, _ = _keyed(desk.config, sealed, srs_file, begin)
        begin("revealing")
        entry = reveal_bounty(
            desk.contracts, desk.bounty, number, keyed, secret, desk.account, confirmations=confirmations
        )
    circuit = entry.identifier(secret.publisher)
    show({"bounty": number, "circuit": "0x" + circuit.hex()}, as_json=as_json, title="revealed")


@app.command()
def take(
    number: _Number,
    sealed: _Sealed,
    model: _Model,
    claim_file: Annotated[
        Path, typer.Option("--claim", help="Claim file: used if it is there, else proved and written.")
    ] = Path("claim.json"),
    rpc: Rpc = None,
    account: Account = None,
    password_file: PasswordFile = None,
    deployments: Deployments = Path("deployments"),
    srs_file: SrsFile = None,
    as_json: Json = False,
) -> None:
    """Prove the accuracy, as an entrant, have the claim accepted, and take the reward; `withdraw` pays it out."""
    from pyml.zk.bounties import take_bounty
    from pyml.zk.claims import AccuracyClaim, read_claim, write_claim

    desk = _desk(rpc, account, password_file, deployments)
    with phases(as_json=as_json) as begin:
        keyed, workspace = _keyed(desk.config, sealed, srs_file, begin)
        if claim_file.exists():
            claim = read_claim(claim_file)
        else:
            claim = _prove(desk, number, sealed, model, password_file, keyed, workspace, begin)
            write_claim(claim, claim_file)
        if not isinstance(claim, AccuracyClaim):
            raise InputError(f"{claim_file} is a claim of another kind", expected=AccuracyClaim.KIND, got=claim.KIND)
        begin("claiming and taking")
        receipt = take_bounty(desk.contracts, desk.bounty, number, keyed, claim, desk.account)
    show(
        {"bounty": number, "count": claim.count, "gas": receipt.gas_used, "transaction": receipt.tx_hash},
        as_json=as_json,
        title="taken",
    )


@app.command()
def refund(
    number: _Number,
    rpc: Rpc = None,
    account: Account = None,
    password_file: PasswordFile = None,
    deployments: Deployments = Path("deployments"),
    as_json: Json = False,
) -> None:
    """Give a reward back to its sponsor after the deadline that was missed; anyone may. `withdraw` pays it out."""
    desk = _desk(rpc, account, password_file, deployments)
    receipt = desk.bounty.refund(number, account=desk.account)
    show({"bounty": number, "gas": receipt.gas_used, "transaction": receipt.tx_hash}, as_json=as_json, title="refunded")


@app.command()
def withdraw(
    token: _Token = None,
    rpc: Rpc = None,
    account: Account = None,
    password_file: PasswordFile = None,
    deployments: Deployments = Path("deployments"),
    as_json: Json = False,
) -> None:
    """Take out everything, in ether or in one token, that bounties owe the account."""
    from pyml.zk.bounties import ETHER

    desk = _desk(rpc, account, password_file, deployments)
    amount = desk.bounty.credit_of(desk.account.address, token or ETHER)
    receipt = desk.bounty.withdraw(token or ETHER, account=desk.account)
    show(
        {"amount": amount, "token": token, "gas": receipt.gas_used, "transaction": receipt.tx_hash},
        as_json=as_json,
        title="withdrawn",
    )


def _prove(
    desk: _Desk,
    number: int,
    sealed: Path,
    model: Path,
    password_file: Path | None,
    keyed: Keyed,
    workspace: Workspace,
    begin: Progress,
) -> AccuracyClaim:
    from pyml.zk.bounties import prove_for_bounty
    from pyml.zk.circuit_folder import CircuitFolder
    from pyml.zk.model_file import ledger_of, open_model

    secret = open_model(model, password(password_file))
    return prove_for_bounty(
        desk.contracts,
        desk.bounty.offer(number),
        keyed,
        workspace.engine,
        secret,
        CircuitFolder.open(sealed).labelled_set(lambda name: dataset_of(desk.config, name)),
        desk.account.address,
        ledger=ledger_of(model, secret),
        progress=begin,
    )


def _word(text: str) -> bytes:
    try:
        word = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        word = b""
    if len(word) != 32:
        raise InputError("a seal is 32 bytes in hexadecimal", got=text[:80])
    return word
