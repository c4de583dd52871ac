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
    constant = {
        **linear,
        "schedule": "constant_schedule",
        "jaxsched / python": 2.25,
        "python µs": 0.02,
    }
    constant["jaxsched / object"] = 1.125
    linear = {**linear, "jaxsched / python": 1.5, "jaxsched / object": 1.0}
    cosine = {**linear, "schedule": "cosine_decay_schedule"}
    table = {**linear, "schedule": "tabulated_schedule", "jaxsched / object": 1.2}
    warmup = {**rows[1], "jaxsched / python": 7.125, "jaxsched / object": 6.25}
    shown = [constant, linear, cosine, table, warmup, *rows[2:]]
    said = list(host.conclude(shown))
    assert said[2] == (
        False,
        "a schedule of one formula or of a table takes at most twice as long as its formula by hand: 3 of "
        "4 do; at most constant_schedule 2.25 times. All that do not are formulas of at most 20 ns, and "
        "take at most 1.12 times what an object takes that calls them; of the others "
        "warmup_cosine_decay_schedule takes longest, 7.12 times as long",
    )
    said = list(host.conclude(shown[1:]))
    assert [ok for ok, _ in said[2:4]] == [True, True]
    assert "by hand: linear_schedule 1.50 times; of" in said[2][1]
    assert "calls its formula: tabulated_schedule 1.20 times; of" in said[3][1]
    assert said[3][1].endswith("warmup_cosine_decay_schedule takes longest, 6.25 times as long")


def test_calls():
    rows = calls.measure(quick=True)
    function = rows[0]["ns"]
    assert [row["what is called"] for row in rows] == list(calls.WHAT.values())
    for row in rows:
        assert row["ns"] > 0
        assert row["/ function"] == pytest.approx(row["ns"] / function, rel=1e-12)
        assert row["beyond the function, ns"] == pytest.approx(row["ns"] - function, abs=1e-9)
    for row, ns in zip(rows, (0.0, 20.0, 31.6, 33.4, 64.4), strict=True):
        row["beyond the function, ns"], row["/ function"] = ns, 1 + ns / 16
    ((ok, text),) = calls.conclude(rows)
    assert ok is None
    assert "takes 2.98 times as long as a function" in text
    assert "of less than 33 ns takes" in text
    assert "of less than 64 ns behind a method" in text


@pytest.mark.parametrize("who", calls.READERS)
def test_what_the_called_objects_answer(who):
    """A number; of an array those that look at what they are given say that it is none."""
    read = calls.READERS[who]
    assert read(123) == 0.1
    if who in ("tested", "slot", "object"):
        with pytest.raises(TypeError):
            read(jnp.int32(123))
    else:
        assert read(jnp.int32(123)) == 0.1
