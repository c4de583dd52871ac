"""The benchmarks measure every schedule and compare like with like. No time decides a test."""

from __future__ import annotations

import dataclasses
import importlib

import jax
import jax.numpy as jnp
import pytest
from case import PUBLIC

from benchmarks import run

_measure, _page, _schedules = map(importlib.import_module, ("_measure", "_page", "_schedules"))
device, gpu, plateau, programs, sweep, train = map(
    importlib.import_module, ("device", "gpu", "plateau", "programs", "sweep", "train")
)

FEW = ("linear_schedule", "warmup_cosine_decay_schedule", "with_noise")


@pytest.fixture(autouse=True)
def usual_promotion():
    """The scripts run with JAX's usual promotion, which optax needs."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


@pytest.fixture
def few(monkeypatch):
    """Three schedules and no peers: one with everything beside it, one with nothing."""
    for module in (device, programs):
        monkeypatch.setattr(module, "SCHEDULES", {n: _schedules.SCHEDULES[n] for n in FEW})


def test_every_public_schedule_is_measured():
    assert set(PUBLIC) == _schedules.PUBLIC
    assert _schedules.forgotten() == set()


def test_a_forgotten_schedule_stops_the_run(monkeypatch):
    without = {n: entry for n, entry in _schedules.SCHEDULES.items() if n != "noam_schedule"}
    monkeypatch.setattr(_schedules, "SCHEDULES", without)
    with pytest.raises(AssertionError, match="no benchmark measures noam_schedule"):
        _schedules.check()


def test_what_is_compared_computes_the_same(monkeypatch):
    """Of the peers tests/peers says so."""
    monkeypatch.setattr(_schedules, "installed", dict)
    _schedules.check()


@pytest.mark.parametrize("field", ["python", "jnp", "optax"])
def test_another_curve_stops_the_run(monkeypatch, field):
    off = {
        "python": lambda step: 0.1 - 1.1e-5 * step,
        "jnp": lambda step: 0.1 - 1.1e-5 * step,
        "optax": lambda: lambda step: 0.1 - 1.1e-5 * step,
    }[field]
    right = _schedules.SCHEDULES["linear_schedule"]
    wrong = dataclasses.replace(right, **{field: off})
    monkeypatch.setattr(_schedules, "installed", dict)
    monkeypatch.setitem(_schedules.SCHEDULES, "linear_schedule", wrong)
    with pytest.raises(AssertionError, match=rf"linear_schedule at 3: .* but {field} has"):
        _schedules.check()


def test_another_end_stops_the_run(monkeypatch):
    """An end of 4e-7 instead of 5e-7, which is far less than the peak's digits."""
    right = _schedules.SCHEDULES["cosine_onecycle_schedule"]
    off = lambda step: right.python(step) if step < _schedules.LENGTH else 5e-7
    assert right.python(_schedules.LENGTH) == pytest.approx(4e-7)
    wrong = dataclasses.replace(right, python=off)
    monkeypatch.setattr(_schedules, "installed", dict)
    monkeypatch.setitem(_schedules.SCHEDULES, "cosine_onecycle_schedule", wrong)
    with pytest.raises(AssertionError, match="cosine_onecycle_schedule at 10000: 4e-07, but"):
        _schedules.check()


def test_every_section_has_what_the_run_asks_for():
    for name in run.NAMES:
        module = importlib.import_module(name)
        assert module.TITLE
        assert module.NOTE
        assert callable(module.measure)
        assert callable(module.conclude)


def test_device(few):
    rows = device.measure(quick=True)
    assert [row["schedule"] for row in rows] == list(FEW)
    linear, noise = rows[0], rows[2]
    assert linear["jaxsched / optax"] == linear["jaxsched ns"] / linear["optax ns"]
    assert noise["optax ns"] is None
    assert noise["it adds ns"] >= 0
    assert len(list(device.conclude(rows))) == 5
    text = _page.section(device, rows)
    assert text.startswith("## Device: in a compiled loop\n\n")
    assert text.count("\n- ") == 5


