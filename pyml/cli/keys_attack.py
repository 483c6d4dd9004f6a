"""``pyml keys attack``: attacks on keys that anybody can run on their own data, each with its figures."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from pyml.cli.keys_evaluate import (
    Data,
    EmbedderFile,
    FolderKind,
    Kind,
    Limit,
    NetworkFile,
    SiameseFile,
    counted,
    open_embedder,
    open_subjects,
)
from pyml.cli.terminal import Json, phases, share_done, show
from pyml.errors import InputError

if TYPE_CHECKING:
    from PIL import Image

    from pyml.crypto.password import ScryptCost
    from pyml.ml.embedders.protocol import Embedder

app = typer.Typer(
    no_args_is_help=True,
    help="Attack keys, for the figures: what falls, and after how much work.\n\n"
    "A public picture is no secret. What is left then is the password, the number of pictures to consider, and the "
    "cost of scrypt for each guess. Helpers are made for the attack, under passwords that are thrown away.",
)
Edit = Annotated[str, typer.Option(help="What the copies went through that an attacker has.")]


@app.command()
def dictionary(
    data: Data = "mnist",
    siamese: SiameseFile = None,
    limit: Limit = 10_000,
    picture: Annotated[Path | None, typer.Option(help="Picture of the vault that is attacked.")] = None,
    passwords: Annotated[Path | None, typer.Option(help="Passwords to try against the vault, one a line.")] = None,
    as_json: Json = False,
) -> None:
    """Guess keys from a list: addresses of paper mode (--siamese), and a vault without its password (--picture).

    In paper mode the attacker has the training images and sees the addresses of the test images' keys. Against the
    vault he has the very picture, and a list of passwords that does not hold the right one; the price is per guess.
    """
    if siamese is None and picture is None:
        raise InputError("nothing to attack", expected="--siamese, --picture or both")
    result: dict[str, Any] = {}
    with phases(as_json=as_json) as begin:
        if siamese is not None:
            begin("guessing keys of paper mode")
            result["paper"] = _attack_paper(data, siamese, limit)
        if picture is not None:
            begin("guessing passwords of a vault")
            result["vault"] = _attack_vault(picture, passwords)
    _show(result, as_json=as_json, title="dictionary")


@app.command()
def collision(
    picture: Annotated[Path, typer.Argument(help="Picture to move.")],
    other: Annotated[Path, typer.Argument(help="Picture whose code it shall get.")],
    levels: Annotated[int, typer.Option(min=1, max=64, help="How far a pixel may move, in levels of 255.")] = 4,
    steps: Annotated[int, typer.Option(min=1, max=100_000, help="When to give up.")] = 2000,
    out: Annotated[Path | None, typer.Option(help="Write the moved picture to this new PNG file.")] = None,
    embedder: EmbedderFile = None,
    network: NetworkFile = None,
    as_json: Json = False,
) -> None:
    """Move a picture, invisibly, to another's code: the same key in paper mode; a vault still asks for the password."""
    import io

    from pyml.files import write_atomically
    from pyml.keys.attacks.collision import collide, show_to_vault
    from pyml.keys.mask import feature_bits
    from pyml.keys.pictures import open_picture

    if out is not None and (out.exists() or out.suffix.lower() != ".png"):
        raise InputError(f"{out} exists already, or is no .png", hint="Name another file.")
    shown, wanted = open_picture(picture), open_picture(other)
    eye, model = _model(embedder, network, shown.size)
    with share_done("moving", as_json=as_json) as done:
        target = feature_bits(eye.embed([wanted])[0])

        def tell(step: int, left: int) -> None:
            done(f"{left} bits differ", step / steps)

        found = collide(eye, model, shown, target, limit=levels, steps=steps, progress=tell)
    answer = asdict(show_to_vault(eye, wanted, found.picture, cost=_cheap()))
    result = {"embedder": eye.name, "collides": not found.differing, **found.as_dict(), "vault_opens": answer}
    if out is not None:
        stored = io.BytesIO()
        found.picture.save(stored, "PNG")
        write_atomically(out, stored.getvalue(), exclusive=True)
        result["picture"] = str(out)
    _show(result, as_json=as_json, title="collision")


@app.command()
def tamper(
    picture: Annotated[Path, typer.Argument(help="Picture of the vault that is attacked.")],
    step: Annotated[int, typer.Option(min=1, help="Turn every so-manieth bit of each field of the content.")] = 8,
    as_json: Json = False,
) -> None:
    """Change a helper, file and content: everything must be refused, and nothing may give another key."""
    from pyml.keys.attacks import drawn_password
    from pyml.keys.attacks.tamper import tamper_content, tamper_file
    from pyml.keys.domains import IMAGE
    from pyml.keys.pictures import open_picture
    from pyml.keys.vault import enrol
    from pyml.keys.wallet import identity as identity_of

    shown, secret = open_picture(picture), drawn_password()
    with phases(as_json=as_json) as begin:
        begin("enrolling twice")
        eye = IMAGE.embedder()
        views, identity = eye.embed(IMAGE.views(shown)), identity_of(IMAGE, eye)
        (helper, entropy), (other, _) = (enrol([views], secret, embedder=identity, cost=_cheap()) for _ in range(2))
        begin("changing the file")
        of_file = tamper_file(helper)
        begin("changing the content")
        of_content = tamper_content(helper, other, [views[0]], secret, entropy, embedder=identity, step=step)
    _show({"file": of_file.as_dict(), "content": of_content.as_dict()}, as_json=as_json, title="tamper")


