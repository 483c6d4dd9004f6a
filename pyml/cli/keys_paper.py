"""The paper's way of ``pyml keys``: train a siamese network, and derive addresses from images alone. UNSAFE.

Whoever has a similar image, or guesses one, has the key; every output says so. Private keys are never put out.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from pyml.cli.circuits import Device, dataset_of
from pyml.cli.terminal import Json, password, share_done, show, stopwatch
from pyml.config import load_config
from pyml.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pyml.keys.address_file import Row
    from pyml.keys.derivation import Recipe
    from pyml.ml.siamese import Architecture, Images, Kind, LabelledImages, Siamese
    from pyml.ml.training import Progress

Data = Annotated[str, typer.Option(help="mnist, digits, or folder for the pictures of --folder.")]
Folder = Annotated[Path | None, typer.Option(help="Folder of pictures for --data folder; folders in it are classes.")]
Epochs = Annotated[int | None, typer.Option(min=1, help="Passes over the images; by the data when absent.")]
Seed = Annotated[int, typer.Option(min=0, help="Fixes weights, pairs and layout.")]

_EPOCHS = {"mnist": 5, "digits": 30}
_OTHER_EPOCHS = 20
_SIDES = {"cnn": 64, "resnet50": 224}
_SHOWN = 10


def train(
    data: Data = "digits",
    folder: Folder = None,
    kind: Annotated[str, typer.Option("--network", help="cnn or resnet50.")] = "cnn",
    weights: Annotated[Path | None, typer.Option(help="torchvision's ResNet-50 weights (.pth) to begin from.")] = None,
    pretrained: Annotated[
        bool, typer.Option("--pretrained", help="Begin from torchvision's ImageNet weights, fetched if need be: 98 MB.")
    ] = False,
    start: Annotated[Path | None, typer.Option(help="Network of an earlier `train` to begin from.")] = None,
    side: Annotated[int | None, typer.Option(help="Side of the images of --folder; 64, or 224 for resnet50.")] = None,
    epochs: Epochs = None,
    batch: Annotated[int, typer.Option(min=1, help="Pairs in a batch.")] = 64,
    learning_rate: Annotated[float, typer.Option()] = 1e-3,
    near: Annotated[float, typer.Option(help="Margin m₁ of equation 1, for genuine pairs.")] = 0.5,
    far: Annotated[float, typer.Option(help="Margin m₂ of equation 1, for impostors.")] = 5.0,
    prior: Annotated[float, typer.Option(help="Weight λ of equation 2.")] = 0.5,
    jitter: Annotated[
        float | None, typer.Option(help="Move images in training; 1 is 10°, 8 %, 10 %. 1 for folders, else 0.")
    ] = None,
    seed: Seed = 0,
    device: Device = "cpu",
    out: Annotated[Path, typer.Option(help="Network to write.")] = Path("siamese.pt"),
    checkpoint: Annotated[Path | None, typer.Option(help="Save and resume training here.")] = None,
    as_json: Json = False,
) -> None:
    """Train the paper's siamese network, whose 256 activations become a key. UNSAFE: see `derive`."""
    from pyml.keys.paper import WARNING
    from pyml.ml.siamese import SiameseConfig, train_siamese
    from pyml.ml.siamese_file import write_siamese

    config = SiameseConfig(
        epochs=default_epochs(data) if epochs is None else epochs,
        batch_size=batch,
        learning_rate=learning_rate,
        seed=seed,
        checkpoint_batches=100,
        near_margin=near,
        far_margin=far,
        prior_weight=prior,
        jitter=default_jitter(data) if jitter is None else jitter,
    )
    elapsed = stopwatch()
    with share_done("training", as_json=as_json) as report:
        network, images = untrained(data, folder, kind, side=side, seed=seed)
        if sum((weights is not None, pretrained, start is not None)) > 1:
            raise InputError("--weights, --pretrained and --start exclude each other")
        if start is not None:
            network = _trained(start, network.architecture)
        elif weights is not None or pretrained:
            _begin_from(network, weights, report)
        done = train_siamese(network, images, config, device=device, checkpoint=checkpoint, progress=report)
    write_siamese(out, network)
    result = {
        "network": str(out),
        "data": data,
        "images": len(images.train_images),
        "epochs": config.epochs,
        "loss": round(done.loss, 4),
        "seconds": round(elapsed(), 1),
        "warning": WARNING,
    }
    show(result, as_json=as_json, title="trained")


