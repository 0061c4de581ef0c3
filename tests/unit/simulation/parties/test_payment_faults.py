"""What a simulated payment provider does is said by the token, else drawn by the seed: the same every time."""

from __future__ import annotations

from collections import Counter

from simulation.parties.payment_faults import COURSES, WEIGHTS, course_of


def test_a_token_names_its_course() -> None:
    assert [course_of(f"tok_{name}", seed=1, reference="r") for name in COURSES] == list(COURSES.values())


def test_other_tokens_draw_one_that_stays_the_same_and_differs_by_seed() -> None:
    drawn = [[course_of("tok_4242", seed=seed, reference=str(n)) for n in range(300)] for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_every_course_is_drawn_about_as_often_as_it_is_said() -> None:
    assert WEIGHTS.keys() == COURSES.keys()
    assert sum(WEIGHTS.values()) == 100
    drawn = Counter(course_of("tok_x", seed=3, reference=str(n)).answered for n in range(4_000))
    assert 0.05 < drawn["declined"] / 4_000 < 0.15
