"""What players told of themselves, in PostgreSQL, and what registers of exclusions said of them."""

from __future__ import annotations

from uuid import UUID

import orjson

from compliance.ports import RegisterInquiry
from infra.stores.postgres import PostgresPool
from pam.person import Consent, MarketingChannel, MarketingProduct, Person

_FIND = """
    SELECT country, given_name, family_name, address_line, postcode, birth_date, email, (
        SELECT coalesce(jsonb_agg(jsonb_build_array(c.product, c.channel)) FILTER (WHERE c.is_given), '[]')::text
        FROM (
            SELECT DISTINCT ON (product, channel) * FROM pam.consent WHERE player_id = $1
            ORDER BY product, channel, time_us DESC
        ) AS c
    ) AS consents
    FROM pam.person WHERE player_id = $1
"""
_NOTE = """
    INSERT INTO pam.register_inquiry (inquiry_id, register, request_id, player_id, word, answer_id)
    VALUES ($1, $2, $3, $4, $5, $6)
"""


class PostgresPersons:
    """Implements `compliance.ports.Persons`."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def find_person(self, player_id: UUID) -> Person | None:
        """Return what a player told of themselves; None if they told nothing."""
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(_FIND, player_id)
        if row is None:
            return None
        told = dict(row)
        given = orjson.loads(told.pop("consents"))
        consents = frozenset(
            Consent(MarketingProduct(product), MarketingChannel(channel)) for product, channel in given
        )
        return Person(**told, consents=consents)

    async def note_inquiry(self, inquiry: RegisterInquiry) -> None:
        """Keep that a register was asked, before anything is done by what it said."""
        answer = inquiry.answer
        async with self._pool.connection() as connection:
            await connection.execute(
                _NOTE,
                inquiry.inquiry_id,
                inquiry.register,
                inquiry.request_id,
                inquiry.player_id,
                None if answer is None else answer.word.value,
                None if answer is None else answer.answer_id,
            )


def dump_person(person: Person) -> str:
    """Return what pam.register is given of a person."""
    return orjson.dumps(
        {
            "country": person.country,
            "given_name": person.given_name,
            "family_name": person.family_name,
            "address_line": person.address_line,
            "postcode": person.postcode,
            "birth_date": person.birth_date,
            "email": person.email,
            "consents": sorted((int(each.product), int(each.channel)) for each in person.consents or ()),
        }
    ).decode()
