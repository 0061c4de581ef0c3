"""What a committed change of a bet means for exposure."""

from __future__ import annotations

from uuid import UUID

from bets.bet import BetEventKind
from risk.ports import ExposureEntry, ExposureStore

_ENTERS = frozenset({BetEventKind.SETTLEMENT_ROLLED_BACK, BetEventKind.VOID_ROLLED_BACK})
_LEAVES = frozenset({BetEventKind.SETTLED, BetEventKind.VOIDED})


async def apply_leg_change(store: ExposureStore, entry: ExposureEntry, *, bet_id: UUID, kind: BetEventKind) -> None:
    """Bring exposure up to a change that the ledger has committed; a change delivered again changes nothing.

    An accepted bet was counted by the reservation that went before it, so its event is passed over.

    Args:
        store: Where exposure is kept.
        entry: What the bet counts for: amounts above zero whatever the kind.
        bet_id: The bet.
        kind: What happened to it.

    Raises:
        RiskUnavailable: If the store does not answer in time; the same call may be made again.
    """
    if kind in _ENTERS:
        await store.add_bet(entry, bet_id=bet_id)
    elif kind in _LEAVES:
        await store.remove_bet(bet_id, fixture_id=entry.fixture_id)
