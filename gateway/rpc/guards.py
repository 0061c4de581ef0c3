"""What stands before every method: the share of the caller's address, who may call, the share of the account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import grpc

from gateway.auth import Authenticator, Context
from gateway.rpc.access import ACCESS_BY_METHOD, AccessInterceptor
from gateway.rpc.shares import Share, ShareInterceptor
from gateway.source import AddressOf
from kernel.clock import Clock

Guards = tuple[grpc.aio.ServerInterceptor, ...]  # type: ignore[type-arg] # not generic when it runs

_METHOD_BY_KIND: Final[Mapping[str, str]] = {
    "streams of books": "/overround.odds.v1.OddsService/WatchBooks",
    "streams of bets": "/overround.bets.v1.BettingService/WatchBets",
    "desks": "/overround.trading.v1.TradingService/WatchDesk",
    "streams of a feed": "/overround.feed.v1.FeedService/Push",
    "log-ins": "/overround.pam.v1.PlayerService/LogIn",
    "registrations": "/overround.pam.v1.PlayerService/Register",
}


def make_guards(
    auth: Authenticator,
    address_of: AddressOf,
    *,
    clock: Clock,
    calls_by_address: Mapping[str, int],
    calls_by_account: Mapping[str, int],
) -> Guards:
    """Return the guards, outermost first.

    Args:
        auth: Finds out who calls.
        address_of: Finds out from where.
        clock: Says when a stream's caller is looked at again.
        calls_by_address: How many calls of a kind one address may have under way; "calls" are those of no other kind.
        calls_by_account: The same for one account, of methods that need a session.
    """

    async def address(context: Context) -> str:
        return address_of(context)

    async def account(context: Context) -> str:
        return str((await auth.session(context)).player.player_id)

    with_session = {
        method: _share("calls", calls_by_account) for method, access in ACCESS_BY_METHOD.items() if access.roles
    }
    return (
        ShareInterceptor(
            "address", address, share_by_method=_shares(calls_by_address), others=_share("calls", calls_by_address)
        ),
        AccessInterceptor(auth, clock=clock),
        ShareInterceptor("account", account, share_by_method=with_session | _shares(calls_by_account), others=None),
    )


def _shares(calls_max: Mapping[str, int]) -> dict[str, Share]:
    return {method: _share(kind, calls_max) for kind, method in _METHOD_BY_KIND.items() if kind in calls_max}


def _share(kind: str, calls_max: Mapping[str, int]) -> Share:
    return Share(kind, calls_max[kind])
