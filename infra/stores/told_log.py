"""Which log the ledger is told in: one that is another, or was set back, is neither told nor believed until adopted."""

from __future__ import annotations

from typing import Final

from infra.stores.log_place import LogPlace
from infra.stores.postgres import Connection
from kernel.errors import Part, Unavailable

_TOLD: Final = "SELECT log_id, anchors_end FROM ledger.told_log"
_REMEMBER: Final = """
    INSERT INTO ledger.told_log (log_id, anchors_end) VALUES ($1, $2)
    ON CONFLICT (is_only) DO UPDATE SET anchors_end = excluded.anchors_end
"""
_ADOPT: Final = "SELECT ledger.adopt_log($1, $2)"


class LogNotOwn(Unavailable):
    """The log is another than the ledger was told in, or lacks what it was told."""


async def expect_own_log(connection: Connection, place: LogPlace) -> None:
    """Check that this is the log in which the ledger was told so far; any is, of a ledger that was never told.

    Raises:
        LogNotOwn: If it is another, or ends before it did.
    """
    told = await connection.fetchrow(_TOLD)
    if told is None:
        return
    if told["log_id"] != place.log_id:
        wrong = f"The log must be {told['log_id']}, in which the ledger was told, is {place.log_id}"
    elif told["anchors_end"] > place.anchors_end:
        wrong = (
            f"The log must have the {told['anchors_end']} anchors that it had, has {place.anchors_end}: it was set back"
        )
    else:
        return
    raise LogNotOwn(
        Part.LEDGER,
        f"{wrong}. Bring the right one back; where that is lost, `overround ledger adopt` lets the ledger go on with "
        "this one",
    )


async def remember_log(connection: Connection, place: LogPlace) -> None:
    """Note how far the ledger's log has come.

    Raises:
        LogNotOwn: If it is not the ledger's.
    """
    await expect_own_log(connection, place)
    await connection.execute(_REMEMBER, place.log_id, place.anchors_end)


async def adopt_log(connection: Connection, place: LogPlace) -> None:
    """Go on with this log: what the outbox still has is told there anew."""
    await connection.execute(_ADOPT, place.log_id, place.anchors_end)
