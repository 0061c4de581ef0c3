"""What is printed where the terminal's encoding lacks our signs, and files that are read and written all the same."""

from __future__ import annotations

import ast
import os
import subprocess
import sys

import pytest

from infra.settings import ROOT

OURS = ("infra", "loadtests", "simulation", "gateway", "protos/generate.py", "protos/market_words.py")
TEXT_METHODS = ("read_text", "write_text")
PRINTED = "from infra import terminal; terminal.use_plain_signs(); print('\\u2713 a \\u2026 \\xfc \\u280b \\xb7')"


@pytest.mark.parametrize(
    ("language", "shown"),
    [("C", b"+ a ... ? ? -\n"), ("C.UTF-8", "✓ a … ü ⠋ ·\n".encode()), ("no_NO.where", b"+ a ... ? ? -\n")],
)
@pytest.mark.parametrize("utf8_mode", ["0", "1"])
def test_signs_are_plain_where_the_terminal_cannot_show_them(language: str, shown: bytes, utf8_mode: str) -> None:
    environment = {**os.environ, "LC_ALL": language, "LANG": language, "PYTHONUTF8": utf8_mode}
    environment.pop("PYTHONIOENCODING", None)
    done = subprocess.run(
        [sys.executable, "-c", PRINTED], cwd=ROOT, env=environment, capture_output=True, check=True, timeout=30
    )
    assert done.stdout == shown


def test_no_text_file_is_read_or_written_in_the_encoding_of_the_locale() -> None:
    files = [path for part in OURS for path in ([ROOT / part] if part.endswith(".py") else (ROOT / part).rglob("*.py"))]
    assert len(files) > 100
    bare = [f"{path}:{line}" for path in files for line in locale_reads(ast.parse(path.read_text(encoding="utf-8")))]
    assert bare == []


def locale_reads(tree: ast.Module) -> list[int]:
    """Return the lines that open text without saying its encoding."""
    lines = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        keywords = {keyword.arg for keyword in node.keywords}
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        modes = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
        is_text_mode = any(set(mode) <= set("rwa+") for mode in modes)
        is_text = name in TEXT_METHODS or (name in ("open", "fdopen", "NamedTemporaryFile") and is_text_mode)
        is_piped = name in ("run", "Popen") and "text" in keywords
        if (is_text or is_piped) and "encoding" not in keywords:
            lines.append(node.lineno)
    return lines


def test_a_read_without_an_encoding_is_found() -> None:
    text = "p.read_text()\nopen('x', 'w')\nopen('x', 'rb')\np.open('a', encoding='utf-8')\nrun(x, text=True)"
    assert locale_reads(ast.parse(text)) == [1, 2, 5]
