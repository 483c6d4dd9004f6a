"""Attacks on keys, run: dictionary, white-box collision, tampering, linkage, what the mask tells.

    PYML_DATA=… python bench/keys_attacks.py --siamese siamese.pt  a quarter of an hour; bench/results/keys_attacks.json
    python bench/keys_attacks.py --quick                           pictures made by rule, to see that it works

The network is one that ``pyml keys train --data mnist`` wrote. Vaults are made at the least scrypt cost that a helper
may name, since no figure but the price of a guess depends on it; that price is measured at the real cost, and what a
list of guesses would take is multiplied out (``prices``).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from rich.console import Console

from bench.keys.photographs import MEASURED, mobilenet, photographs
from bench.measuring.record import RESULTS, write_result
from pyml.config import load_config
from pyml.crypto.password import N_MIN, ScryptCost
from pyml.errors import InputError, PymlError
from pyml.keys import paper
from pyml.keys.attacks import CEILING, drawn_password
from pyml.keys.attacks.collision import collide, show_to_vault
from pyml.keys.attacks.dictionary import address_of, attack_addresses, attack_vault, guess_price, likely_addresses
from pyml.keys.attacks.link import link
from pyml.keys.attacks.mask import read_masks
from pyml.keys.attacks.tamper import tamper_content, tamper_file
from pyml.keys.domains import IMAGE
from pyml.keys.mask import feature_bits
from pyml.keys.pictures import open_picture
from pyml.keys.subjects import drawn_digits
from pyml.keys.vault import EmbedderId, enrol
from pyml.ml.datasets import Dataset, load
from pyml.ml.embedders.differentiable import PictureModel, onnx_model, photo_model, shipped_network
from pyml.ml.embedders.photo import PhotoEmbedder
from pyml.ml.embedders.protocol import Embedder
from pyml.ml.embedders.synthetic import synthetic_pictures
from pyml.ml.siamese import Architecture, Siamese, activations, siamese
from pyml.ml.siamese_file import read_siamese
from pyml.store.keystore import Secret

CHEAP = ScryptCost(N_MIN)
EDITS = ("jpeg 75", "crop 85 %")
"""What the copies went through that an attacker has: the least and the most that a picture is changed by."""
LEVELS = (4, 8, 16, 32)
PASSWORDS = [Secret(word.encode()) for word in ("123456", "password", "12345678", "qwerty", "iloveyou", "letmein")]
console = Console(stderr=True)
Pictures = Sequence[Callable[[], Image.Image]]
Model = Callable[[tuple[int, int]], PictureModel]


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--siamese", type=Path, default=None, help="network that pyml keys train wrote for MNIST")
    parser.add_argument("--quick", action="store_true", help="no data needed")
    parser.add_argument("--output", type=Path, default=None)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    started = time.time()
    try:
        content = _quick() if options.quick else _whole(options.siamese)
    except PymlError as error:
        console.print(f"[red]{error}[/red]")
        return error.exit_code
    write_result(
        options.output or RESULTS / "keys_attacks.json",
        benchmark="keys_attacks",
        arguments=["--quick"] if options.quick else ["--siamese", "siamese.pt"],
        started=started,
        content={"ceiling": CEILING, **content},
    )
    return 0


def _quick() -> dict[str, Any]:
    digits, photo = load("digits"), PhotoEmbedder()
    shown = [partial(Image.fromarray, each) for each in synthetic_pictures(20, 64, 1)]
    return {
        "dictionary": _dictionary(siamese(Architecture.of("cnn", digits.shape), seed=0), digits, shown),
        "collision": _collisions(photo, partial(photo_model, shipped_network()), shown, (32,), pairs=1),
        "tamper": _tamper(shown[0](), step=64),
        "link": [_link("made by rule", photo, shown[:6])],
        "mask": [_mask("made by rule", photo, shown)],
    }


def _whole(siamese_file: Path | None) -> dict[str, Any]:
    data = load_config().data
    if data is None or siamese_file is None:
        raise InputError("data and a network are needed", hint="Set PYML_DATA, and name --siamese.")
    photo, (mobile, network) = PhotoEmbedder(), mobilenet(data)
    shown = [partial(open_picture, path) for path in photographs(data)[MEASURED]]
    of_mobile = partial(onnx_model, mobile, network)
    cifar = load("cifar10", data)
    small = [partial(_picture, each) for each in cifar.test_images[:1000]]
    mnist = drawn_digits("mnist", data).first(1000)
    name = "photos/sample500"
    return {
        "dictionary": _told("dictionary", lambda: _dictionary(read_siamese(siamese_file), load("mnist", data), shown)),
        "collision": [
            *_told("collision", lambda: _collisions(mobile, of_mobile, shown, LEVELS[:1], pairs=10)),
            *_told(
                "collision", lambda: _collisions(photo, partial(photo_model, shipped_network()), shown, LEVELS, pairs=3)
            ),
        ],
        "tamper": _told("tamper", lambda: _tamper(shown[0](), step=1)),
        "link": [
            *(_told("link", partial(_link, name, photo, shown[:100], edit)) for edit in EDITS),
            _told("link", lambda: _link(name, mobile, shown[:100])),
        ],
        "mask": [
            *(_told("mask", partial(_mask, name, photo, shown, edit=edit)) for edit in EDITS),
            _told("mask", lambda: _mask(name, mobile, shown)),
            _told("mask", lambda: _mask("cifar10", photo, small, labels=cifar.test_labels[:1000].tolist())),
            _told("mask", lambda: _mask("mnist", photo, mnist.things, labels=mnist.labels)),
        ],
    }


def _dictionary(network: Siamese, dataset: Dataset, shown: Pictures) -> dict[str, Any]:
    """Training images are the attacker's, test images the victims'; a vault of the first picture, which is listed."""
    public, private = (
        paper.bits(np.concatenate(list(activations(network, images, pixel_max=dataset.pixel_max, batch=256))))
        for images in (dataset.train_images, dataset.test_images)
    )
    victims = [address for address in map(address_of, private) if address is not None]
    embedder = PhotoEmbedder()
    identity = EmbedderId(embedder.name, embedder.digest)
    listed = np.concatenate([embedder.embed([load()]) for load in shown[:64]])
    password = drawn_password()
    helper, _ = enrol([embedder.embed(IMAGE.views(shown[0]()))], password, embedder=identity, cost=CHEAP)
    price = guess_price()
    return {
        "paper": {"data": dataset.name, **attack_addresses(victims, likely_addresses(public)).as_dict()},
        "paper_with_password_s": _pbkdf2_seconds(),
        "vault_without_password": attack_vault(helper, listed, PASSWORDS, embedder=identity).as_dict(),
        "vault_with_password": attack_vault(helper, listed, [password], embedder=identity).as_dict(),
        "price": price.as_dict(),
        "prices_multiplied_out_core_years": {
            f"{passwords:.0e} passwords, {pictures:.0e} pictures": price.seconds(passwords=passwords, pictures=pictures)
            / (365.25 * 86400)
            for passwords, pictures in ((1e6, 1), (1e6, 1e6), (1e10, 1))
        },
    }


def _pbkdf2_seconds() -> float:
    """One guess at paper mode's optional password."""
    started = time.perf_counter()
    paper.stretch(Secret(bytes(32)), Secret(b"guess"))
    return time.perf_counter() - started


