"""What the one question costs, without any I/O: `python -m tests.bench.bench_permit [asked]`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from compliance.jurisdiction import LimitWindow, Product
from compliance.limits import DepositLimit
from infra.house import read_permits
from infra.settings import HOUSE_DIR
from kernel.clock import SystemClock
from kernel.money import Money
from pam.player import Player, PlayerRole, PlayerStatus

PLAYER = Player(UUID(int=7), "ann", PlayerRole.BETTOR, PlayerStatus.ACTIVE, "EUR", 70, 1, 0)
LIMITS = tuple(DepositLimit(window, 10_000, 2_500) for window in LimitWindow)


def main(asked: int) -> None:
    permits, amount = read_permits(HOUSE_DIR, home="default", clock=SystemClock()), Money(1_000, "EUR")
    bettor = replace(PLAYER, jurisdiction="malta")
    excluded = replace(bettor, excluded_until_us=2_000_000_000_000_000)
    bet, pay_in = Product.SPORTS_BET, Product.TEST_DEPOSIT
    questions: dict[str, Callable[[], object]] = {
        "a bet that is permitted": lambda: permits.ask(bettor, bet, amount=amount),
        "a deposit within three limits": lambda: permits.ask(bettor, pay_in, amount=amount, limits=LIMITS),
        "a deposit above them": lambda: permits.ask(bettor, pay_in, amount=Money(7_501, "EUR"), limits=LIMITS),
        "a bet of an excluded player": lambda: permits.ask(excluded, bet, amount=amount),
    }
    for what, ask in questions.items():
        took_ns = []
        for _ in range(asked):
            begun_ns = time.perf_counter_ns()
            ask()
            took_ns.append(time.perf_counter_ns() - begun_ns)
        took_ns.sort()
        p50, p99 = (took_ns[int(asked * share)] / 1_000 for share in (0.5, 0.99))
        sys.stdout.write(f"{what}: p50 {p50:.1f} us, p99 {p99:.1f} us\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000)
