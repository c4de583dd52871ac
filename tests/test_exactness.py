"""docs/exactness.md says of every schedule how exact it is, and what it says of ours is measured again."""

from __future__ import annotations

import math
import re
import runpy
import sys
from dataclasses import replace

import jax
import mpmath as mp
import optax
import pytest
from case import Case

import jaxsched as js
from benchmarks import exactness
from benchmarks.exactness import BENCHMARKED, LEEWAY, PAGE, REGISTRY, STAIRS, Row

pytestmark = pytest.mark.skipif(
    bool(jax.config.jax_enable_x64), reason="the page is about float32, the precision of devices"
)

SAMPLE = [
    "linear_schedule/rising",
    "polynomial_decay",
    "exponential_decay/slow",
    "exponential_decay/short stairs",
    "cosine_decay_schedule/huge",
    "warmup_cosine_decay_schedule",
    "join_schedules/nested",
    "transition_schedule/exponential",
    "repeat/growing",
    "with_noise",
    "cosine_decay_restarts",
    "natural_exp_decay",
    "torch_onecycle_schedule",
]

FEW = [
    "warmup_cosine_decay_schedule",
    "infinite_schedule",
    "swa_schedule",
    "with_cooldown",
]  # as in the host benchmark

# What optax answers to a length of 0 and a peak of 0 is another curve: the README's table of differences.
DIFFERENT = {
    "linear_schedule/no steps",
    "exponential_decay/no steps",
    "warmup_cosine_decay_schedule/from zero peak",
}


def table(heading: str) -> dict[str, list[str]]:
    """First cell -> the others, of the table under a heading."""
    section = PAGE.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")][2:]
    cells = [line.strip("| ").split(" | ") for line in lines]
    return {name: values for name, *values in cells}


ROWS = table("Every schedule")
AS_BENCHMARKED = table("As in the host benchmark")
BOTH = [*ROWS.values(), *AS_BENCHMARKED.values()]
TABLES = ((ROWS, REGISTRY), (AS_BENCHMARKED, BENCHMARKED))


def test_every_case_has_a_row():
    assert list(ROWS) == list(REGISTRY)
    assert list(AS_BENCHMARKED) == list(BENCHMARKED)


@pytest.mark.parametrize(
    ("shown", "case"),
    [(rows[name], known[name].case) for rows, known in TABLES for name in known],
)
def test_ours_are_within_their_bounds(shown, case):
    largest, median, *_, host, host_median, _, _ = shown
    assert float(median) <= float(largest) <= case.ulp
    assert float(host_median) <= float(host) <= 2**53 * 1e-13


@pytest.mark.parametrize(
    ("row", "known"),
    [(ROWS[n], REGISTRY[n]) for n in SAMPLE] + [(AS_BENCHMARKED[n], BENCHMARKED[n]) for n in FEW],
    ids=[*SAMPLE, *(f"{name} as benchmarked" for name in FEW)],
)
def test_ours_measured_again(row, known):
    device, host = exactness.measure_ours(known)
    for errors, largest, median in ((device, row[0], row[1]), (host, row[6], row[7])):
        assert abs(errors.largest - float(largest)) <= LEEWAY
        assert abs(errors.median - float(median)) <= 0.25


@pytest.mark.parametrize("name", STAIRS)
def test_no_stair_of_ours_is_wrong(name):
    assert exactness.wrong_stairs(name, ("jaxsched",), count=200)["jaxsched"] == 0
    assert table("Stairs")[name][1] == "0.0"


def line(slope: float) -> Case:
    """A straight line down in 1000 steps, and a reference that may be off."""
    return Case(
        lambda: js.linear_schedule(1.0, 0.5, 1000),
        lambda t: 1 - min(t, mp.mpf(1000)) / 2000 * mp.mpf(slope),
        (1000,),
    )


def test_the_measurement_tells_a_digit():
    """An error of 1e-5 in a hyperparameter shows, and another curve is refused."""
    exact, off = (exactness.measure_ours(Row(line(slope)))[0] for slope in (1.0, 1.00001))
    assert exact.largest < 2
    assert 50 < off.largest < 200
    with pytest.raises(ValueError, match="another curve than linear_schedule"):
        exactness.measure_ours(Row(line(50.0)))


def test_the_measurement_tells_a_wrong_stair(monkeypatch):
    """Stairs counted one step late."""
    name = "exponential_decay/short stairs"
    case = REGISTRY[name].case
    late = replace(case, make=lambda: js.delay(case.make(), 10))
    monkeypatch.setitem(REGISTRY, name, Row(late))
    wrong = exactness.wrong_stairs(name, ("jaxsched",), count=1000)["jaxsched"]
    assert 0.2 < wrong < 3  # one in a hundred steps is within ten of an edge