def test_programs(few):
    rows = programs.measure(quick=True)
    assert [row["schedule"] for row in rows] == list(FEW)
    for row in rows:
        assert row["jaxpr"] > 0
        assert row["HLO"] > 0
    assert rows[2]["optax jaxpr"] is None
    assert [row["careful jaxpr"] for row in rows] == [6, 12, None]
    assert rows[2]["careful HLO"] is None
    assert len(list(programs.conclude(rows))) == 8


def test_programs_say_how_many_are_larger_and_which_most():
    """A mean hides single schedules, which are counted beside it."""

    def rows(*numbers):
        names = ("linear_schedule", "cosine_decay_schedule", "with_warmup", "with_noise")
        sizes = ("jaxpr", "HLO")
        return [
            {
                "schedule": name,
                **dict.fromkeys(programs.COLUMNS, n),
                **{f"optax {c}": None if name == "with_noise" else 10.0 for c in programs.COLUMNS},
                **{
                    f"{who} {c}": None if name == "with_noise" else 10
                    for c in sizes
                    for who in ("by hand", "careful")
                },
            }
            for name, n in zip(names, numbers, strict=True)
        ]

    equal = list(programs.conclude(rows(10, 10, 10, 90)))
    assert [ok for ok, _ in equal] == [True, True, True, True, True, None, True, True]
    assert equal[1][1] == (
        "on the geometric mean tracing later takes at most a quarter longer than optax's: 1.00 times; none "
        "of 3 schedules exceeds that, the most, linear_schedule, 1.00 times, 10 against 10; the slowest, "
        "with_noise, 90 ms"
    )
    assert equal[3][1].endswith("careful version by hand: 2 of 2 have not")
    assert (
        equal[5][1] == "0 of 3 schedules have more HLO instructions than a careful version by hand"
    )
    some = list(programs.conclude(rows(10, 13, 15, 90)))
    assert [ok for ok, _ in some] == [True, True, True, False, False, None, True, True]
    assert (
        "; 2 of 3 schedules exceed that, the most, with_warmup, 1.50 times, 15 against 10;"
        in some[0][1]
    )
    assert some[3][1].endswith(
        "by hand: 1 of 2 have not; the most, cosine_decay_schedule, 1.30 times, 13 against 10"
    )
    assert some[4][1].endswith(
        "by hand: 0 of 1 have not; the most, with_warmup, 1.50 times, 15 against 10"
    )
    assert some[5][1].startswith("2 of 3 schedules have more HLO instructions")
    much = list(programs.conclude(rows(16, 16, 16, 90)))
    assert [ok for ok, _ in much] == [False, False, False, False, False, None, False, False]


def test_on_this_device_as_on_a_gpu(monkeypatch):
    """What is counted is read off the program, on the CPU as on a GPU."""
    monkeypatch.setattr(plateau, "SHAPES", {"a scalar": ()})
    monkeypatch.setattr(train, "IN_SHORT", ())
    rows = gpu.measure(quick=True, names=FEW, models=("MLP",))
    assert len(rows) == len(FEW) + 2 + 1
    for row in rows[: len(FEW)]:
        assert 0 <= row["kernels"] - row["limit kernels"] <= 1  # fused with what uses the rate
        assert row["conditionals"] == 0
    for row in rows[len(FEW) : -1]:
        assert row["conditionals"] == 0
        assert row["optax conditionals"] > 0
    assert rows[-1]["kernels"] >= rows[-1]["limit kernels"] > 1
    assert all(row["µs"] > 0 and row["limit µs"] > 0 for row in rows)
    assert len(list(gpu.conclude(rows))) == 5


def test_a_sweep_of_some_is_scaled_to_all(monkeypatch):
    monkeypatch.setattr(sweep, "_seconds", lambda contender, n: 2.0 * n)
    rows = sweep.measure(quick=False)
    assert [row["schedules"] for row in rows] == [1, 8, 64, 1000]
    assert [row["compiled each"] for row in rows] == [1, 8, 64, 24]
    for row in rows:
        assert row["one each (optax) s"] == pytest.approx(2 * row["schedules"])
    texts = [text for _, text in sweep.conclude(rows)]
    assert [text.partition(" ")[0] for text in texts] == ["64", "1000", "of"]
    assert texts[1].endswith("(24 measured)")


