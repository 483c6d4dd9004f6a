"""``pyml keys figure``: figures 2, 3 and 4 of the paper, each by one command. Its keys are UNSAFE, as outputs say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pyml.cli.keys_paper import Data, Epochs, Folder, Seed, default_epochs, default_jitter, untrained
from pyml.cli.terminal import Json, share_done, show

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pyml.ml.training import Progress

app = typer.Typer(no_args_is_help=True, help="Draw figures 2, 3 and 4 of the paper, whose keys are UNSAFE.")

NetworkFile = Annotated[
    Path | None, typer.Option("--network", help="Network that `train` wrote; without, a small one is trained first.")
]
Count = Annotated[int, typer.Option(min=1, help="How many images of the test set, from the first.")]

_BATCH = 32


@app.command()
def histogram(
    data: Data = "digits",
    folder: Folder = None,
    network: NetworkFile = None,
    baseline: Annotated[Path | None, typer.Option(help="Another network, trained with --prior 0.")] = None,
    count: Count = 1000,
    epochs: Epochs = None,
    seed: Seed = 0,
    out: Annotated[Path, typer.Option(help="Plot and table to write, without suffix.")] = Path("histogram"),
    as_json: Json = False,
) -> None:
    """Figure 2: with the prior of equation 2, activations gather at the bounds of the sigmoid."""
    from pyml.keys import figures

    source = _Source(data, folder, count, epochs, seed)
    with share_done("looking", as_json=as_json) as report:
        shown: dict[str, NDArray[np.float32]] = {}
        if network is None or baseline is not None:
            shown["without prior" if baseline is None else baseline.stem] = source.seen(
                baseline, report, prior_weight=0.0
            )[0]
        shown["with prior" if network is None else network.stem] = source.seen(network, report)[0]
        shares = figures.histogram(out, shown)
    _show(out, {f"saturated {name}": round(share, 4) for name, share in shares.items()}, as_json=as_json)


@app.command()
def centres(
    data: Data = "digits",
    folder: Folder = None,
    network: NetworkFile = None,
    count: Count = 1000,
    sample: Annotated[int, typer.Option(min=0, help="The image whose distances are drawn.")] = 0,
    epochs: Epochs = None,
    seed: Seed = 0,
    out: Annotated[Path, typer.Option(help="Plot and table to write, without suffix.")] = Path("centres"),
    as_json: Json = False,
) -> None:
    """Figure 3: distances from one image to the centre of each class."""
    from pyml.keys import figures

    with share_done("looking", as_json=as_json) as report:
        activations, labels = _Source(data, folder, count, epochs, seed).seen(network, report)
        result = figures.centres(out, activations, labels, sample=sample)
    _show(out, result, as_json=as_json)


@app.command()
def tsne(
    data: Data = "digits",
    folder: Folder = None,
    network: NetworkFile = None,
    count: Count = 1000,
    epochs: Epochs = None,
    seed: Seed = 0,
    out: Annotated[Path, typer.Option(help="Plot and table to write, without suffix.")] = Path("tsne"),
    as_json: Json = False,
) -> None:
    """Figure 4: t-SNE of activations, before and after they become bits."""
    from pyml.keys import figures

    with share_done("looking", as_json=as_json) as report:
        activations, labels = _Source(data, folder, count, epochs, seed).seen(network, report)
        report("placing", 1.0)
        result = figures.tsne(out, activations, labels, seed=seed)
    _show(out, {name: round(share, 4) for name, share in result.items()}, as_json=as_json)


@dataclass(frozen=True, slots=True)
class _Source:
    """Which images are looked at, and how a network is trained where none is given."""

    data: str
    folder: Path | None
    count: int
    epochs: int | None
    seed: int

    def seen(
        self, network: Path | None, report: Progress, *, prior_weight: float | None = None
    ) -> tuple[NDArray[np.float32], NDArray[Any]]:
        """Activations and labels of test images (a folder has no others than those it trains on)."""
        import numpy as np

        from pyml.keys.picture_sets import PictureFolder
        from pyml.ml.datasets import Dataset
        from pyml.ml.siamese import SiameseConfig, activations, train_siamese
        from pyml.ml.siamese_file import read_siamese

        eye, found = untrained(self.data, self.folder, "cnn", seed=self.seed)
        if network is not None:
            eye = read_siamese(network)
            found = found if self.folder is None else PictureFolder(self.folder, eye.architecture)
        else:
            epochs = default_epochs(self.data) if self.epochs is None else self.epochs
            config = SiameseConfig(epochs=epochs, seed=self.seed, jitter=default_jitter(self.data))
            if prior_weight is not None:
                config = replace(config, prior_weight=prior_weight)
            train_siamese(eye, found, config, progress=report)
        images = found.test_images if isinstance(found, Dataset) else found.train_images
        labels = found.test_labels if isinstance(found, Dataset) else found.train_labels
        batches = activations(eye, images, pixel_max=found.pixel_max, batch=_BATCH)
        needed = list(islice(batches, -(-self.count // _BATCH)))
        return np.concatenate(needed)[: self.count], labels[: self.count]


def _show(out: Path, result: dict[str, Any], *, as_json: bool) -> None:
    from pyml.keys.paper import WARNING

    files = {"plot": str(out.with_suffix(".png")), "table": str(out.with_suffix(".csv"))}
    show({**files, **result, "warning": WARNING}, as_json=as_json, title="drawn")
