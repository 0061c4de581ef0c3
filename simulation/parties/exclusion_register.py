"""A national register of exclusions, played after GAMSTOP: who is asked about by name, birth date, e-mail and postcode.

It answers by headers, as that one does: `X-Exclusion` is Y, N or P (excluded once, and no more), `X-Unique-Id` names
the answer. Some surnames always fare alike, so that each case can be seen by hand; of others the seed decides, the
same for the same person, since a register does not change its mind. It keeps a book of what it answered.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from aiohttp import web

SIGNIFICANT_CHARACTERS: Final = 20
BOOK_ENTRIES_MAX: Final = 100_000
PATH: Final = "/v2"
BOOK_PATH: Final = "/book"
ASKED: Final = ("firstName", "lastName", "dateOfBirth", "email", "postcode")

WORD_BY_SURNAME: Final = {"excluded": "Y", "lapsed": "P", "free": "N"}
SILENT_SURNAME: Final = "silent"
_SHARES_OF: Final = 10_000


@dataclass(frozen=True, slots=True)
class RegisterPlan:
    """How the register fares.

    Attributes:
        seed: Decides who of those with no telling surname is excluded, and whom no answer comes about.
        excluded_share: Of 10,000 people.
        lapsed_share: The same.
        silent_share: Of 10,000 inquiries, those that are not answered in time.
        silence_s: For how long it is silent then.
    """

    seed: int
    excluded_share: int = 50
    lapsed_share: int = 20
    silent_share: int = 10
    silence_s: float = 20.0


@dataclass(frozen=True, slots=True)
class BookEntry:
    """One answer, as the register itself keeps it."""

    inquiry_id: str
    word: str
    answer_id: str


class SimulatedRegister:
    """Answers inquiries.

    Args:
        plan: How it fares.
        api_key: What those who ask prove themselves with.
    """

    def __init__(self, plan: RegisterPlan, *, api_key: str) -> None:
        self._plan = plan
        self._api_key = api_key
        self._book: OrderedDict[str, BookEntry] = OrderedDict()

    @property
    def book(self) -> tuple[BookEntry, ...]:
        """Return what it answered, the oldest first."""
        return tuple(self._book.values())

    def routes(self) -> list[web.RouteDef]:
        """Return its doors."""
        return [web.post(PATH, self._answer), web.get(BOOK_PATH, self._show_book)]

    async def _answer(self, request: web.Request) -> web.Response:
        if not hmac.compare_digest(request.headers.get("X-API-Key", ""), self._api_key):
            return web.Response(status=403)
        try:
            inquiry_id = str(UUID(request.headers.get("X-Trace-Id", "")))
        except ValueError:
            return web.Response(status=400, text="X-Trace-Id must be a UUID")
        form = await request.post()
        told = [str(form.get(name, "")).strip().casefold()[:SIGNIFICANT_CHARACTERS] for name in ASKED]
        if not all(told):
            return web.Response(status=400, text=f"{', '.join(ASKED)} must be told")
        if self._is_silent(told[1], inquiry_id):
            await asyncio.sleep(self._plan.silence_s)
        word = self._word_about(told)
        answer_id = hashlib.sha256(f"{self._plan.seed}/{inquiry_id}".encode()).hexdigest()[:32]
        self._book[inquiry_id] = BookEntry(inquiry_id, word, answer_id)
        if len(self._book) > BOOK_ENTRIES_MAX:
            self._book.popitem(last=False)
        return web.Response(headers={"X-Exclusion": word, "X-Unique-Id": answer_id})

    async def _show_book(self, request: web.Request) -> web.Response:
        if not hmac.compare_digest(request.headers.get("X-API-Key", ""), self._api_key):
            return web.Response(status=403)
        return web.json_response([[entry.inquiry_id, entry.word, entry.answer_id] for entry in self.book])

    def _word_about(self, told: list[str]) -> str:
        if (word := WORD_BY_SURNAME.get(told[1])) is not None:
            return word
        place = self._draw("person", *told)
        if place < self._plan.excluded_share:
            return "Y"
        return "P" if place < self._plan.excluded_share + self._plan.lapsed_share else "N"

    def _is_silent(self, surname: str, inquiry_id: str) -> bool:
        if surname in WORD_BY_SURNAME:
            return False
        return surname == SILENT_SURNAME or self._draw("inquiry", inquiry_id) < self._plan.silent_share

    def _draw(self, *about: str) -> int:
        digest = hashlib.sha256("\x1f".join((str(self._plan.seed), *about)).encode()).digest()
        return int.from_bytes(digest[:8], "big") % _SHARES_OF
