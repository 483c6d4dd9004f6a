"""``pyml deepchain worker | challenger``: the roles that multiply and that watch."""

from __future__ import annotations

from typing import Annotated

import typer

from pyml.cli.deepchain_seat import (
    DEFAULT_DEPLOYMENTS,
    Account,
    Deployments,
    Group,
    InsecureKey,
    Poll,
    Rpc,
    Seen,
    accepted_rounds,
    faulty_kind,
    fund_seat,
    opened_group,
    run_seat,
    seat,
)
from pyml.cli.terminal import DevAccount, Json, PasswordFile, Play, show

_CHAIN_LABEL = "pyml deepchain hash chain"


def worker(
    group: Group,
    rpc: Rpc = None,
    account: Account = None,
    dev_account: DevAccount = None,
    password_file: PasswordFile = None,
    deployments: Deployments = DEFAULT_DEPLOYMENTS,
    stake: Annotated[
        int | None, typer.Option(help="Coins to stake, in whole DEEP; the least that is asked for.")
    ] = None,
    allow_insecure_key: InsecureKey = False,
    poll: Poll = 1.0,
    seen: Seen = None,
    play: Play = None,
    as_json: Json = False,
) -> None:
    """Multiply ciphertexts, lead and sign blocks, until the group is over."""
    from pyml.deepchain.dealer import COIN
    from pyml.deepchain.worker import Worker

    place = seat(rpc, account, dev_account, password_file, deployments)
    reader, _, key = opened_group(place, group, allow_insecure_key)
    terms = place.contracts.trading.terms_of(group)
    staked = terms.worker_deposit if stake is None else stake * COIN
    enlisted = reader.view().worker_of(place.account.address) is not None
    fund_seat(place, terms.bond + (0 if enlisted else staked))
    kind = faulty_kind(place, play, "WORKER_FAULTS") or Worker
    chain = place.secret(f"chain-{group}", _CHAIN_LABEL)
    role = kind(place.contracts, place.account, key, place.blobs, chain_secret=chain, stake=staked)
    view = run_seat(reader, role, seen, poll)
    show({"group": group, "accepted_rounds": accepted_rounds(view)}, as_json=as_json)


def challenger(
    group: Group,
    rpc: Rpc = None,
    account: Account = None,
    dev_account: DevAccount = None,
    password_file: PasswordFile = None,
    deployments: Deployments = DEFAULT_DEPLOYMENTS,
    allow_insecure_key: InsecureKey = False,
    poll: Poll = 1.0,
    seen: Seen = None,
    play: Play = None,
    as_json: Json = False,
) -> None:
    """Recompute what everybody posts, and take the bounty of whoever posted something false."""
    from pyml.deepchain.agent import Sends
    from pyml.deepchain.challenger import Challenger

    place = seat(rpc, account, dev_account, password_file, deployments)
    reader, _, key = opened_group(place, group, allow_insecure_key)
    fund_seat(place, 4 * place.contracts.trading.terms_of(group).bond)
    kind = faulty_kind(place, play, "CHALLENGER_FAULTS") or Challenger
    role = kind(Sends(place.contracts, place.account), place.blobs, key)
    view = run_seat(reader, role, seen, poll)
    free = place.contracts.escrow.free_of(place.account.address)
    show({"group": group, "accepted_rounds": accepted_rounds(view), "free_coins": free}, as_json=as_json)
