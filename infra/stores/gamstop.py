"""The register GAMSTOP over HTTP."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import aiohttp

from compliance.ports import RegisterAnswer, RegisterWord
from kernel.errors import Part, Unavailable
from pam.person import Person

ANSWER_ID_LENGTH_MAX: Final = 200
_OK: Final = 200


class Gamstop:
    """Asks the register: implements `compliance.ports.ExclusionRegister`.

    Args:
        url: Where it is asked.
        api_key: What we prove ourselves with.
        timeout_ms: An answer comes within so long, or there is none.
        connections_max: So many inquiries are under way at once; others wait, within their time.
    """

    def __init__(self, url: str, *, api_key: str, timeout_ms: int, connections_max: int) -> None:
        self._url = url
        self._api_key = api_key
        self._timeout_s = timeout_ms / 1_000
        self._connections_max = connections_max
        self._client: aiohttp.ClientSession | None = None

    async def ask(self, person: Person, *, inquiry_id: UUID) -> RegisterAnswer:
        """Return what it says of a person."""
        form = {
            "firstName": person.given_name,
            "lastName": person.family_name,
            "dateOfBirth": "" if person.birth_date is None else person.birth_date.isoformat(),
            "email": person.email,
            "postcode": person.postcode,
        }
        headers = {"X-API-Key": self._api_key, "X-Trace-Id": str(inquiry_id)}
        try:
            async with self._opened().post(self._url, data=form, headers=headers, allow_redirects=False) as answer:
                return _read(answer)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unavailable(
                Part.EXCLUSION_REGISTER,
                f"The register of exclusions must answer within {self._timeout_s} s, did not; nobody is let in until "
                f"it does, try again ({type(error).__name__})",
            ) from None  # what caused it may carry what was asked

    async def close(self) -> None:
        """Let go of its connections."""
        if self._client is not None:
            await self._client.close()

    def _opened(self) -> aiohttp.ClientSession:
        if self._client is None:
            self._client = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections_max),
                timeout=aiohttp.ClientTimeout(total=self._timeout_s),
            )
        return self._client


def _read(answer: aiohttp.ClientResponse) -> RegisterAnswer:
    word, answer_id = answer.headers.get("X-Exclusion", ""), answer.headers.get("X-Unique-Id", "")
    known = {known.value: known for known in RegisterWord}
    if answer.status != _OK or word not in known or not 0 < len(answer_id) <= ANSWER_ID_LENGTH_MAX:
        raise Unavailable(
            Part.EXCLUSION_REGISTER,
            f"The register of exclusions must say Y, N or P, said something else with status {answer.status}; nobody "
            "is let in until it does, try again",
        )
    return RegisterAnswer(known[word], answer_id)