def test_from_how_many_schedules_on_one_compilation_pays():
    def said(*ratios):
        rows = [
            {"schedules": n, "one each / vmap": ratio, "compiled each": n}
            for n, ratio in zip((1, 8, 64), ratios, strict=True)
        ]
        (text,) = (text for ok, text in sweep.conclude(rows) if ok is None)
        return text.removeprefix("of the numbers measured (1, 8, 64) one compilation pays ")

    assert said(2.0, 3.0, 4.0) == "from 1 on"
    slow = "takes 2.00 times as long by vmap as with one compilation each"
    assert said(0.5, 3.0, 4.0) == f"from 8 on; 1 {slow}"
    assert said(3.0, 0.5, 4.0) == f"from 64 on; 8 {slow}"
    assert said(3.0, 2.0, 0.5) == f"for none; 64 {slow}"


def test_equations_count_those_within():
    jaxpr = jax.make_jaxpr(lambda x: x + 1.0)(2.0)
    assert _measure.equations(jaxpr) == 1
    nested = jax.make_jaxpr(lambda x: jax.jit(lambda y: y * 2.0 + 1.0)(x) - 3.0)(2.0)
    assert _measure.equations(nested) == 3  # what is in the call, and the difference
    branches = jax.make_jaxpr(lambda x: jax.lax.cond(x > 0, jnp.sin, lambda y: y * y + y, x))(2.0)
    assert _measure.equations(branches) >= 5


def test_the_mean_of_ratios_is_geometric():
    assert _measure.mean([0.5, 2.0]) == pytest.approx(1.0)
    assert _measure.mean([3.0]) == pytest.approx(3.0)


