"""docs/exactness.md says of every schedule how exact it is, and what it says of ours is measured again."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import jax
import mpmath as mp
import optax
import pytest
from case import Case

import jaxsched as js
from benchmarks import exactness
from benchmarks.exactness import ALL, LEEWAY, PAGE, STAIRS

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


def test_every_case_has_a_row():
    assert list(ROWS) == list(ALL)


@pytest.mark.parametrize("name", ALL)
def test_ours_are_within_their_bounds(name):
    largest, median, *_, host, host_median, _, _ = ROWS[name]
    assert float(median) <= float(largest) <= ALL[name].ulp
    assert float(host_median) <= float(host) <= 2**53 * 1e-13


@pytest.mark.parametrize("name", SAMPLE)
def test_ours_measured_again(name):
    device, host = exactness.measure_ours(ALL[name])
    row = ROWS[name]
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
    exact, off = (exactness.measure_ours(line(slope))[0] for slope in (1.0, 1.00001))
    assert exact.largest < 2
    assert 50 < off.largest < 200
    with pytest.raises(ValueError, match="another curve than linear_schedule"):
        exactness.measure_ours(line(50.0))


def test_the_measurement_tells_a_wrong_stair(monkeypatch):
    """Stairs counted one step late."""
    name = "exponential_decay/short stairs"
    case = ALL[name]
    monkeypatch.setitem(ALL, name, replace(case, make=lambda: js.delay(case.make(), 10)))
    monkeypatch.setattr(exactness, "in_optax", lambda name, schedule: None)
    wrong = exactness.wrong_stairs(name, ("jaxsched",), count=1000)["jaxsched"]
    assert 0.2 < wrong < 3  # one in a hundred steps is within ten of an edge


@pytest.mark.parametrize("name", ["linear_schedule", "cosine_decay_schedule", "sgdr_schedule"])
def test_the_optax_column_measured_again(name):
    """In orders of magnitude: versions and processors round differently."""
    found = exactness.measure_optax(name, ALL[name]).largest
    assert math.log10(found) == pytest.approx(math.log10(float(ROWS[name][2])), abs=1.0)


def test_the_peers_with_the_same_curve_are_all_there():
    """What optax has by the same name is compared with it, but for the differences on purpose."""
    by_name = {name for name in ROWS if hasattr(optax.schedules, name.partition("/")[0])}
    shared = {name for name, row in ROWS.items() if row[2] != "-"}
    assert by_name - shared == DIFFERENT
    assert sum(row[4] != "-" for row in ROWS.values()) == len(exactness.IN_KERAS)
    assert sum(row[8] != "-" for row in ROWS.values()) == len(exactness.IN_TORCH)


def test_the_conclusion_is_the_tables():
    conclusion = " ".join(PAGE.read_text().split("\n\n")[1].split())
    bound = int(re.search(r"within (\d+) units in the last place of float32", conclusion)[1])
    assert bound == math.ceil(max(float(row[0]) for row in ROWS.values()))
    host = int(re.search(r"on the host within (\d+) units", conclusion)[1])
    assert host == math.ceil(max(float(row[6]) for row in ROWS.values()))
    for column, whose in ((2, "rows of the table that optax has"), (4, "of Keras")):
        cells = [row[column] for row in ROWS.values() if row[column] != "-"]
        far = sum(cell in ("not 0", "NaN") or float(cell) > 1000 for cell in cells)
        assert f" {far} of {len(cells)} {whose}" in conclusion


@pytest.mark.parametrize(("none", "median"), [(0, 1.0), (9, 1.0), (10, math.nan), (20, math.nan)])
def test_no_number_is_infinitely_far(none, median):
    """It shows in the largest error, and in the median where half of the values are none."""
    unit, steps = 2.0**-24, range(20)
    case = replace(line(1.0), reference=lambda t: mp.mpf(0.75))
    values = [math.nan] * none + [0.75 + unit] * (20 - none)
    found = exactness.errors(case, steps, values, exactness.np.float32)
    assert math.isnan(found.largest) == bool(none)
    assert found.median == pytest.approx(median, nan_ok=True)
