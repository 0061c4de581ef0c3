"""The command line in its first second."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from infra.settings import ROOT

INTERRUPTED = """
import builtins, os, signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a run in the background inherits that it is ignored
from infra.cli import main
imported = builtins.__import__
def interrupt(name, *others, **more):
    if name.partition(".")[0] == {name!r}:
        os.kill(os.getpid(), signal.SIGINT)
    return imported(name, *others, **more)
builtins.__import__ = interrupt
main()
"""
"""Ctrl-C comes while a package is read in."""


@pytest.mark.parametrize("name", ["typer", "pydantic", "asyncio"])
def test_ctrl_c_in_the_first_second_is_answered_with_a_sentence(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED.format(name=name), "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stderr, done.returncode) == ("overround: stopped by Ctrl-C\n", 128 + signal.SIGINT)
