"""``pyml freezenet``: proof of work by training under a watermark, with what attacks it and what it reproduces."""

from __future__ import annotations

import typer

from pyml.cli import freezenet_attack, freezenet_node, freezenet_reproduce, freezenet_sponsor, freezenet_train

app = typer.Typer(
    no_args_is_help=True,
    help="Proof of work by training a network under a watermark.\n\n"
    "Start with `pyml freezenet train`: it trains on the bundled digits under a watermark, and writes integers.",
)

app.command("train")(freezenet_train.train)
app.command("verify")(freezenet_train.verify)
app.add_typer(freezenet_reproduce.app, name="reproduce")
app.command("sponsor")(freezenet_sponsor.sponsor)
app.command("mine")(freezenet_node.mine)
app.command("challenge")(freezenet_node.challenge)
app.command("watch")(freezenet_node.watch)
app.command("attack")(freezenet_attack.attack)
