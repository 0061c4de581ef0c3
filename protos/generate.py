"""Generate code from the contracts, words from the catalogue of markets, and pages; with --check compare only."""

from __future__ import annotations

import argparse
import filecmp
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

from protos.market_words import write_market_page, write_market_words

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
PYTHON_OUT = PROTOS / "gen"
TYPESCRIPT_OUT = ROOT / "web" / "src" / "wire" / "gen"
MARKET_WORDS_OUT = ROOT / "web" / "src" / "markets" / "gen"
PAGES_OUT = ROOT / "docs" / "gen"
PLUGINS = Path(sys.executable).parent
PROTOC_GEN_ES = ROOT / "web" / "node_modules" / ".bin" / "protoc-gen-es"
TIMEOUT_S = 120


def main() -> int:
    """Write the generated trees, or report how they differ from what is committed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail where the committed code differs")
    is_check = parser.parse_args().check
    with tempfile.TemporaryDirectory() as scratch:
        python_new, typescript_new = Path(scratch, "python"), Path(scratch, "typescript")
        words_new, pages_new = Path(scratch, "words"), Path(scratch, "pages")
        generate(python_out=python_new, typescript_out=typescript_new)
        write_market_words(words_new)
        write_pages(pages_new, python=python_new)
        pairs = [
            *((python_new, PYTHON_OUT), (typescript_new, TYPESCRIPT_OUT)),
            *((words_new, MARKET_WORDS_OUT), (pages_new, PAGES_OUT)),
        ]
        if is_check:
            differences = [line for new, old in pairs for line in compare(new, old)]
            print("\n".join(differences) or "what is generated matches what it is generated from")
            return 1 if differences else 0
        for new, old in pairs:
            shutil.rmtree(old, ignore_errors=True)
            shutil.copytree(new, old)
    return 0


def generate(*, python_out: Path, typescript_out: Path) -> None:
    """Run protoc for both languages into empty folders."""
    sources = sorted(str(path.relative_to(PROTOS)) for path in PROTOS.glob("overround/**/*.proto"))
    includes = [f"-I{PROTOS}", f"-I{files('grpc_tools') / '_proto'}"]
    stubs = [f"--plugin={name}={PLUGINS / name}" for name in ("protoc-gen-mypy", "protoc-gen-mypy_grpc")]
    services = [source for source in sources if source.endswith("_service.proto")]
    run_protoc([*includes, *stubs, "--mypy_opt=quiet"], python_out, sources, "python", "mypy")
    run_protoc([*includes, *stubs, "--mypy_grpc_opt=quiet"], python_out, services, "grpc_python", "mypy_grpc")
    run_protoc(
        [*includes, f"--plugin=protoc-gen-es={PROTOC_GEN_ES}", "--es_opt=target=ts"], typescript_out, sources, "es"
    )


def write_pages(out: Path, *, python: Path) -> None:
    """Write what is generated for readers; topics may carry messages that only the new Python has."""
    out.mkdir(parents=True)
    write_market_page(out)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (python, ROOT)))}
    command = [sys.executable, "-m", "protos.topic_page", str(out)]
    subprocess.run(command, check=True, cwd=ROOT, env=environment, timeout=TIMEOUT_S)


def run_protoc(options: list[str], out: Path, sources: list[str], *plugins: str) -> None:
    """Run protoc once; its complaint goes to standard error and ends the program."""
    out.mkdir(parents=True, exist_ok=True)
    outputs = [f"--{plugin}_out={out}" for plugin in plugins]
    command = [sys.executable, "-m", "grpc_tools.protoc", *options, *outputs, *sources]
    subprocess.run(command, check=True, cwd=PROTOS, timeout=TIMEOUT_S)


def compare(new: Path, old: Path) -> list[str]:
    """Return one line for each file that is missing, left over or different."""
    wanted = {path.relative_to(new) for path in new.rglob("*") if path.is_file()}
    found = {path.relative_to(old) for path in old.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    lines = [f"missing: {old / path}" for path in sorted(wanted - found)]
    lines += [f"left over: {old / path}" for path in sorted(found - wanted)]
    both = sorted(wanted & found)
    lines += [f"differs: {old / path}" for path in both if not filecmp.cmp(new / path, old / path, shallow=False)]
    return lines


if __name__ == "__main__":
    sys.exit(main())