def _collisions(
    embedder: Embedder[Image.Image], model: Model, shown: Pictures, levels: Sequence[int], *, pairs: int
) -> list[dict[str, Any]]:
    """Each picture towards the code of the next."""
    return [
        {
            "embedder": embedder.name,
            "levels": level,
            "pairs": [_collision(embedder, model, shown[index](), shown[index + 1](), level) for index in range(pairs)],
        }
        for level in levels
    ]


def _collision(
    embedder: Embedder[Image.Image], model: Model, start: Image.Image, other: Image.Image, level: int
) -> dict[str, Any]:
    target = feature_bits(embedder.embed([other])[0])
    found = collide(embedder, model(start.size), start, target, limit=level, steps=800)
    return {
        **found.as_dict(),
        "paper_mode_same_address": address_of(feature_bits(embedder.embed([found.picture])[0])) == address_of(target),
        "vault_opens": asdict(show_to_vault(embedder, other, found.picture, cost=CHEAP)),
    }


def _tamper(picture: Image.Image, *, step: int) -> dict[str, Any]:
    embedder, password = PhotoEmbedder(), drawn_password()
    identity, views = EmbedderId(embedder.name, embedder.digest), embedder.embed(IMAGE.views(picture))
    (helper, entropy), (other, _) = (enrol([views], password, embedder=identity, cost=CHEAP) for _ in range(2))
    changed = tamper_content(helper, other, [views[0]], password, entropy, embedder=identity, step=step)
    return {"file": tamper_file(helper).as_dict(), "content": changed.as_dict()}


def _link(name: str, embedder: Embedder[Image.Image], shown: Pictures, edit: str = EDITS[0]) -> dict[str, Any]:
    found = link(IMAGE, embedder, shown, edit=edit, cost=CHEAP)
    return {"data": name, "embedder": embedder.name, "edit": edit, **found.as_dict()}


def _mask(
    name: str,
    embedder: Embedder[Image.Image],
    shown: Pictures,
    *,
    edit: str = EDITS[0],
    labels: Sequence[int] | None = None,
) -> dict[str, Any]:
    found = read_masks(IMAGE, embedder, shown, edit=edit, labels=labels)
    return {"data": name, "embedder": embedder.name, "edit": edit, **found.as_dict()}


def _picture(channels: np.ndarray[Any, np.dtype[np.uint8]]) -> Image.Image:
    """From [3, height, width]."""
    return Image.fromarray(np.ascontiguousarray(channels.transpose(1, 2, 0)))


def _told(what: str, attack: Callable[[], Any]) -> Any:
    started = time.monotonic()
    found = attack()
    console.print(what, f"{time.monotonic() - started:.0f} s", found)
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