@app.command()
def link(
    data: Data,
    kind: FolderKind = Kind.IMAGE,
    edit: Edit = "",
    limit: Limit = 100,
    embedder: EmbedderFile = None,
    network: NetworkFile = None,
    as_json: Json = False,
) -> None:
    """Tell helpers of one thing from helpers of two, without a password, and why masks are hidden."""
    from pyml.keys.attacks.link import link as attack

    shown = open_subjects(data, kind).first(limit)
    eye = open_embedder(shown, embedder, network, None)
    with share_done(f"enrolling {shown.name}", as_json=as_json) as done:
        used, tell = _edit(shown.domain, edit), counted(done, len(shown.things))
        found = attack(shown.domain, eye, shown.things, edit=used, cost=_cheap(), progress=tell)
    _show({"embedder": eye.name, "edit": used, **found.as_dict()}, as_json=as_json, title="link")


@app.command()
def mask(
    data: Data,
    kind: FolderKind = Kind.IMAGE,
    edit: Edit = "",
    limit: Limit = 500,
    embedder: EmbedderFile = None,
    network: NetworkFile = None,
    as_json: Json = False,
) -> None:
    """Find which thing a helper is of, on a list, and what its bits are, by the mask that the password hides."""
    from pyml.keys.attacks.mask import read_masks

    shown = open_subjects(data, kind).first(limit)
    eye = open_embedder(shown, embedder, network, None)
    with share_done(f"looking at {shown.name}", as_json=as_json) as done:
        used, tell = _edit(shown.domain, edit), counted(done, len(shown.things))
        found = read_masks(shown.domain, eye, shown.things, edit=used, labels=shown.labels, progress=tell)
    _show({"embedder": eye.name, "edit": used, **found.as_dict()}, as_json=as_json, title="mask")


def _attack_paper(data: str, siamese: Path, limit: int) -> dict[str, Any]:
    """Training images are the attacker's, test images the victims'."""
    import numpy as np

    from pyml.config import load_config
    from pyml.keys import paper
    from pyml.keys.attacks.dictionary import address_of, attack_addresses, likely_addresses
    from pyml.ml.datasets import load
    from pyml.ml.siamese import activations
    from pyml.ml.siamese_file import read_siamese

    network, dataset = read_siamese(siamese), load(data, load_config().data)
    public, private = (
        paper.bits(np.concatenate(list(activations(network, images[:limit], pixel_max=dataset.pixel_max))))
        for images in (dataset.train_images, dataset.test_images)
    )
    victims = [address for address in map(address_of, private) if address is not None]
    return attack_addresses(victims, likely_addresses(public)).as_dict()


def _attack_vault(picture: Path, passwords: Path | None) -> dict[str, Any]:
    from pyml.keys.attacks import drawn_password
    from pyml.keys.attacks.dictionary import attack_vault, guess_price
    from pyml.keys.domains import IMAGE
    from pyml.keys.pictures import open_picture
    from pyml.keys.vault import enrol
    from pyml.keys.wallet import identity as identity_of
    from pyml.store.keystore import Secret

    shown, eye = open_picture(picture), IMAGE.embedder()
    views, identity = eye.embed(IMAGE.views(shown)), identity_of(IMAGE, eye)
    helper, _ = enrol([views], drawn_password(), embedder=identity, cost=_cheap())
    words = _COMMON if passwords is None else _lines(passwords)
    tried = attack_vault(helper, views[:1], [Secret(word.encode()) for word in words], embedder=identity)
    return {**tried.as_dict(), "at_the_real_cost": guess_price().as_dict()}


_COMMON = ("123456", "password", "12345678", "qwerty", "iloveyou", "letmein", "dragon", "monkey")
_MAX_PASSWORDS = 1 << 20


def _lines(path: Path) -> list[str]:
    from pyml.files import read_bounded

    try:
        lines = read_bounded(path, _MAX_PASSWORDS).decode().splitlines()
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as text: {error}") from error
    if not any(lines):
        raise InputError(f"{path} has no passwords", expected="one a line")
    return [line for line in lines if line]


def _model(description: Path | None, network: Path | None, size: tuple[int, int]) -> tuple[Embedder[Image.Image], Any]:
    from pyml.ml.embedders.differentiable import onnx_model, photo_model, shipped_network
    from pyml.ml.embedders.onnx_pictures import OnnxPictures, read_network
    from pyml.ml.embedders.photo import PhotoEmbedder

    if (description is None) != (network is None):
        raise InputError("--embedder and --network belong together")
    if description is None or network is None:
        return PhotoEmbedder(), photo_model(shipped_network(), size)
    eye = OnnxPictures.open(description, network)
    return eye, onnx_model(eye, read_network(network), size)


def _cheap() -> ScryptCost:
    """The least that a helper may name: the attack's figures do not depend on it, but for the price of a guess."""
    from pyml.crypto.password import N_MIN, ScryptCost

    return ScryptCost(N_MIN)


def _edit(domain: Any, name: str) -> str:
    """One of the domain's edits: the first, unless another is named."""
    edits = list(domain.edits)
    if name and name not in edits:
        raise InputError("no such edit", expected=", ".join(edits), got=name)
    return name or edits[0]


def _show(result: dict[str, Any], *, as_json: bool, title: str) -> None:
    from pyml.keys.attacks import CEILING

    show({**result, "ceiling": CEILING} if as_json else result, as_json=as_json, title=title)
    if not as_json:
        Console().print(CEILING, soft_wrap=True)
