"""ClickHouse, where history is kept: whole blocks in, one connection, one thread."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final

from clickhouse_driver import Client
from clickhouse_driver.errors import Error, ErrorCodes, TypeMismatchError

from kernel.errors import Part, Unavailable

CONNECT_TIMEOUT_S: Final = 2
ANSWER_TIMEOUT_S: Final = 10

_NOT_MIGRATED: Final = (ErrorCodes.UNKNOWN_TABLE, ErrorCodes.UNKNOWN_DATABASE)
_IDENTITY = "SELECT concat(currentDatabase(), '-', toString(min(toUnixTimestamp(applied_time)))) FROM migration"


class ClickHouseHistory:
    """Inserts blocks of columns. The driver waits synchronously, so it works in a thread of its own."""

    def __init__(self, dsn: str) -> None:
        self._client = Client.from_url(
            f"{dsn}?connect_timeout={CONNECT_TIMEOUT_S}&send_receive_timeout={ANSWER_TIMEOUT_S}"
            f"&sync_request_timeout={CONNECT_TIMEOUT_S}"
        )
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="clickhouse")

    async def insert(self, table: str, column_names: Sequence[str], columns: Sequence[Sequence[object]]) -> None:
        """Append one block, whole or not at all.

        Args:
            table: Where.
            column_names: Which columns.
            columns: Their values, one sequence a column; text as UTF-8 bytes.

        Raises:
            Unavailable: If the server does not answer in time or refuses; the block may be sent again.
            TypeMismatchError: If a value does not fit its column; sending the block again is of no use.
        """
        statement = f"INSERT INTO {table} ({', '.join(column_names)}) VALUES"
        await self._in_thread(statement, columns, columnar=True, settings={"strings_as_bytes": True})

    async def ping(self) -> None:
        """Ask the server for a sign of life.

        Raises:
            Unavailable: If it does not answer in time.
        """
        await self._in_thread("SELECT 1")

    async def find_identity(self) -> str:
        """Return what tells this copy from every other, also from one that was thrown away: its name and its begin.

        Raises:
            Unavailable: If the server does not answer in time.
        """
        ((identity,),) = await self._in_thread(_IDENTITY)
        return str(identity)

    async def close(self) -> None:
        """Give the connection back; an insert under way that takes longer than a connection may is broken off."""
        # By the thread that uses it: what disconnects under another's hands leaves that one without a socket.
        closing = asyncio.wrap_future(self._thread.submit(self._client.disconnect))
        self._thread.shutdown(wait=False)
        closed, _ = await asyncio.wait({closing}, timeout=CONNECT_TIMEOUT_S)
        if not closed:
            with suppress(Exception):
                self._client.disconnect()

    async def _in_thread(self, *arguments: Any, **options: Any) -> Any:
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._thread, lambda: self._execute(arguments, options)
            )
        except TypeMismatchError:
            raise
        except (Error, OSError, EOFError) as error:
            raise Unavailable(Part.HISTORY, f"ClickHouse must answer, but: {_explain(error)}") from error

    def _execute(self, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        try:
            return self._client.execute(*arguments, **options)
        except BaseException:
            self._client.disconnect()
            raise


def _explain(error: Exception) -> str:
    told = str(error).partition("Stack trace")[0].strip()  # the server's, of hundreds of lines
    remedy = ". Bring its tables up: `overround migrate`" if getattr(error, "code", None) in _NOT_MIGRATED else ""
    return f"{type(error).__name__}: {told}{remedy}"
