"""The short form of benchmarks/endurance.py: a loop holds no more after many steps than after few."""

from __future__ import annotations

import re
from pathlib import Path

import jax
import numpy as np
import pytest
from budget import budget

import jaxsched as js
from benchmarks import endurance

STEPS = 100_000


def run(*arguments, **others):
    """The script itself runs with JAX's usual promotion, which Adam needs."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        return endurance.loop(*arguments, **others)


@pytest.fixture(scope="module")
def ran():
    return run(STEPS)


def test_memory_is_constant(ran):
    points, *_, traces = ran
    assert list(endurance.faults(points, traces)) == []
    assert endurance.growth(points)[1] == 0
    assert [point.step for point in points[1:]] == list(range(STEPS // 10, STEPS + 1, STEPS // 10))


def test_it_is_compiled_once(ran):
    *_, traces = ran
    assert traces == 1


def test_it_did_train_and_reduce(ran):
    """The rate used last is the schedule's at the last step, times the scale."""
    points, state, schedule, _ = ran
    report = js.plateau_report(state)
    assert report.num_reductions == points[-1].reductions >= 10
    assert report.scale == pytest.approx(0.9**report.num_reductions, rel=1e-5)
    expected = np.float32(schedule(STEPS - 1) * report.scale)
    assert float(js.learning_rate(state)) == pytest.approx(expected, rel=1e-6)


def test_a_loop_that_holds_on_to_its_states_is_noticed():
    held = []
    points, *_ = run(20_000, visit=held.append)
    assert endurance.growth(points)[1] > 5 * 18  # the states' arrays of 18 calls


def point(**changes):
    return endurance.Point(
        **{
            "step": 1000,
            "seconds": 1.0,
            "mib": 300.0,
            "arrays": 9,
            "objects": 50_000,
            "reductions": 2,
        }
        | changes
    )


@pytest.mark.parametrize(
    ("changes", "traces", "fault"),
    [
        ({"mib": 307.9, "objects": 50_003}, 1, ""),
        ({"mib": 308.5}, 1, "memory has grown by 8.5 MiB"),
        ({"arrays": 10}, 1, "1 more arrays are held"),
        ({"objects": 50_004}, 1, "4 more Python objects are held, 3 of them the points"),
        ({}, 2, "a step was traced 2 times"),
    ],
)
def test_the_script_fails_at_every_kind_of_growth(monkeypatch, tmp_path, changes, traces, fault):
    """And quotes itself in the page only where it did not."""
    points = [point(), point(), point(step=10_000, seconds=2.0, **changes)]
    page = tmp_path / "cost.md"
    page.write_text(f"Before.\n{endurance.BEGIN}Old.\n{endurance.END}After.\n")
    monkeypatch.setattr(endurance, "PAGE", page)
    monkeypatch.setattr(endurance, "loop", lambda steps: (points, None, None, traces))
    if fault:
        with pytest.raises(SystemExit, match=fault):
            endurance.main(["--steps", "10000", "--write"])
        assert "\nOld.\n" in page.read_text()
        return
    endurance.main(["--steps", "10000", "--write"])
    before, begin, *lines, end, after = page.read_text().splitlines()
    assert [before, begin, end, after] == [
        "Before.", endurance.BEGIN.strip(), endurance.END.strip(), "After.",
    ]  # fmt: skip
    assert " ".join(lines) == (
        "10000 updates in 2 s, traced once, 2 reductions: 300.0 MiB at a tenth, 307.9 MiB at the end "
        "(+7.9 MiB, +0 arrays, +3 Python objects)."
    )


def test_the_page_quotes_a_whole_run():
    """Of ten million updates, the number that the script takes when it is not told another."""
    text = endurance.PAGE.read_text()
    line = text.partition(endurance.BEGIN)[2].partition(endurance.END)[0]
    assert line.startswith("10000000 updates in ")
    assert "traced once" in line


def test_the_schedule_is_composed_of_everything():
    schedule = endurance.composed(STEPS)
    for name in ("with_cooldown", "with_warmup", "with_noise", "repeat", "cosine_decay_schedule"):
        assert f"{name}(" in repr(schedule)
    assert schedule(0) == 0.0
    assert schedule(STEPS) == 0.0


def test_the_budget_of_examples_grows(monkeypatch):
    """JAXSCHED_EXAMPLES is a factor; the usual budget is the same examples in every run."""
    assert (budget(20).max_examples, budget(20).derandomize) == (20, True)
    monkeypatch.setenv("JAXSCHED_EXAMPLES", "100")
    assert (budget(20).max_examples, budget(20).derandomize) == (2000, False)
    monkeypatch.setenv("JAXSCHED_EXAMPLES", "0")
    with pytest.raises(ValueError, match="JAXSCHED_EXAMPLES must be a positive integer, got 0"):
        budget(20)


def test_every_property_takes_its_number_of_examples_from_the_budget():
    """So that the factor reaches all of them."""
    for path in Path(__file__).parent.rglob("test_*.py"):
        text = path.read_text()
        if not re.search(r"^given = budgeted\(\d+\)$", text, re.MULTILINE):
            before = re.findall(r"(\S*)\n *@given\(", text)
            assert all(line.startswith(("@budget(", "@fuzz")) for line in before), path.name