def derive(
    pictures: Annotated[list[Path] | None, typer.Argument(help="Picture files, or folders of them.")] = None,
    mode: Annotated[str, typer.Option(help="paper: the code is the key. UNSAFE.")] = "vault",
    network: Annotated[Path | None, typer.Option(help="Network that `train` wrote.")] = None,
    data: Annotated[str | None, typer.Option(help="A data set instead of pictures: mnist or digits.")] = None,
    split: Annotated[str, typer.Option(help="test or train.")] = "test",
    count: Annotated[int | None, typer.Option(min=1, help="How many images of --data; all when absent.")] = None,
    kinds: Annotated[
        list[str] | None,
        typer.Option("--kind", help="p2pkh, p2pkh-uncompressed, p2sh, p2wpkh or ethereum; repeat it for several."),
    ] = None,
    testnet: Annotated[bool, typer.Option("--testnet", help="Bitcoin's test network.")] = False,
    password_file: Annotated[
        Path | None, typer.Option("--password-file", help="File with a password, which PBKDF2 joins to the code.")
    ] = None,
    ask_password: Annotated[bool, typer.Option("--ask-password", help="Ask for such a password.")] = False,
    iterations: Annotated[int | None, typer.Option(help="Of PBKDF2; 210,000 when absent.")] = None,
    salt: Annotated[str | None, typer.Option(help="Of PBKDF2; public, and the same for all when absent.")] = None,
    device: Device = "cpu",
    out: Annotated[Path, typer.Option(help="File to write: .csv or .json.")] = Path("addresses.csv"),
    as_json: Json = False,
) -> None:
    """Derive addresses from images alone, as the paper does. UNSAFE: whoever has a similar image has the key.

    Private keys are never shown or written. For keys that hold value there are `enrol` and `recover`.
    """
    from pyml.keys.address_file import require_form, write_addresses
    from pyml.keys.derivation import derive_addresses
    from pyml.keys.paper import WARNING
    from pyml.ml.siamese import activations
    from pyml.ml.siamese_file import read_siamese

    _require_paper(mode)
    require_form(out)
    if network is None:
        raise InputError("paper mode needs a network", expected="--network FILE", hint="`pyml keys train` makes one.")
    recipe = _recipe(kinds, testnet, password_file, ask_password, iterations, salt)
    elapsed, eye = stopwatch(), read_siamese(network)
    images, pixel_max, name = _images(eye.architecture, pictures or [], data, split, count)
    first: list[Row] = []
    with share_done("deriving", as_json=as_json) as report:
        seen = _watched(activations(eye, images, pixel_max=pixel_max, device=device), len(images), report)
        workers = 1 if recipe.password is None else os.cpu_count() or 1  # only PBKDF2 is more than a core's spare time
        derived = enumerate(derive_addresses(seen, recipe, workers=workers, name=name))
        rows = ((name(index), addresses) for index, addresses in derived)
        write_addresses(out, _first_kept(rows, first), recipe.kinds)
    shown = {image: " ".join(addresses) for image, addresses in first} if len(images) <= _SHOWN else {}
    result = {"addresses": str(out), "images": len(images), "seconds": round(elapsed(), 2), "warning": WARNING}
    show({**shown, **result}, as_json=as_json, title="derived")


def default_epochs(data: str) -> int:
    """Enough for a network of 256 bits that are mostly settled."""
    return _EPOCHS.get(data, _OTHER_EPOCHS)


def default_jitter(data: str) -> float:
    """Pictures in a folder may be alone in their class, and then make a pair with themselves only when moved."""
    return 1.0 if data == "folder" else 0.0


