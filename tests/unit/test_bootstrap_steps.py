"""What the set-up skips and what it does again."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from infra import bootstrap
from infra.settings import ROOT


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "STAMPS", tmp_path)
    monkeypatch.setattr(bootstrap, "LOG", tmp_path / "bootstrap.log")
    source = tmp_path / "source"
    source.write_text("1")
    return source


def _is_due(source: Path) -> bool:
    with bootstrap.step_due("step", [source]) as is_due:
        return is_due


def test_a_step_is_due_until_it_succeeded_and_again_when_its_source_changed(source: Path) -> None:
    assert _is_due(source)
    assert not _is_due(source)
    source.write_text("2")
    assert _is_due(source)


def test_a_step_that_failed_stays_due(source: Path) -> None:
    with pytest.raises(bootstrap.StepFailed), bootstrap.step_due("step", [source]):
        raise bootstrap.StepFailed("no network")
    assert _is_due(source)


def test_a_failure_shows_the_end_of_the_log_and_how_to_mend_it(source: Path) -> None:
    with pytest.raises(bootstrap.StepFailed) as failure:
        bootstrap.run(
            "Trying", [sys.executable, "-c", "print('out of space'); exit(3)"], mend="free some", cwd=source.parent
        )
    assert "Trying failed" in str(failure.value)
    assert "out of space" in str(failure.value)
    assert "To mend it: free some" in str(failure.value)


def test_the_lock_gives_uv_alone_with_its_hashes() -> None:
    stanza = bootstrap._find_requirement((ROOT / "requirements.lock").read_text(encoding="utf-8"), "uv")
    first, *rest = stanza.splitlines()
    assert first.startswith("uv==")
    assert "--hash=sha256:" in stanza
    assert all(line.startswith(" ") for line in rest)


def test_no_lock_file_names_a_package_server() -> None:
    for name in ("requirements.lock", "requirements-peers.lock", "web/package-lock.json", "infra/local/kafka/pom.xml"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "--index-url" not in text
        assert "--find-links" not in text
        assert '"resolved"' not in text
        assert "<repository>" not in text


def test_the_peers_agree_with_what_everything_else_runs_on() -> None:
    pinned = _pins("requirements.lock")
    shared = {name: version for name, version in _pins("requirements-peers.lock").items() if name in pinned}
    assert "numpy" in shared
    assert shared == {name: pinned[name] for name in shared}


def _pins(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("name", ["a:b", "a\nb"])
def test_a_folder_that_programs_cannot_be_pointed_at_is_refused_before_anything_is_installed(
    name: str, tmp_path: Path
) -> None:
    with pytest.raises(bootstrap.StepFailed, match="must hold no colon and no line break"):
        bootstrap.expect_usable_path(tmp_path / name)


@pytest.mark.parametrize("name", ["plain", "with space", "Über & Söhne, 50 %", "a'b\"c$d\\e"])
def test_any_other_folder_is_taken(name: str, tmp_path: Path) -> None:
    bootstrap.expect_usable_path(tmp_path / name)


def test_folders_of_modules_are_listed_without_the_name_of_the_checkout(tmp_path: Path) -> None:
    packages = tmp_path / "Über" / ".venv" / "packages"
    packages.mkdir(parents=True)
    listed = packages / "ours.pth"
    listed.write_bytes(f"{tmp_path}/Über\n{tmp_path}/Über/protos/gen\n".encode())
    for _ in range(2):
        bootstrap.make_relative(listed)
        assert listed.read_bytes() == b"../..\n../../protos/gen\n"
