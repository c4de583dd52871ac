"""from_timm by name: neither timm nor torch is needed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest

import jaxsched as js
from jaxsched.interop.timm import from_timm

BY_NAME = {
    "CosineLRScheduler": (dict(lr=1.0, t_initial=2, warmup_t=1), [0, 0.5, 0]),
    "TanhLRScheduler": (dict(lr=1.0, t_initial=10), [0.999999, 0.999994, 0.999955]),
    "PolyLRScheduler": (dict(lr=1.0, t_initial=2, power=2), [1, 0.25, 0]),
    "StepLRScheduler": (dict(lr=1.0, decay_t=1.5, decay_rate=0.5), [1, 1, 0.5, 0.25, 0.25]),
    "MultiStepLRScheduler": (dict(lr=1.0, decay_t=[2], decay_rate=0.5), [1, 0.5, 0.5]),
    "WSDLRScheduler": (dict(lr=1.0, t_initial=4, decay_t=2, decay_fn="linear"), [1, 1, 1, 0.5, 0]),
}  # fmt: skip


@pytest.mark.parametrize("name", BY_NAME)
def test_by_name(name):
    arguments, expected = BY_NAME[name]
    schedule = from_timm(name, **arguments)
    assert [round(schedule(step), 6) for step in range(len(expected))] == expected
    again = js.from_config(json.loads(json.dumps(js.to_config(schedule))))
    assert js.parse(repr(schedule)) == schedule == again


def test_the_simplest_expressions():
    assert from_timm("CosineLRScheduler", lr=0.1, t_initial=300) == js.transition_schedule(
        0.1, 0.0, 300, js.shapes.cosine()
    )
    by_epoch = js.by_epoch(from_timm("StepLRScheduler", lr=0.1, decay_t=30, decay_rate=0.1), 100)
    assert by_epoch(2999) == 0.1
    assert by_epoch(3000) == pytest.approx(0.01)


def test_noise_without_torch():
    given = dict(lr=1.0, decay_t=30, noise_range_t=[2, 4])
    noisy = from_timm("StepLRScheduler", **given)
    # 1 + torch.randn(1, generator=torch.Generator().manual_seed(42 + t)).item(), of those within 0.67
    assert [noisy(step) for step in range(5)] == [
        1.0,
        1.0,
        1.0589450262486935,
        1.031175758689642,
        1.0,
    ]


TIMM_ERRORS = [
    ("CosineLRScheduler", dict(t_initial=10, noise_range_t=3), "steps must be given for noise"),
    ("CosineLRScheduler", dict(t_initial=10, cycle_mul=0.5, cycle_limit=2), "cycle_mul=0.5 below 1"),
    ("TanhLRScheduler", dict(t_initial=10, cycle_mul=1.5, cycle_limit=2), "cycle_mul=1.5 ends cycles"),
    ("StepLRScheduler", dict(decay_t=1.1), "decay_t=1.1 has stairs that do not come again"),
    ("StepLRScheduler", dict(decay_t=12345.678), "decay_t=12345.678 is not a simple enough fraction"),
    ("MultiStepLRScheduler", dict(decay_t=[3, 1]), "decay_t must be in ascending order, got [3, 1]"),
    ("WSDLRScheduler", dict(t_initial=5, decay_t=6), "decay_t must be at most t_initial (5), got 6"),
    ("WSDLRScheduler", dict(t_initial=5, decay_t=1, decay_fn=abs), "decay_fn is a function of its own"),
    ("WSDLRScheduler", dict(t_initial=5, decay_t=1, stable_fn="rsqrt"), "stable_timescale must be"),
    ("PlateauLRScheduler", dict(warmup_t=1), "warmup_t must be 0, got 1: a reducer has no warmup"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "arguments", "message"), TIMM_ERRORS, ids=[message for _, _, message in TIMM_ERRORS]
)
def test_errors_of_timm(name, arguments, message):
    with pytest.raises(ValueError, match=re.escape(f"from_timm: {name}: {message}")):
        from_timm(name, lr=1.0, **arguments)


def test_an_unknown_scheduler():
    with pytest.raises(
        ValueError, match=r"^from_timm: scheduler must be one of Cosine.*, got 'cos'$"
    ):
        from_timm("cos", lr=1.0)
    with pytest.raises(
        TypeError, match=r"an object of types\.SimpleNamespace; for a class of your own"
    ):
        from_timm(SimpleNamespace())
    with pytest.raises(
        TypeError, match=r"^from_timm: StepLRScheduler: missing argument 'decay_t'; "
    ):
        from_timm("StepLRScheduler", lr=1.0)


def test_no_peer_is_imported():
    program = (
        "import sys; from jaxsched.interop.timm import from_timm\n"
        "from_timm('CosineLRScheduler', lr=1.0, t_initial=9, noise_range_t=[2, 5])\n"
        "print({'torch', 'timm'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", program]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "set()\n"