def untrained(
    data: str, folder: Path | None, kind: str, *, side: int | None = None, seed: int
) -> tuple[Siamese, LabelledImages]:
    """A new network and what it is trained on; ``InputError`` for options that do not go together."""
    from pyml.keys.picture_sets import PictureFolder
    from pyml.ml.siamese import Architecture, siamese

    if kind not in _SIDES:
        raise InputError("unknown network", expected=" or ".join(_SIDES), got=kind)
    if (data == "folder") != (folder is not None):
        raise InputError("--data folder and --folder belong together")
    if folder is None:
        dataset = dataset_of(load_config(), data)
        return siamese(Architecture.of(cast("Kind", kind), dataset.shape), seed=seed), dataset
    length = _SIDES[kind] if side is None else side
    architecture = Architecture(cast("Kind", kind), 3, length, length)
    return siamese(architecture, seed=seed), PictureFolder(folder, architecture)


def _trained(start: Path, architecture: Architecture) -> Siamese:
    from pyml.ml.siamese_file import read_siamese

    network = read_siamese(start)
    if network.architecture != architecture:
        raise InputError(f"{start} is another network", expected=architecture, got=network.architecture)
    return network


def _begin_from(network: Siamese, weights: Path | None, report: Progress) -> None:
    from pyml.ml.resnet import ResNet50, fetch_imagenet, load_pretrained

    if not isinstance(network.trunk, ResNet50):
        raise InputError("published weights are those of a ResNet-50", expected="--network resnet50")
    load_pretrained(network.trunk, weights or fetch_imagenet(load_config().home / "weights", progress=report))


def _require_paper(mode: str) -> None:
    if mode == "vault":
        raise InputError(
            "a vault's key is not derived from an image",
            hint="`pyml keys enrol` makes one, `pyml keys recover` opens it; --mode paper is the paper's way, UNSAFE.",
        )
    if mode != "paper":
        raise InputError("unknown mode", expected="paper", got=mode)


def _recipe(
    kinds: list[str] | None,
    testnet: bool,
    password_file: Path | None,
    ask_password: bool,
    iterations: int | None,
    salt: str | None,
) -> Recipe:
    from pyml.keys.addresses import Network
    from pyml.keys.derivation import Kind, Recipe
    from pyml.keys.paper import ITERATIONS, SALT

    wanted = kinds or [Kind.P2PKH.value]
    known = {kind.value: kind for kind in Kind}
    if unknown := [kind for kind in wanted if kind not in known]:
        raise InputError("unknown kind of address", expected=", ".join(known), got=unknown[0])
    secret = password(password_file) if password_file is not None or ask_password else None
    if secret is None and (iterations is not None or salt is not None):
        raise InputError("--iterations and --salt are PBKDF2's", expected="--password-file or --ask-password with them")
    return Recipe(
        kinds=tuple(known[kind] for kind in wanted),
        network=Network.TESTNET if testnet else Network.MAINNET,
        password=secret,
        salt=SALT if salt is None else salt.encode(),
        iterations=ITERATIONS if iterations is None else iterations,
    )


def _images(
    architecture: Architecture, pictures: list[Path], data: str | None, split: str, count: int | None
) -> tuple[Images, int, Callable[[int], str]]:
    """Images, their greatest pixel, and what each is called."""
    from pyml.keys.picture_sets import PIXEL_MAX, PictureRows
    from pyml.keys.pictures import pictures_in

    if (data is None) == (not pictures):
        raise InputError("what to look at is unclear", expected="either picture files or --data")
    if data is None:
        paths = [path for given in pictures for path in (pictures_in(given) if given.is_dir() else [given])]
        return PictureRows(paths, architecture), PIXEL_MAX, lambda index: str(paths[index])
    if split not in ("test", "train"):
        raise InputError("unknown split", expected="test or train", got=split)
    dataset = dataset_of(load_config(), data)
    images = dataset.test_images if split == "test" else dataset.train_images
    if count is not None and count > len(images):
        raise InputError(f"{data} has fewer images", expected=f"--count of at most {len(images)}", got=count)
    return images[:count], dataset.pixel_max, lambda index: f"{data}/{split}/{index}"


def _watched(seen: Iterable[NDArray[np.float32]], total: int, report: Progress) -> Iterator[NDArray[np.float32]]:
    """The same batches; the share is reported as they are looked at, which takes nearly all of the time."""
    done = 0
    for batch in seen:
        done += len(batch)
        report(f"{done:,} of {total:,} images", done / total)
        yield batch


def _first_kept(rows: Iterable[Row], first: list[Row]) -> Iterator[Row]:
    for row in rows:
        if len(first) < _SHOWN:
            first.append(row)
        yield row
