"""Every program in examples/ runs, with small settings and warnings as errors, and shows its results."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PNG = b"\x89PNG\r\n\x1a\n"


def run(program: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs a program in an empty folder, where nothing but its output can appear."""
    return subprocess.run(
        [sys.executable, "-W", "error", str(ROOT / program), *arguments],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "JAX_NUMPY_DTYPE_PROMOTION": "standard",
        },  # for Adam
        capture_output=True,
        text=True,
    )


def test_every_example_is_tested():
    tests = "".join(path.read_text() for path in (ROOT / "tests").glob("test_*.py"))
    examples = [path.name for path in (ROOT / "examples").glob("*.py")]
    assert [name for name in examples if f'{name}"' not in tests] == []


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """(the folder it ran in, what it said)"""
    folder = tmp_path_factory.mktemp("quickstart")
    return folder, run(
        "examples/quickstart.py", "--epochs", "2", "--output", "a.png", folder=folder
    )


def test_quickstart(quickstart):
    folder, done = quickstart
    assert done.returncode == 0, done.stderr
    row = r"^(\w[\w +]*?) *\|((?: +[\d.]+){5}) +\| +([\d.]+) \| ([\d.]+) \+- ([\d.]+)$"
    rows = re.findall(row, done.stdout, re.MULTILINE)
    names = ["constant", "step", "exponential", "cosine", "warmup + cosine"]
    assert [name for name, *_ in rows] == names
    for _, accuracies, rate, mean, spread in rows:
        by_rate = dict(zip((0.03, 0.1, 0.3, 1.0, 2.0), map(float, accuracies.split()), strict=True))
        assert by_rate[float(rate)] == max(by_rate.values())
        assert 80 < float(mean) <= 100  # chance is 10
        assert 0 < float(spread) < 10
    assert "= 200 networks, 36 steps each" in done.stdout
    assert re.search(r"compiled once in [\d.]+ s, then [\d.]+ s of training", done.stdout)
    assert done.stdout.endswith(" s in all. Picture: a.png\n")
    assert [path.name for path in folder.iterdir()] == ["a.png"]
    assert (folder / "a.png").read_bytes().startswith(PNG)
    assert "2/2" in done.stderr  # the progress bar


def test_quickstart_repeats_itself_and_heeds_the_seed(quickstart, tmp_path):
    options = ("--epochs", "2", "--output", "b.png")
    outputs = [quickstart[1].stdout] + [
        run("examples/quickstart.py", *options, "--seed", seed, folder=tmp_path).stdout
        for seed in ("0", "1")
    ]
    first, again, other = ([x for x in out.splitlines() if "|" in x] for out in outputs)
    assert len(first) == len(other) == 7
    assert first == again != other


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["--help"], 0, "--seed SEED"),
        (["--epochs", "0"], 2, "--epochs must be at least 1"),
        (["--seed", "x"], 2, "invalid int value"),
    ],
)
def test_quickstart_arguments(arguments, code, text, tmp_path):
    done = run("examples/quickstart.py", *arguments, folder=tmp_path)
    assert done.returncode == code
    assert text in done.stdout + done.stderr


SMALL = {
    "examples/sweep.py": ("--epochs", "2", "--output", "a.png"),
    "examples/learn_schedule.py": ("--steps", "60", "--rounds", "3", "--output", "a.png"),
    "examples/layerwise.py": ("--steps", "20", "--output", "a.png"),
}


@pytest.mark.parametrize("program", SMALL)
def test_example_draws_its_picture(program, tmp_path):
    done = run(program, *SMALL[program], folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "a.png" in done.stdout
    assert (tmp_path / "a.png").read_bytes().startswith(PNG)


def test_gallery_draws_a_picture_of_every_schedule(tmp_path):
    done = run("docs/gallery.py", "--output", "images", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    drawn = {path.name for path in (tmp_path / "images").iterdir()}
    assert drawn == {path.name for path in (ROOT / "docs/images").iterdir()}
    assert all(path.read_bytes().startswith(PNG) for path in (tmp_path / "images").iterdir())
