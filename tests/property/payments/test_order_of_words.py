"""In whatever order a provider's words arrive, and however often: an attempt ends in the same state."""

from __future__ import annotations

from itertools import permutations, product

from payments.deposit import AttemptState, advance
from payments.provider import Outcome

LENGTH_MAX = 5


def end_of(words: tuple[Outcome, ...]) -> AttemptState:
    state = AttemptState.SUBMITTED
    for word in words:
        state = advance(state, word, age_us=0)
    return state


def test_every_order_of_the_same_words_ends_alike() -> None:
    for length in range(1, LENGTH_MAX + 1):
        for words in product(Outcome, repeat=length):
            if list(words) == sorted(words):
                assert {end_of(order) for order in set(permutations(words))} == {end_of(words)}, words


def test_a_word_told_again_changes_nothing() -> None:
    for words in product(Outcome, repeat=3):
        for again in words:
            assert end_of((*words, again)) is end_of(words)


def test_money_is_credited_exactly_where_it_was_captured() -> None:
    for words in product(Outcome, repeat=4):
        assert (end_of(words) is AttemptState.CREDITED) == (Outcome.CAPTURED in words)
