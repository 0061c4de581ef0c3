"""Hand-written fakes of what betting needs: books, exposure, ledger, clock."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from uuid import UUID, uuid4

from bets.acceptance import MarketView
from bets.answer import BetAnswer, BetRefusal, Claim, Inquiry, PlaceCommand, Standing
from bets.bet import SINGLE, Bet, BetEvent, BetEventKind, BetStatus
from bets.placement import BetPlacement
from bets.request import BetRequest, LegRequest, PricePolicy, SlipRequest
from compliance.jurisdiction import Dated, Jurisdiction, Product
from compliance.permit import Permits
from kernel.commands import UNDECIDED, RequestIdReused
from kernel.errors import DomainError, Part, Unavailable
from kernel.money import Money
from markets.fixture import MarketStatus
from pam.player import Player, PlayerRole, PlayerStatus
from risk.exposure import MarketExposure
from risk.ports import EntryPlace, ExposureEntry, LimitedEntry, Reservation, ReservationKey, ReservationState
from tests.fakes.fake_clock import FakeClock
from wallet.balance import Balance

PLAYER = Player(
    player_id=UUID(int=7),
    username="ann",
    role=PlayerRole.BETTOR,
    status=PlayerStatus.ACTIVE,
    session_epoch=0,
    currency="EUR",
    cash_account_id=70,
    registered_time_us=1,
)


def ask(
    *, stake_minor: int = 1_000, policy: PricePolicy = PricePolicy.NONE, request_id: UUID | None = None
) -> SlipRequest:
    return single(LegRequest("sim:1:1", "1x2", "home", 2_000, 1), stake_minor, policy=policy, request_id=request_id)


def single(
    leg: LegRequest, stake_minor: int, *, policy: PricePolicy = PricePolicy.NONE, request_id: UUID | None = None
) -> SlipRequest:
    """Return a slip with a single."""
    return SlipRequest(request_id or uuid4(), (BetRequest((leg,), SINGLE, Money(stake_minor, "EUR")),), policy)


class PlacementOfSingles:
    """Places slips of one bet, and gives its answer."""

    def __init__(self, placement: BetPlacement) -> None:
        self.wait_for = placement.wait_for
        self.close = placement.close
        self._placement = placement

    async def place(self, player: Player, slip: SlipRequest) -> BetAnswer:
        (answer,) = await self._placement.place(player, slip)
        return answer


async def no_pause() -> None:
    """Let nobody else run."""


async def one_turn() -> None:
    """Let everybody else run, so that whoever waits here may be cancelled here."""
    await asyncio.sleep(0)


def permits() -> Permits:
    """Return what permits all there is, anywhere."""
    first_day = date(1970, 1, 1)
    places: list[Dated[frozenset[str] | None]] = [Dated(first_day, None, "a decision")]
    products = [Dated(first_day, frozenset(Product), "a decision")]
    return Permits(Jurisdiction("default", {"products": products, "places": places}), clock=FakeClock())


@dataclass
class FakeBook:
    """A book of one market, and two of its outcomes."""

    fixture_id: str = "sim:1:1"
    market_id: str = "1x2"
    fixture_name: str = "Ajax v Feyenoord"
    version: int = 1
    is_in_play: bool = False
    status: MarketStatus = MarketStatus.OPEN
    decimal_odds_milli: int = 2_000

    def find_market(self, market_id: str) -> MarketView | None:
        odds_milli = {"home": self.decimal_odds_milli, "draw": 3_400}
        return MarketView(self.status, odds_milli) if market_id == self.market_id else None


@dataclass
class FakeBooks:
    book: FakeBook | None = field(default_factory=FakeBook)
    is_live: bool = True

    def find(self, fixture_id: str) -> FakeBook | None:
        return self.book

    def is_pricing_live(self, fixture_id: str) -> bool:
        return self.is_live


class FakeExposure:
    """The model that Redis has to equal, one market only.

    Attributes:
        added: Bets that were added without a reservation, and their entries.
        removed: Bets that were taken out, and where they stood.
        failures: What the next to take a bet out are answered, the last one first.
    """

    def __init__(self) -> None:
        self.market = MarketExposure()
        self.reservations: dict[ReservationKey, ExposureEntry] = {}
        self.bets: dict[UUID, ExposureEntry] = {}
        self.added: set[tuple[UUID, ExposureEntry]] = set()
        self.removed: set[tuple[UUID, EntryPlace]] = set()
        self.failures: list[Exception] = []
        self.is_down = False
        self.calls: list[str] = []
        self.pause = no_pause

    async def reserve(self, key: ReservationKey, entries: Sequence[LimitedEntry]) -> Reservation:
        await self._called("reserve")
        (limited,) = entries
        entry, before = limited.entry, self.market
        if key in self.reservations:
            if self.reservations[key] != entry:
                raise Unavailable(Part.RISK, "Held with other content")
            return Reservation(ReservationState.ALREADY_RESERVED, entry, before)
        amounts = {"stake_minor": entry.stake_minor, "payout_minor": entry.payout_minor}
        if not before.takes(entry.outcome_id, loss_minor_max=limited.loss_minor_max, **amounts):
            return Reservation(ReservationState.REFUSED, entry, before)
        self.reservations[key] = entry
        self.market = before.with_bet(entry.outcome_id, **amounts)
        return Reservation(ReservationState.RESERVED, entry, before)

    async def commit(self, key: ReservationKey, entries: Sequence[ExposureEntry], *, bet_id: UUID) -> None:
        await self._called("commit")
        (entry,) = entries
        self._take_out(self.reservations.pop(key, None))
        self._put_in(entry, bet_id)

    async def release(self, key: ReservationKey, places: Sequence[EntryPlace]) -> None:
        await self._called("release")
        self._take_out(self.reservations.pop(key, None))

    async def add_bet(self, entry: ExposureEntry, *, bet_id: UUID) -> None:
        await self._called("add_bet")
        self.added.add((bet_id, entry))
        self._put_in(entry, bet_id)

    async def remove_bet(self, bet_id: UUID, place: EntryPlace) -> None:
        await self._called("remove_bet")
        if self.failures:
            raise self.failures.pop()
        self.removed.add((bet_id, place))
        self._take_out(self.bets.pop(bet_id, None))

    async def _called(self, name: str) -> None:
        self.calls.append(name)
        await self.pause()
        if self.is_down:
            raise Unavailable(Part.RISK, f"Down; {UNDECIDED}")

    def _put_in(self, entry: ExposureEntry, bet_id: UUID) -> None:
        if bet_id not in self.bets:
            self.bets[bet_id] = entry
            self.market = self.market.with_bet(
                entry.outcome_id, stake_minor=entry.stake_minor, payout_minor=entry.payout_minor
            )

    def _take_out(self, entry: ExposureEntry | None) -> None:
        if entry is not None:
            self.market = self.market.with_bet(
                entry.outcome_id, stake_minor=-entry.stake_minor, payout_minor=-entry.payout_minor
            )


class FakeLedger:
    """Stores answers for ever, and claims until they are decided or forgotten; can fail, hang, and lack funds."""

    def __init__(self) -> None:
        self.answers: dict[tuple[UUID, UUID], tuple[bytes, BetAnswer]] = {}
        self.claims: dict[tuple[UUID, UUID], Claim] = {}
        self.calls: list[str] = []
        self.failure: Exception | None = None
        self.holding: asyncio.Event | None = None
        self.funds_minor = 1_000_000
        self.has_result = False  # when it is decided
        self.commands: list[PlaceCommand] = []
        self.is_deaf = False
        self.pause = no_pause

    async def place(self, command: PlaceCommand) -> BetAnswer:
        self.calls.append("place")
        self.commands.append(command)
        await self.pause()
        if self.holding is not None:
            await self.holding.wait()
        if self.failure is not None:
            raise self.failure
        key = (command.player_id, command.request_id)
        if key in self.answers:
            fingerprint, answer = self.answers[key]
            if fingerprint != command.fingerprint:
                raise RequestIdReused("Reused")
            return replace(answer, is_replay=True)
        if key in self.claims and self.claims[key].inquiry.fingerprint != command.fingerprint:
            raise RequestIdReused("Reused")
        answer = self._decide(command, self.claims.pop(key, None))
        self.answers[key] = (command.fingerprint, answer)
        await self.pause()
        return answer

    async def look(self, inquiry: Inquiry) -> Standing:
        self.calls.append("look")
        await self.pause()
        return self._standing(inquiry)

    async def claim(self, claim: Claim) -> Standing:
        self.calls.append("claim")
        await self.pause()
        standing = self._standing(claim.inquiry)
        room_minor = min(standing.available_minor, claim.market_stake_minor_max - standing.market_stake_minor)
        if standing.answer is None and (standing.is_claimed or claim.stake_minor <= room_minor):
            self.claims[claim.inquiry.player_id, claim.inquiry.request_id] = claim
            standing = replace(standing, is_claimed=True)
        await self.pause()
        return standing

    def _standing(self, inquiry: Inquiry) -> Standing:
        if self.is_deaf:
            raise Unavailable(Part.LEDGER, "Deaf")
        key = (inquiry.player_id, inquiry.request_id)
        found, claim = self.answers.get(key), self.claims.get(key)
        known = {
            fingerprint for fingerprint in (found and found[0], claim and claim.inquiry.fingerprint) if fingerprint
        }
        if known - {inquiry.fingerprint}:
            raise RequestIdReused("Reused")
        answer = None if found is None else replace(found[1], is_replay=True)
        others = [other for other_key, other in self.claims.items() if other_key != key]
        on_market = [other for other in others if _subject(other.inquiry) == _subject(inquiry)]
        return Standing(
            answer=answer,
            is_claimed=claim is not None,
            available_minor=self.funds_minor - sum(other.stake_minor for other in others),
            market_stake_minor=self._open_minor(_subject(inquiry)) + sum(other.stake_minor for other in on_market),
            time_us=0,
        )

    async def find_answer(self, player_id: UUID, request_id: UUID) -> BetAnswer | None:
        found = self.answers.get((player_id, request_id))
        return None if found is None else replace(found[1], is_replay=True)

    async def get_bet(self, player_id: UUID, bet_id: UUID) -> Bet | None:
        bets = [answer.bet for _, answer in self.answers.values() if answer.bet is not None]
        return next((bet for bet in bets if bet.bet_id == bet_id and bet.player_id == player_id), None)

    async def list_bets(
        self, player_id: UUID, *, status: BetStatus | None, size: int, before: str
    ) -> tuple[list[Bet], str]:
        bets = [answer.bet for _, answer in self.answers.values() if answer.bet is not None]
        return [bet for bet in bets if bet.player_id == player_id and status in {None, bet.status}], ""

    def _open_minor(self, subject: tuple[UUID, str, str]) -> int:
        bets = [answer.bet for _, answer in self.answers.values() if answer.bet is not None]
        return sum(
            bet.stake.amount_minor
            for bet in bets
            if (bet.player_id, bet.legs[0].fixture_id, bet.legs[0].market_id) == subject
        )

    def _room_minor(self, command: PlaceCommand) -> int:
        """Return what the market may still take of the player, as the real ledger finds it before it takes a bet."""
        if command.bounds is None:
            return command.stake.amount_minor
        (leg,) = command.legs
        claims = [claim for claim in self.claims.values() if claim.inquiry.player_id == command.player_id]
        subject = (command.player_id, leg.fixture_id, leg.market_id)
        claimed_minor = sum(claim.stake_minor for claim in claims if _subject(claim.inquiry) == subject)
        return command.bounds.market_stake_minor_max - self._open_minor(subject) - claimed_minor

    def _decide(self, command: PlaceCommand, claim: Claim | None) -> BetAnswer:
        refusal = command.refusal
        if refusal is None and self.has_result:
            refusal = BetRefusal("MARKET_CLOSED", "Too late")
        free_minor = self.funds_minor - sum(other.stake_minor for other in self.claims.values())
        if refusal is None and claim is None and command.stake.amount_minor > self._room_minor(command):
            room_minor = self._room_minor(command)
            refusal = BetRefusal("PLAYER_STAKE_LIMIT_EXCEEDED", "Too much on one market", room_minor, 10)
        if refusal is None and claim is None and command.stake.amount_minor > free_minor:
            refusal = BetRefusal("INSUFFICIENT_FUNDS", "Too poor", stake_max_minor=free_minor)
        if refusal is not None:
            return BetAnswer(None, refusal, None, is_replay=False)
        self.funds_minor -= command.stake.amount_minor
        bet = Bet(
            bet_id=uuid4(),
            player_id=command.player_id,
            request_id=command.request_id,
            legs=command.legs,
            lines=command.lines,
            stake=command.stake,
            potential_return_minor=command.potential_return_minor,
            status=BetStatus.OPEN,
            return_minor=0,
            placed_time_us=5,
            settled_time_us=None,
            events=(BetEvent(BetEventKind.ACCEPTED, 5, -command.stake.amount_minor),),
        )
        return BetAnswer(bet, None, Balance(self.funds_minor, 0, "EUR", len(self.answers) + 1), is_replay=False)


def _subject(inquiry: Inquiry) -> tuple[UUID, str, str]:
    return inquiry.player_id, inquiry.fixture_id, inquiry.market_id


class FakeObserver:
    """Keeps what placing tells it."""

    def __init__(self) -> None:
        self.answers: list[tuple[float, bool]] = []
        self.errors: list[str] = []
        self.left: list[ReservationKey] = []
        self.broken: list[BaseException] = []

    def note_answer(self, answer: BetAnswer, *, seconds: float) -> None:
        self.answers.append((seconds, answer.bet is not None))

    def note_error(self, error: DomainError) -> None:
        self.errors.append(error.reason)

    def note_left(self, key: ReservationKey) -> None:
        self.left.append(key)

    def note_broken(self, error: BaseException) -> None:
        self.broken.append(error)


class FakeFigures:
    def __init__(self) -> None:
        self.noted: list[tuple[float, bool]] = []

    def note_bet(self, latency_ms: float, *, is_accepted: bool) -> None:
        self.noted.append((latency_ms, is_accepted))
