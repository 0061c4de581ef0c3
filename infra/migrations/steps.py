"""Numbered steps of a migration, and which of them are new."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kernel.errors import InvariantBroken


@dataclass(frozen=True, slots=True)
class Step:
    """One file; its digest tells whether it was changed after it was applied."""

    name: str
    text: str

    @property
    def digest(self) -> str:
        """Return what stands for the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def read_steps(folder: Path, pattern: str) -> list[Step]:
    """Return the files of a folder in the order of their names."""
    return [Step(path.stem, path.read_text(encoding="utf-8")) for path in sorted(folder.glob(pattern))]


def find_pending(steps: list[Step], taken: Mapping[str, str]) -> list[Step]:
    """Return the steps that are not among those taken, a digest by name.

    Raises:
        InvariantBroken: If a step that was taken reads differently now.
    """
    for step in steps:
        if taken.get(step.name, step.digest) != step.digest:
            raise InvariantBroken(f"Migration {step.name} was changed after it was applied: write a new step instead")
    return [step for step in steps if step.name not in taken]


def describe_pending(pending: list[Step], steps: list[Step]) -> str:
    """Say in a line what was done."""
    return f"{len(pending)} of {len(steps)} migrations were new"
