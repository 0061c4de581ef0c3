"""Every path of the REST API: which gRPC method it is, whose access, time-out and share hold for it.

What is asked and answered are the messages of that method in protobuf's JSON form, so that one contract holds for both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from gateway.books import FixtureUnknown
from gateway.rest.contract import descriptor_of
from gateway.rpc.methods import BETTING, METHOD_BY_PATH, ODDS, PAYMENTS, PLAYERS, WALLET, Method
from overround.odds.v1 import book_pb2, odds_service_pb2

BOOK_FRESH_S: Final = 1
LIST_FRESH_S: Final = 5


@dataclass(frozen=True, slots=True)
class Path:
    """One path, by one verb.

    Attributes:
        verb: As HTTP has it; "POST" takes what it asks for from the body.
        template: Names in it are fields of the request.
        called: The method, by its gRPC path.
        summary: What it does, for a person.
        names: What fields are called in the template, where that is not their name.
        pick: Makes the answer of request and answer of the method, where it is not that as it is; gives `picked`.
        picked: What `pick` gives.
        fresh_s: How long anybody may keep an answer; None for answers that are for one person, or for once.
    """

    verb: str
    template: str
    called: str
    summary: str
    names: Mapping[str, str] = field(default_factory=dict)
    pick: Callable[[Any, Any], Message] | None = None
    picked: type[Message] | None = None
    fresh_s: int | None = None

    @property
    def takes_address(self) -> bool:
        """Return whether all that is asked stands in the address, and nothing in a body."""
        return self.verb != "POST"

    @property
    def method(self) -> Method:
        """Return the row of the method."""
        return METHOD_BY_PATH[self.called]

    @property
    def request(self) -> type[Message]:
        """Return what is asked with."""
        return message_factory.GetMessageClass(self.method.contract.input_type)

    @property
    def asked(self) -> Descriptor:
        """Return what it is asked with, as the contract has it."""
        return descriptor_of(self.request)

    @property
    def answer(self) -> type[Message]:
        """Return what the method answers."""
        return message_factory.GetMessageClass(self.method.contract.output_type)

    @property
    def given(self) -> Descriptor:
        """Return what is given to who asks."""
        return descriptor_of(self.picked or self.answer)


def _only_book(asked: odds_service_pb2.GetBooksRequest, answer: odds_service_pb2.GetBooksResponse) -> Message:
    if not answer.books:
        raise FixtureUnknown(f"Fixture must have a book, {asked.fixture_ids[0][:64]!r} has none")
    return answer.books[0]


PATHS: Final = (
    Path(
        "GET",
        "/v1/fixtures",
        f"/{ODDS}/ListFixtures",
        "Lists the fixtures that are not over, page by page.",
        fresh_s=LIST_FRESH_S,
    ),
    Path(
        "GET",
        "/v1/fixtures/{fixture_id}/book",
        f"/{ODDS}/GetBooks",
        "Returns the current prices of a fixture.",
        names={"fixture_id": "fixture_ids"},
        pick=_only_book,
        picked=book_pb2.Book,
        fresh_s=BOOK_FRESH_S,
    ),
    Path(
        "POST",
        "/v1/fixtures/{fixture_id}/bet-builder",
        f"/{ODDS}/PriceBetBuilder",
        "Prices outcomes of one fixture that must all come about.",
    ),
    Path("GET", "/v1/currencies", f"/{PLAYERS}/ListCurrencies", "Lists the currencies of accounts.", fresh_s=300),
    Path("POST", "/v1/players", f"/{PLAYERS}/Register", "Makes a player with an empty account, and logs in."),
    Path("POST", "/v1/sessions", f"/{PLAYERS}/LogIn", "Logs in: the token goes into Authorization as Bearer."),
    Path("DELETE", "/v1/session", f"/{PLAYERS}/LogOut", "Ends the session."),
    Path("GET", "/v1/me", f"/{PLAYERS}/GetMe", "Returns who is logged in, with the balance."),
    Path("GET", "/v1/balance", f"/{WALLET}/GetBalance", "Returns the cash balance."),
    Path("GET", "/v1/statement", f"/{WALLET}/ListStatement", "Lists what moved the cash, the newest first."),
    Path("POST", "/v1/test-deposits", f"/{WALLET}/DepositTestMoney", "Credits test money, where there is any."),
    Path("GET", "/v1/payment-methods", f"/{PAYMENTS}/ListPaymentMethods", "Lists by what the player may pay in."),
    Path("POST", "/v1/deposits", f"/{PAYMENTS}/Deposit", "Asks for a deposit, once for each request id."),
    Path("GET", "/v1/deposits/{deposit_id}", f"/{PAYMENTS}/GetDeposit", "Returns a deposit as it stands."),
    Path("POST", "/v1/slips", f"/{BETTING}/PlaceSlip", "Places the bets of a slip; each is answered by itself."),
    Path("GET", "/v1/slips/{request_id}", f"/{BETTING}/GetSlip", "Returns what became of a slip."),
    Path("GET", "/v1/bets", f"/{BETTING}/ListBets", "Lists the player's bets, the newest first."),
    Path("GET", "/v1/bets/{bet_id}", f"/{BETTING}/GetBet", "Returns a bet as it stands."),
    Path("POST", "/v1/returns", f"/{BETTING}/CalculateReturn", "Calculates what a bet costs and comes to."),
)