@pytest.mark.parametrize("name", ["linear_schedule", "cosine_decay_schedule", "sgdr_schedule"])
def test_the_optax_column_measured_again(name):
    """In orders of magnitude: versions and processors round differently."""
    found = exactness.measure_optax(REGISTRY[name]).largest
    assert math.log10(found) == pytest.approx(math.log10(float(ROWS[name][2])), abs=1.0)


def test_the_peers_with_the_same_curve_are_all_there():
    """What optax has by the same name is compared with it, but for the differences on purpose."""
    by_name = {name for name in ROWS if hasattr(optax.schedules, name.partition("/")[0])}
    shared = {name for name, row in ROWS.items() if row[2] != "-"}
    assert by_name - shared == DIFFERENT
    for name, row in REGISTRY.items():
        assert (ROWS[name][4] != "-", ROWS[name][8] != "-") == (
            bool(row.keras or row.tensorflow),
            bool(row.torch),
        )


def test_the_peers_of_the_host_benchmark_are_all_there():
    """Of every schedule and operator that it compares with optax, Keras, TensorFlow or torch.

    But of what stands beside a lambda on optax's schedules: the page names all of these, and has ours.
    """
    written = []
    for name, entry in sys.modules["_schedules"].__dict__["SCHEDULES"].items():
        expected = (entry.optax, entry.keras or entry.tensorflow, entry.torch)
        if getattr(entry.optax, "__name__", "") == "by_lambda":
            written.append(name)
        elif any(expected):
            row = AS_BENCHMARKED[name]
            assert [row[column] != "-" for column in (2, 4, 8)] == list(map(bool, expected))
    text = " ".join(PAGE.read_text().split())
    left_out = re.search(r"are left out: (.*?); of ours", text)[1]
    assert re.findall("`(.*?)`", left_out) == written
    assert set(written) <= set(ROWS)
    joins = re.search(r"those that a join of optax's makes: (.*?)\. Those", text)[1]
    operators = sys.modules["_schedules"].__dict__["OPERATORS"]
    assert re.findall("`(.*?)`", joins) == [name for name in AS_BENCHMARKED if name in operators]


def test_what_is_lacking_is_said(monkeypatch):
    """In words, before anything is measured."""
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(SystemExit) as stopped:
        runpy.run_path(exactness.__file__, run_name="__main__")
    assert re.fullmatch(
        r"exactness\.py needs (\w+, )*torch: pip install -e '\.\[test,peers\]'", stopped.value.code
    )


def test_the_conclusion_is_the_tables():
    conclusion = " ".join(PAGE.read_text().split("\n\n")[1].split())
    bound = int(re.search(r"within (\d+) units in the last place of float32", conclusion)[1])
    assert bound == math.ceil(max(float(row[0]) for row in BOTH))
    host, whose = re.search(
        r"on the host within (\d+) units of float64 \(`(.*?)`\)", conclusion
    ).groups()
    largest = max(float(row[6]) for row in BOTH)
    assert int(host) == math.ceil(largest)
    assert largest in {float(rows[whose][6]) for rows, _ in TABLES if whose in rows}
    for column, whose in (
        (2, "rows of the tables that optax has"),
        (4, "of Keras"),
        (8, "of torch"),
    ):
        cells = [row[column] for row in BOTH if row[column] != "-"]
        far = sum(cell in ("not 0", "NaN") or float(cell) > 1000 for cell in cells)
        medians = [row[column + 1] for row in BOTH if row[column] != "-"]
        near = sum(cell not in ("not 0", "NaN") and float(cell) <= 1 for cell in medians)
        first, second = conclusion.split("; but somewhere it is ")
        assert f" {near} of {len(cells)} {whose}" in first
        assert f" {far} of {len(cells)} {whose}" in second


@pytest.mark.parametrize(("none", "median"), [(0, 1.0), (9, 1.0), (10, math.nan), (20, math.nan)])
def test_no_number_is_infinitely_far(none, median):
    """It shows in the largest error, and in the median where half of the values are none."""
    unit, steps = 2.0**-24, range(20)
    case = replace(line(1.0), reference=lambda t: mp.mpf(0.75))
    values = [math.nan] * none + [0.75 + unit] * (20 - none)
    found = exactness.errors(case, steps, values, exactness.np.float32)
    assert math.isnan(found.largest) == bool(none)
    assert found.median == pytest.approx(median, nan_ok=True)
