"""Rules for names and passwords, and what a log-in may be told."""

from __future__ import annotations

import re
from typing import Final

from kernel.errors import Category, DomainError

USERNAME_LENGTHS: Final = (3, 32)
PASSWORD_LENGTHS: Final = (10, 128)

_USERNAME = re.compile(rf"[a-z0-9_.-]{{{USERNAME_LENGTHS[0]},{USERNAME_LENGTHS[1]}}}", re.ASCII)


class UsernameMalformed(DomainError):
    """A name does not have the form it must have."""

    reason = "USERNAME_MALFORMED"
    category = Category.MALFORMED


class PasswordMalformed(DomainError):
    """A password is too short, too long, or the name itself."""

    reason = "PASSWORD_MALFORMED"
    category = Category.MALFORMED


class LogInRefused(DomainError):
    """Name and password do not belong together; which of the two is wrong is not said."""

    reason = "LOG_IN_REFUSED"
    category = Category.UNAUTHENTICATED

    def __init__(self) -> None:
        super().__init__("Username and password must belong together, they do not")


class LoginRateLimited(DomainError):
    """So many log-ins failed, for a name from an address or from the address, that the next has to wait."""

    reason = "LOGIN_RATE_LIMITED"
    category = Category.BUSY


def is_username(text: str) -> bool:
    """Return whether the text can be a name at all."""
    return _USERNAME.fullmatch(text) is not None


def expect_username(text: str) -> None:
    """Let only a well-formed name pass.

    Raises:
        UsernameMalformed: If it is not.
    """
    if not is_username(text):
        shortest, longest = USERNAME_LENGTHS
        raise UsernameMalformed(f"Username must be {shortest} to {longest} of a-z 0-9 _ . -")


def expect_password(password: str, *, username: str) -> None:
    """Let only a password pass that is worth hashing; neither it nor its length is told.

    Raises:
        PasswordMalformed: If it is too short, too long or the name itself.
    """
    shortest, longest = PASSWORD_LENGTHS
    if not shortest <= len(password) <= longest:
        raise PasswordMalformed(f"Password must have {shortest} to {longest} characters")
    if password.casefold() == username:
        raise PasswordMalformed("Password must differ from the username")
