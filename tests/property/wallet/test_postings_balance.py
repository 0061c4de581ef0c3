"""Whatever postings are made, they balance, and reversing them takes back exactly what they did."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kernel.money import Money
from wallet.posting import AccountKind, Posting, net_minor, reverse

ACCOUNTS = st.integers(1, 6)


@st.composite
def any_postings(draw: st.DrawFn) -> tuple[Posting, ...]:
    pairs = draw(st.lists(st.lists(ACCOUNTS, min_size=2, max_size=2, unique=True), max_size=12))
    return tuple(
        Posting(debit, credit, Money(draw(st.integers(1, 10**12)), draw(st.sampled_from(["EUR", "SEK"]))), "payout")
        for debit, credit in pairs
    )


@given(any_postings())
def test_each_currency_sums_to_zero(postings: tuple[Posting, ...]) -> None:
    net = net_minor(postings)
    for currency in ("EUR", "SEK"):
        assert sum(minor for (_, of), minor in net.items() if of == currency) == 0


@given(any_postings())
def test_what_is_reversed_twice_is_as_it_was(postings: tuple[Posting, ...]) -> None:
    assert reverse(reverse(postings)) == postings


@given(any_postings())
def test_postings_and_their_reversal_move_nothing(postings: tuple[Posting, ...]) -> None:
    assert not any(net_minor((*postings, *reverse(postings))).values())


def test_only_what_a_player_has_is_guarded() -> None:
    guarded = {kind for kind in AccountKind if kind.is_guarded}
    assert AccountKind.CASH in guarded
    assert not {AccountKind.RECEIVABLE, AccountKind.STAKES, AccountKind.TEST_MONEY} & guarded
