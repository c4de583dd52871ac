"""What the benchmark of a reading on the host measures and says. No time decides a test."""

from __future__ import annotations

import importlib

import jax.numpy as jnp
import pytest

from benchmarks import run  # noqa: F401 (it sets the path)

calls, host, _schedules = map(importlib.import_module, ("calls", "host", "_schedules"))

FEW = ("linear_schedule", "warmup_cosine_decay_schedule", "with_noise")


def test_host(monkeypatch):
    """Of three schedules and no peers: one with everything beside it, one with nothing."""
    monkeypatch.setattr(host, "SCHEDULES", {n: _schedules.SCHEDULES[n] for n in FEW})
    monkeypatch.setattr(host, "installed", dict)
    rows = host.measure(quick=True)
    assert [row["schedule"] for row in rows] == [
        *FEW, *(f"join of {n} pieces" for n in (10, 40, 1000))
    ]  # fmt: skip
    for row in rows:
        assert row["slowest µs"] >= row["jaxsched µs"] > 0
        assert row["torch / jaxsched"] is None
    linear, noise = rows[0], rows[2]
    assert linear["jaxsched / python"] >= linear["jaxsched µs"] / linear["python µs"]
    assert noise["python µs"] is None
    constant = {**linear, "schedule": "constant_schedule", "jaxsched / python": 2.25}
    linear = {**linear, "jaxsched / python": 1.5, "jaxsched / object": 1.0}
    cosine = {**linear, "schedule": "cosine_decay_schedule"}
    table = {**linear, "schedule": "tabulated_schedule", "jaxsched / object": 1.2}
    warmup = {**rows[1], "jaxsched / python": 7.125, "jaxsched / object": 6.25}
    shown = [constant, linear, cosine, table, warmup, *rows[2:]]
    said = list(host.conclude(shown))
    assert said[2] == (
        False,
        "a schedule of one formula or of a table takes at most twice as long as its formula by hand: 3 of "
        f"4 do, but constant_schedule 2.25 times ({constant['jaxsched / object']:.2f} times what an object "
        "takes that does nothing but call the formula); of the others warmup_cosine_decay_schedule takes "
        "longest, 7.12 times as long",
    )
    said = list(host.conclude(shown[1:]))
    assert [ok for ok, _ in said[2:4]] == [True, True]
    assert "by hand: linear_schedule 1.50 times; of" in said[2][1]
    assert "calls its formula: tabulated_schedule 1.20 times; of" in said[3][1]
    assert said[3][1].endswith("warmup_cosine_decay_schedule takes longest, 6.25 times as long")


def test_calls():
    rows = calls.measure(quick=True)
    loop, function, *others = [row["ns"] for row in rows]
    assert min(loop, function, *others) > 0
    more = [row["more than the function, ns"] for row in rows[3:]]
    assert more == [ns - function for ns in others[1:]]
    assert all(row["more than the function, ns"] is None for row in rows[:3])
    assert rows[0]["without the loop / function"] is None
    assert rows[1]["without the loop / function"] == 1
    assert rows[4]["without the loop / function"] == (others[2] - loop) / (function - loop)
    for row, ns in zip(rows[3:], (40.0, 31.6, 64.4), strict=True):
        row["more than the function, ns"] = ns
    ((ok, text),) = calls.conclude(rows)
    assert ok is None
    assert "takes 32 ns more where it looks at nothing, and 64 ns more" in text


def test_what_the_called_objects_answer():
    """A number, and no array, but for the one that looks at nothing."""
    for reader in (calls.Partial(calls._tested), calls.Callable(calls._constant)):
        assert reader(123) == calls.Bare()(123) == calls._constant(123)
        with pytest.raises(TypeError):
            reader(jnp.int32(123))