def test_contenders_take_turns(monkeypatch):
    """And the fastest round of each counts."""
    calls, now = [], iter(range(10**6))
    monkeypatch.setattr(_measure.time, "perf_counter", lambda: float(next(now)))
    seconds = _measure.interleaved(
        {"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, rounds=3, seconds=0.0
    )
    assert calls == ["a", "b", *"ababab"]
    assert seconds == {"a": 1.0, "b": 1.0}


def test_what_seems_slow_or_fast_is_made_again(monkeypatch):
    """In both directions alike, beside what it is compared with, whose slowness may be the cause."""
    truth = {"constant": 1.0, "held up": 1.0, "slow": 2.0, "fast": 0.5, "equal": 1.04}
    made, turns = [], []

    def interleaved(steps, **how):
        turns.append(sorted(steps))
        assert how == {"rounds": 5, "seconds": 0.02}
        assert set(steps.values()) <= set(made)
        late = {"held up": 3.0} if len(turns) == 1 else {}
        return {name: {**truth, **late}[name] for name in steps}

    def make(model, rate):
        made.append(f"{rate} {len(made)}")
        return made[-1]

    monkeypatch.setattr(_measure, "interleaved", interleaved)
    monkeypatch.setattr(train, "compiled_step", make)
    assert train._seconds("MLP", {name: name for name in truth}, 5) == truth
    again = [["constant", "fast", "slow"]] * (_measure.TRIES - 1)
    assert turns == [sorted(truth), ["constant", "fast", "held up", "slow"], *again]
    assert len(made) == sum(map(len, turns))


def test_a_base_that_was_held_up_is_made_again(monkeypatch):
    """What seems faster than it for that reason no longer does, and nothing more is made."""
    turns = []

    def interleaved(steps, **how):
        turns.append(sorted(steps))
        return {name: 1.5 if name == "base" and len(turns) == 1 else 1.0 for name in steps}

    monkeypatch.setattr(_measure, "interleaved", interleaved)
    makers = {name: lambda: None for name in ("base", "other")}
    assert _measure.settled(makers, "base", allowed=1.05) == {"base": 1.0, "other": 1.0}
    assert turns == [["base", "other"]] * 2


def test_what_an_import_adds_is_the_sum_over_its_modules(monkeypatch):
    """Not the difference of two times that vary by more."""
    imports = importlib.import_module("imports")
    seconds = {imports.WITHOUT: 0.4, imports.WITH: 0.39}
    monkeypatch.setattr(imports, "_seconds", seconds.get)
    monkeypatch.setattr(imports, "_own_modules", lambda: {"jaxsched": 7.0, "jaxsched.forms": 3.0})
    rows = imports.measure(quick=True)
    assert [row["ms"] for row in rows] == pytest.approx([400, 390, 10, 7, 3])
    assert list(imports.conclude(rows)) == [
        (
            True,
            "importing it adds at most 5 % to the import of JAX and Optax: the modules that only it "
            "imports take 10 ms, 2.5 %",
        )
    ]
    monkeypatch.setattr(imports, "_own_modules", lambda: {"jaxsched": 21.0})
    assert [holds for holds, _ in imports.conclude(imports.measure(quick=True))] == [False]


def test_training_says_the_median_too():
    """And how both were measured; the constant rates are no schedules."""

    def verdicts(most):
        ratios = {train.NUMBER: 0.5, train.LIMIT: 1.0, "a": 1.0, "b": 1.01, "c": most}
        return list(
            train.conclude(
                [
                    {"rate": name, **{f"{model} / constant": ratio for model in train.MODELS}}
                    for name, ratio in ratios.items()
                ]
            )
        )

    said = verdicts(1.05)
    assert [holds for holds, _ in said] == [True, True]
    assert said[0][1].endswith(
        "returns a constant: 3 of 3 do not, 1.010 times on the median, at most 1.050 times (c), where what "
        "differed by more than 5 % was measured again up to 4 times and the fastest counts; and at most "
        "2.100 times that with a plain number, for which optax counts no updates"
    )
    missed = verdicts(1.053)
    assert [holds for holds, _ in missed] == [False, False]
    assert ": 2 of 3 do not, 1.010 times on the median, at most 1.053 times (c), " in missed[0][1]


def test_what_is_said_of_a_mean_or_of_some_numbers_says_what_is_beyond():
    """Of single schedules, and of more pieces than the claim is about."""
    joins = importlib.import_module("joins")
    rows = [
        {"pieces": n, "optax / jaxsched": 10.0, "compile ms": 30.0, "jaxsched ns": ns, "HLO": hlo}
        for n, ns, hlo in ((10, 3.0, 56), (40, 6.0, 92), (1000, 15.0, 92), (10_000, 22.0, 128))
    ]
    *_, cost, size = joins.conclude(rows)
    assert cost == (
        True,
        "a step with 1000 pieces costs less than three times one with 40: 15.0 ns and 6.0 ns, 2.50 times; "
        "with 10,000, 22.0 ns",
    )
    assert size == (
        True,
        "the program does not grow from 40 pieces to 1000: 92 instructions and 92; of 10,000 it has 128",
    )
    rows = [
        {"schedule": name, "jaxsched ns": ns, "optax ns": 4.0, "it adds ns": 1.0,
         "jaxsched / optax": ns / 4, "jaxsched / by hand": ns / 4}
        for name, ns in (("linear_schedule", 2.0), ("delay", 3.0), ("with_cooldown", 6.0))
    ]  # fmt: skip
    said = list(device.conclude(rows))
    assert [ok for ok, _ in said] == [True] * 5
    assert said[1][1].endswith(
        "at most 2.0 ns (with_cooldown); the most times optax's, with_cooldown, 1.50 times, 6.0 ns against "
        "4.0 ns"
    )
    assert said[2][1].endswith("less than optax's: 0.83 times; 1 of 3 cost more (by over 5 %)")
    assert said[3][1].endswith(
        "0.83 times; 1 of 3 cost that or more, the most, with_cooldown, 1.50 times"
    )
    said = list(plateau.conclude([{"optimizer, parameters": "SGD", "jaxsched / optax": 1.0501}]))
    assert said == [(False, "SGD: a step costs at most 5 % more than optax's: 1.050 times")]
