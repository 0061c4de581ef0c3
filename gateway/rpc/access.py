"""Who may call which method: what its row says, enforced in one place."""

from __future__ import annotations

from gateway.auth import Authenticator, token_of
from gateway.rpc.call import Metadata
from gateway.rpc.methods import Access
from kernel.errors import Category, DomainError
from pam.player import PlayerBlocked, PlayerRole, PlayerStatus
from pam.session import BettorRequired, Session, TraderRequired


class MethodClosed(DomainError):
    """The table of methods does not have it."""

    reason = "METHOD_CLOSED"
    category = Category.FORBIDDEN


async def admit(auth: Authenticator, access: Access, metadata: Metadata) -> Session | None:
    """Let only those pass who may call; return their session where they need one.

    Raises:
        SessionRequired: If the call carries no session, or one that is over.
        BettorRequired: If a trader calls what bettors may.
        TraderRequired: If a bettor calls what traders may.
        PlayerBlocked: If a blocked player calls what is not for them.
        Unavailable: If who calls cannot be found out now.
    """
    if not access.roles:
        return None
    session = await auth.session(token_of(metadata))
    player = session.player
    if player.role not in access.roles:
        if player.role == PlayerRole.TRADER:
            raise BettorRequired("Caller must be a bettor, is a trader: log in as one who bets")
        raise TraderRequired("Caller must be a trader, is a bettor: log in as one who trades")
    if access.refuses_blocked and player.status == PlayerStatus.BLOCKED:
        raise PlayerBlocked()
    return session
