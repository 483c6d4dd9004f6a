"""Puts the commands together and turns errors into one line and an exit code.

Exit codes: 0 done, 1 a proof or claim is false, 2 a mistake or a refusal that the reader can act on, 130 interrupted.
Only bugs show tracebacks. With ``--json`` errors are JSON too, on standard error.
"""

from __future__ import annotations

import errno
import json
import logging
import sys
from typing import Annotated

import typer
from typer.exceptions import Abort, TyperException

from pyml import __version__
from pyml.cli import chain, data, deepchain, freezenet, freezenet_node, kdac, kdac_replica, keys, zk
from pyml.cli.demo.command import demo
from pyml.cli.doctor.command import doctor
from pyml.config import ask_for_reproducible_cuda
from pyml.errors import PymlError, UsageError

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="Machine learning that the other side does not have to trust, settled on an EVM chain.\n\n"
    "Start with `pyml demo`: four parties train a model, prove its accuracy without showing it, mine a block by "
    "training, pay to a picture and talk through relays, on a chain of its own. `pyml doctor` looks at this machine.",
)
app.add_typer(zk.app, name="zk")
app.add_typer(chain.app, name="chain")
app.add_typer(data.app, name="data")
app.add_typer(keys.app, name="keys")
app.add_typer(freezenet.app, name="freezenet")
app.add_typer(deepchain.app, name="deepchain")
app.add_typer(kdac.app, name="kdac")
chain.PLANS["zk"] = zk.plan
chain.PLANS["keys"] = keys.plan
chain.PLANS["freezenet"] = freezenet_node.plan
chain.PLANS["kdac"] = kdac_replica.plan
app.command(name="deploy")(chain.deploy)
app.command(name="demo")(demo)
app.command(name="doctor")(doctor)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"pyml {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log what happens, to standard error.")] = False,
) -> None:
    """Options that every command shares."""
    del version
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING, format="%(name)s %(message)s", stream=sys.stderr
    )


def main() -> None:
    """Run the command line and leave with its exit code."""
    ask_for_reproducible_cuda()
    try:
        code = app(prog_name="pyml", standalone_mode=False)
    except PymlError as error:
        _report(error)
        sys.exit(error.exit_code)
    except TyperException as error:
        if error.format_message():  # empty after help that was shown for want of a command
            _report(UsageError(error.format_message()))
        sys.exit(2)
    except SystemExit as error:
        if isinstance(error.__context__, OSError) and error.__context__.errno == errno.EPIPE:
            sys.exit(141)  # whoever read our output went away; 1 would mean a false proof
        raise
    except (KeyboardInterrupt, Abort):
        typer.echo("interrupted", err=True)
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(141)
    sys.exit(code if isinstance(code, int) else 0)


def _report(error: PymlError) -> None:
    if "--json" in sys.argv:
        typer.echo(json.dumps(error.as_dict()), err=True)
    else:
        typer.echo(f"error: {error}", err=True)
