"""What the benchmarks measure of the installed peers is the same curve as ours."""

from __future__ import annotations

import dataclasses
import importlib

import jax
import pytest

import benchmarks.run  # noqa: F401 (it makes the modules beside it importable)

_peers = importlib.import_module("_peers")
_schedules = importlib.import_module("_schedules")


@pytest.fixture(autouse=True)
def usual_promotion():
    """The scripts run with JAX's usual promotion, which optax needs."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


def test_the_peers_have_the_same_curves():
    assert set(_peers.installed()) == set(_peers.NAMES)
    _schedules.check()


def test_every_peer_is_compared():
    for name in _peers.NAMES:
        assert any(getattr(entry, name) for entry in _schedules.SCHEDULES.values()), name


def test_another_curve_of_a_peer_stops_the_run(monkeypatch):
    right = _schedules.SCHEDULES["linear_schedule"]
    wrong = dataclasses.replace(right, torch=lambda m, opt: m.LinearLR(opt, 1.0, 0.0, 9_000))
    monkeypatch.setitem(_schedules.SCHEDULES, "linear_schedule", wrong)
    with pytest.raises(AssertionError, match=r"linear_schedule at 123: .* but torch's has"):
        _schedules.check()
