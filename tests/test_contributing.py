"""CONTRIBUTING.md does what it says: its blocks, put where their first line names, pass the laws."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ADDED = ("smoothstep", "logarithmic_decay")


def blocks() -> list[tuple[str, str]]:
    """(file, text to add to it) of each Python block."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    return re.findall(r"^```python\n# (\S+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    """The package and what its laws need, with the blocks added at the end of their files, or imports."""
    folder = tmp_path_factory.mktemp("contribution")
    for name in ("jaxsched", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    for file, added in blocks():
        path = folder / file
        before, mark, after = path.read_text().partition("\n__version__")  # in `__init__.py` alone
        path.write_text(f"{before}\n\n{added}{mark}{after}")
    return folder


def run(folder: Path, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


def passed(output: str) -> int:
    found = re.search(r"(\d+) passed", output)
    return int(found[1]) if found else 0


def test_the_blocks_name_files_and_are_all_there_is_to_add():
    files = [file for file, _ in blocks()]
    assert all((ROOT / file).is_file() for file in files)
    assert len(files) == (ROOT / "CONTRIBUTING.md").read_text().count("```python") == 5


def test_the_laws_hold_for_what_was_added(copy):
    laws = len(re.findall(r"^def test_\w+\(case", (copy / "tests/test_laws.py").read_text(), re.M))
    chosen = " or ".join((*ADDED, "every_public_schedule", "name_the_public_module"))
    code, output = run(copy, "tests/test_laws.py", "-k", chosen)
    assert code == 0, output
    # The shape falling and rising, and the schedule, which never settles; the last three.
    assert passed(output) == 3 * laws - 1 + 3


def test_the_examples_run(copy):
    files = ("jaxsched/__init__.py", "jaxsched/shapes.py")
    code, output = run(copy, *files, "-k", " or ".join(ADDED))
    assert code == 0, output
    assert passed(output) == 2


def test_the_laws_would_find_a_mistake(copy):
    mistakes = {
        "jaxsched/shapes.py": ("remaining * remaining * (", "remaining * remaining * 1.001 * ("),
        "jaxsched/_forms/power_law.py": ("(nx.log1p(scaled(", "(nx.log1p(1e-6 + scaled("),
    }
    for file, (right, wrong) in mistakes.items():
        text = (copy / file).read_text()
        assert text.count(right) == 1
        (copy / file).write_text(text.replace(right, wrong))
    code, output = run(
        copy, "tests/test_laws.py", "-k", f"({' or '.join(ADDED)}) and host_is_exact"
    )
    assert code == 1
    failed = set(re.findall(r"^FAILED .*test_host_is_exact\[(.*?)\]", output, re.MULTILINE))
    assert failed >= {"logarithmic_decay", "transition_schedule/smoothstep"}, output
