"""What stands before every method: the share of the caller's address, who may call, the share of the account."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import grpc

from gateway.auth import Authenticator, Context
from gateway.rpc.access import AccessInterceptor
from gateway.rpc.methods import METHODS, Method
from gateway.rpc.shares import Share, ShareInterceptor
from gateway.source import AddressOf
from kernel.clock import Clock

Guards = tuple[grpc.aio.ServerInterceptor, ...]  # type: ignore[type-arg] # not generic when it runs


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

    return (
        ShareInterceptor("address", address, share_by_method=_shares(METHODS, calls_by_address)),
        AccessInterceptor(auth, clock=clock),
        ShareInterceptor(
            "account",
            account,
            share_by_method=_shares([method for method in METHODS if method.access.roles], calls_by_account),
        ),
    )


def _shares(methods: Iterable[Method], calls_max: Mapping[str, int]) -> dict[str, Share]:
    """Return the share of each method: of its own kind where that is counted apart, else of all calls."""
    return {
        method.path: Share(kind, calls_max[kind])
        for method in methods
        for kind in [method.kind if method.kind in calls_max else "calls"]
    }
