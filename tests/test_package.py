"""What is published: the wheel holds the package and nothing else, and works where it is alone."""

from __future__ import annotations

import configparser
import email
import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import jaxsched as js

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
MISSING = [name for name in ("build", "hatchling", "twine") if find_spec(name) is None]

pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)}: extra dev"),
    pytest.mark.xdist_group("package"),  # one build for all
]


def run(*command: str | Path, cwd: Path = ROOT, **environment: str) -> str:
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> tuple[Path, Path]:
    """The wheel, made of the source distribution, and that; with the tools installed, without a network."""
    folder = tmp_path_factory.mktemp("dist")
    # From elsewhere, so that a folder `build` of the working tree does not hide the tool.
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    (wheel,), (source,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return wheel, source


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    options = ("--no-deps", "--no-index", "--no-warn-script-location", "--target", folder)
    run(sys.executable, "-m", "pip", "install", "--quiet", *options, built[0])
    return folder


def test_the_names_say_version_and_platform(built):
    names = [path.name for path in built]
    assert names == [
        f"jaxsched-{js.__version__}-py3-none-any.whl",
        f"jaxsched-{js.__version__}.tar.gz",
    ]


def test_the_wheel_holds_the_package_and_nothing_else(built):
    names = zipfile.ZipFile(built[0]).namelist()
    package = {str(path.relative_to(ROOT)) for path in (ROOT / "jaxsched").rglob("*.py")}
    info = f"jaxsched-{js.__version__}.dist-info"
    described = {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"}
    assert len(names) == len(set(names))
    assert set(names) == package | {"jaxsched/py.typed"} | {f"{info}/{name}" for name in described}


def test_the_source_holds_what_the_tests_need_and_no_leavings(built):
    with tarfile.open(built[1]) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]
    for needed in ("README.md", "LICENSE", "pyproject.toml", "jaxsched/py.typed", "tests/cases.py"):
        assert needed in names
    leavings = ("__pycache__", ".pyc", ".git/", ".hypothesis", ".ruff_cache", ".pytest_cache")
    assert not [name for name in names if any(part in name for part in leavings)]


def test_the_metadata_is_the_projects(built):
    with zipfile.ZipFile(built[0]) as wheel:
        text = wheel.read(f"jaxsched-{js.__version__}.dist-info/METADATA").decode()
    said = email.message_from_string(text)
    assert said["Name"] == "jaxsched"
    assert said["Version"] == js.__version__
    assert said["Requires-Python"] == PROJECT["requires-python"]
    assert said["License-Expression"] == "Apache-2.0"
    required = [line for line in said.get_all("Requires-Dist") if "extra ==" not in line]
    assert sorted(required) == sorted(PROJECT["dependencies"])
    assert set(said.get_all("Provides-Extra")) == set(PROJECT["optional-dependencies"])
    assert said.get_payload().strip() == (ROOT / "README.md").read_text().strip()


def test_twine_accepts_both(built):
    assert run(sys.executable, "-m", "twine", "check", "--strict", *built).count("PASSED") == 2


PROGRAM = (ROOT / "tests" / "alone.py").read_text()


def test_it_works_where_it_is_installed_alone(installed, tmp_path):
    """In an empty folder, from the wheel's files, every module of it imported."""
    command = (sys.executable, "-W", "error", "-c", PROGRAM)
    where = run(*command, cwd=tmp_path, PYTHONPATH=str(installed), JAX_PLATFORMS="cpu")
    assert where.split() == [str(installed), js.__version__]


def required(names: list[str], found: set[str]) -> set[str]:
    """The distributions that these require, and those in turn."""
    for line in names:
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            name = canonicalize_name(requirement.name)
            if name not in found:
                found.add(name)
                required(metadata.requires(name) or [], found)
    return found


def test_what_it_declares_is_all_that_it_needs(installed, tmp_path):
    """With nothing in reach but what the wheel requires, and that in turn: links to what is here.

    .ci/run has pip install it; this needs no network.
    """
    site, empty = tmp_path / "site", tmp_path / "empty"
    site.mkdir()
    empty.mkdir()
    (info,) = installed.glob("*.dist-info")
    names = required(metadata.PathDistribution(info).requires or [], set())
    assert {"jax", "jaxlib", "numpy", "optax"} <= names
    assert not names & {"matplotlib", "pyyaml", "pytest", "hypothesis", "mpmath"}
    for name in names:
        distribution = metadata.distribution(name)
        tops = {path.parts[0] for path in distribution.files or []} - {"..", "__pycache__"}
        for top in tops:
            target = Path(str(distribution.locate_file(top)))
            if target.exists() and not (site / top).exists():
                (site / top).symlink_to(target)
    command = (sys.executable, "-S", "-s", "-W", "error", "-c", PROGRAM)  # no site-packages
    paths = os.pathsep.join(map(str, (installed, site)))
    where = run(*command, cwd=empty, PYTHONPATH=paths, JAX_PLATFORMS="cpu")
    assert where.split() == [str(installed), js.__version__]


def test_the_command_is_declared_and_runs(installed, tmp_path):
    (entry_points,) = installed.glob("*.dist-info/entry_points.txt")
    declared = configparser.ConfigParser()
    declared.read_string(entry_points.read_text())
    assert dict(declared["console_scripts"]) == PROJECT["scripts"]
    command = (installed / "bin" / "jaxsched", "show", "linear_schedule(1.0, 0.0, 10)")
    shown = run(*command, cwd=tmp_path, PYTHONPATH=str(installed), JAX_PLATFORMS="cpu")
    assert "linear_schedule" in shown
