"""What somebody tells of themselves, as it comes; nothing of it goes out again."""

from __future__ import annotations

from datetime import date
from typing import Final

from overround.pam.v1 import player_service_pb2
from pam.person import Consent, MarketingChannel, MarketingProduct, Person, PersonalDataMalformed

CONSENTS_MAX: Final = len(MarketingProduct) * len(MarketingChannel)


def parse_person(message: player_service_pb2.Person) -> Person:
    """Return what was told.

    Raises:
        PersonalDataMalformed: If something of it cannot be so; what, but not what was told.
    """
    return Person(
        country=message.address.country,
        given_name=message.given_name,
        family_name=message.family_name,
        address_line=message.address.line,
        postcode=message.address.postcode,
        birth_date=_parse_birth_date(message.birth_date),
        email=message.email,
        consents=_parse_consents(message.consents) if message.HasField("consents") else None,
    )


def _parse_birth_date(text: str) -> date | None:
    if not text:
        return None
    try:
        birth_date = date.fromisoformat(text)
    except ValueError:
        birth_date = None
    if birth_date is None or birth_date.isoformat() != text:
        raise PersonalDataMalformed("birth_date must be a day, written as 1990-02-28, was something else")
    return birth_date


def _parse_consents(message: player_service_pb2.Consents) -> frozenset[Consent]:
    if len(message.given) > CONSENTS_MAX:
        raise PersonalDataMalformed(f"consents must be at most {CONSENTS_MAX}, were {len(message.given)}")
    try:
        return frozenset(
            Consent(MarketingProduct(consent.product), MarketingChannel(consent.channel)) for consent in message.given
        )
    except ValueError:
        raise PersonalDataMalformed(
            "consents must be of products and channels that are named, were of others"
        ) from None
