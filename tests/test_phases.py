"""What is put together of transitions, against mpmath, in each way of being read."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from test_shapes import EPSILON
from ways import agree, narrow, read_in_every_way

import jaxsched as js
from jaxsched import shapes
from jaxsched._core import numerics as nx

WHOLE = list(range(26))
PARTS = [0.0, 0.5, 1.25, 3.5, 4.75, 5.0, 5.25, 7.5, 9.0, 9.5, 12.75, 17.5, 19.25, 20.0, 20.5, 31.5]
LINE = lambda left: left
WAVE = lambda left: (1 - mp.cospi(left)) / 2
BENT = lambda left: left**2
SHAPES = {LINE: shapes.linear(), WAVE: shapes.cosine(), BENT: shapes.power(2.0)}


def through(t, start, *ways):
    """From a value on to others: each at its time, along a curve of what is left."""
    begin = mp.mpf(0)
    for value, end, curve in ways:
        if t < end:
            return value + (start - value) * curve((end - t) / (end - begin))
        start, begin = mp.mpf(value), mp.mpf(end)
    return start


def times(start, value):
    """A curve that falls by the same factor in the same time."""
    rate = mp.mpf(start) / value
    return lambda left: (rate**left - 1) / (rate - 1)


def share(part, length):
    return int(part * length)


def linear_onecycle(t, length, peak, start=0.3, final=0.85, div=25, final_div=1e4):
    low = mp.mpf(peak) / div
    knots = [share(start, length), share(final, length), length]
    return through(t, low, *zip([peak, low, low / final_div], knots, [LINE] * 3, strict=True))


def cosine_onecycle(t, length, peak, start=0.3, div=25, final_div=1e4):
    low = mp.mpf(peak) / div
    return through(
        t, low, (mp.mpf(peak), share(start, length), WAVE), (low / final_div, length, WAVE)
    )


def torch_onecycle(
    t, length, peak, part=0.3, anneal="cos", div=25, final_div=1e4, three_phase=False
):
    low, curve, rise = (
        mp.mpf(peak) / div,
        WAVE if anneal == "cos" else LINE,
        part * mp.mpf(length) - 1,
    )
    back = [(low, 2 * rise, curve)] if three_phase else []
    return through(t, low, (mp.mpf(peak), rise, curve), *back, (low / final_div, length - 1, curve))


def fastai_onecycle(t, length, peak, part=0.25, div=25, final_div=1e5):
    rise, end = (mp.mpf(peak), mp.mpf(part) * length, WAVE), mp.mpf(peak) / final_div
    return through(t, mp.mpf(peak) / div, rise, (end, length, WAVE))


def flat_cosine(t, length, peak, part=0.75, final_div=1e5):
    peak = mp.mpf(peak)
    return through(t, peak, (peak, mp.mpf(part) * length, LINE), (peak / final_div, length, WAVE))


def slanted(t, length, peak, part=0.1, ratio=32):
    low = mp.mpf(peak) / ratio
    return through(t, low, (mp.mpf(peak), share(part, length), LINE), (low, length, LINE))


def k_decay(t, init, end, length, k=1.5):
    curve = lambda left: (1 + mp.cospi((1 - left) ** mp.mpf(k))) / 2
    return through(t, mp.mpf(init), (mp.mpf(end), length, curve))


def wsd(t, init, peak, up, hold, down, end=0.0, curve=LINE, up_curve=LINE):
    peak, begin = mp.mpf(peak), up + hold
    return through(
        t,
        mp.mpf(init),
        (peak, up, up_curve),
        (peak, begin, LINE),
        (mp.mpf(end), begin + down, curve),
    )


def wsds(t, peak, periods, down, up=0, end=0.0, curve=LINE, init=0.0):
    peak, begin, ways = mp.mpf(peak), 0, [(mp.mpf(peak), up, LINE)]
    for period in periods:
        begin += period
        jump = [(peak, begin - period, LINE)] if ways[1:] else []
        ways += [*jump, (peak, begin - down, LINE), (mp.mpf(end), begin, curve)]
    return through(t, mp.mpf(init), *ways)


def tri_stage(t, init, peak, up, hold, down, end):
    peak, begin = mp.mpf(peak), up + hold
    fall = (mp.mpf(end), begin + down, times(peak, end))
    return through(t, mp.mpf(init), (peak, up, LINE), (peak, begin, LINE), fall)


def infinite(t, init, peak, constant, end, up, cool, hold, down, curve=WAVE):
    peak, value, begin = mp.mpf(peak), mp.mpf(constant), up + cool + hold
    cooled, held = (value, up + cool, curve), (value, begin, LINE)
    fall = (mp.mpf(end), begin + down, times(value, end))
    return through(t, mp.mpf(init), (peak, up, LINE), cooled, held, fall)


def warm_cosine(t, init, peak, up, length, end=0.0, exponent=1.0):
    curve = lambda left: WAVE(left) ** exponent
    return through(t, mp.mpf(init), (mp.mpf(peak), up, LINE), (mp.mpf(end), length, curve))


def warm_constant(t, init, peak, up):
    return through(t, mp.mpf(init), (mp.mpf(peak), up, LINE))


def warm_exponential(t, init, peak, up, length, rate, begin=0, stairs=False, end=None):
    if t < up:
        return warm_constant(t, init, peak, up)
    periods = max(mp.mpf(t) - up - begin, 0) / length
    value = mp.mpf(peak) * mp.mpf(rate) ** (mp.floor(periods) if stairs else periods)
    bound = min if rate > 1 else max
    return value if end is None else bound(value, mp.mpf(end))


def sgdr(t, cycles):
    for cycle in cycles[:-1]:
        if t < cycle["decay_steps"]:
            return warm_cosine(t, *cycle.values())
        t = t - cycle["decay_steps"]
    return warm_cosine(t, *cycles[-1].values())


def cycle(*numbers):
    names = ("init_value", "peak_value", "warmup_steps", "decay_steps", "end_value", "exponent")
    return dict(zip(names, numbers, strict=False))


RUNS = {
    "linear_onecycle_schedule": (linear_onecycle, [
        (20, 0.7), (20, 3.0, 0.25, 0.75, 4.0, 8.0), (8, -2.0, 0.5, 0.5, 2.0, 0.5), (7, 1, 0, 1, 2, 4),
        (1, 0.7),
    ]),
    "cosine_onecycle_schedule": (cosine_onecycle, [
        (20, 0.7), (20, 3.0, 0.25, 4.0, 8.0), (8, -2.0, 0.5, 2.0, 0.5), (7, 1, 0, 2, 4), (9, 1, 1, 2, 4),
    ]),
    "torch_onecycle_schedule": (torch_onecycle, [
        (20, 0.7), (20, 3.0, 0.25, "cos", 4.0, 8.0), (9, -2.0, 0.5, "cos", 2.0, 0.5), (21, 0.7, 0.25),
    ]),
    "torch, lines": (torch_onecycle, [
        (20, 0.7, 0.3, "linear"), (20, 3.0, 0.25, "linear", 4.0, 8.0), (9, -2.0, 0.5, "linear", 2.0, 0.5),
    ]),
    "torch, three phases": (torch_onecycle, [
        (21, 0.7, 0.3, "cos", 25, 1e4, True), (20, 3.0, 0.25, "cos", 4.0, 8.0, True),
        (11, -2.0, 0.375, "cos", 2.0, 0.5, True),
    ]),
    "torch, three lines": (torch_onecycle, [
        (20, 0.7, 0.3, "linear", 25, 1e4, True), (12, 3.0, 0.5, "linear", 4.0, 8.0, True),
    ]),
    "fastai_onecycle_schedule": (fastai_onecycle, [
        (20, 0.7), (20, 3.0, 0.5, 4.0, 8.0), (9, -2.0, 0.5, 2.0, 0.5), (9, 2.0, 0.375, 4, 2),
        (7, 1, 0, 2, 4),
    ]),
    "flat_cosine_schedule": (flat_cosine, [
        (20, 0.7), (20, 3.0, 0.25, 8.0), (9, -2.0, 0.5, 0.5), (9, 2.0, 0.375, 4), (7, 1, 0, 2),
        (7, 2.0, 1.0, 4.0),
    ]),
    "slanted_triangular_schedule": (slanted, [
        (20, 0.7), (20, 3.0, 0.25, 8.0), (9, -2.0, 0.5, 0.5), (7, 1, 0, 2), (7, 2.0, 1.0, 4.0), (1, 0.5),
    ]),
    "k_decay_schedule": (k_decay, [
        (0.7, 0.0, 20), (3.0, 0.25, 20, 2.0), (0.25, 3.0, 9, 0.5), (1, 0, 7, 3), (0.7, 0.2, 1, 1.0),
    ]),
    "warmup_stable_decay_schedule": (wsd, [
        (0.0, 0.7, 5, 7, 9), (0.25, 0.7, 3, 0, 10, 0.125), (0.0, 0.7, 0, 8, 3), (1, 2, 3, 4, 5, 3),
        (0.1, 0.7, 4, 4, 0),
    ]),
    "warmup_stable_decay_schedule, curved": (wsd, [
        (0.0, 0.7, 5, 7, 9, 0.0, BENT, WAVE), (0.25, 0.7, 3, 0, 10, 0.125, BENT, WAVE),
    ]),
    "wsds_schedule": (wsds, [
        (0.7, (9,), 4), (0.7, (9, 8), 4, 3), (0.7, (9, 5, 7), 5, 4, 0.25),
        (1, (3, 2, 12), 2, 1, 2, LINE, 3), (0.7, (6, 6), 0, 6),
    ]),
    "wsds_schedule, curved": (wsds, [
        (0.7, (9, 8), 4, 3, 0.25, BENT, 0.125), (0.7, (9, 8), 4, 3, 0.25, BENT),
    ]),
    "tri_stage_schedule": (tri_stage, [
        (0.0, 0.7, 5, 7, 9, 0.25), (0.25, 0.5, 3, 0, 10, 2.0), (0.0, 0.7, 0, 8, 3, 0.007),
        (1, 2, 3, 4, 5, 3),
    ]),
    "infinite_schedule": (infinite, [
        (0.0, 0.7, 0.5, 0.25, 5, 4, 3, 9), (0.25, 0.7, 0.5, 2.0, 3, 9, 0, 7),
        (0.0, 0.7, 0.25, 0.007, 0, 8, 3, 2),
        (1, 4, 2, 3, 4, 5, 6, 7),
    ]),
    "infinite_schedule, curved": (infinite, [(0.0, 0.7, 0.5, 0.25, 5, 4, 3, 9, BENT)]),
    "warmup_constant_schedule": (warm_constant, [
        (0.0, 0.7, 5), (0.25, -2.0, 9), (1, 3, 1), (0.25, 0.5, 0),
    ]),
    "warmup_cosine_decay_schedule": (warm_cosine, [
        (0.0, 0.7, 5, 20), (0.25, 3.0, 9, 12, 0.125), (0.1, 0.7, 0, 11, 0.25, 2.0), (1, 3, 4, 9, 2, 0.5),
        (0.0, 0.7, 5, 5), (0.0, 0.7, 5, 20, 0.25, 1),
    ]),
    "warmup_exponential_decay_schedule": (warm_exponential, [
        (0.0, 0.7, 5, 4, 0.5), (0.25, 0.5, 3, 7, 1.25), (0.1, 0.7, 0, 9, 0.25, 4), (1, 2, 3, 4, 0.5, 6),
    ]),
    "warmup_exponential_decay_schedule, bound": (warm_exponential, [
        (0.0, 0.7, 5, 4, 0.5, 0, False, 0.125), (0.25, 0.5, 3, 7, 1.25, 2, False, 0.75),
    ]),
    "warmup_exponential_decay_schedule, stairs": (warm_exponential, [
        (0.0, 0.7, 5, 4, 0.5, 0, True), (0.25, 0.5, 3, 7, 1.25, 2, True), (0.1, 0.7, 0, 9, 0.25, 4, True),
    ]),
    "sgdr_schedule": (sgdr, [
        ([cycle(0.0, 0.7, 2, 6), cycle(0.25, 0.5, 0, 5, 0.125, 1.0), cycle(0.1, 0.3, 3, 9, 0.0, 1.0)],),
        ([cycle(0.0, 0.7, 2, 6, 0.25, 1.0), cycle(0.25, 0.5, 4, 5, 0.125, 1.0)],),
        ([cycle(0.1, 0.7, 3, 12)],),
    ]),
}  # fmt: skip


def made(name, formula, numbers):
    """The schedule, whose shapes are those of the formula's curves."""
    factory = getattr(js, name) if hasattr(js, name) else FACTORIES[formula]
    return factory(*(SHAPES[x] if callable(x) else x for x in numbers))


FACTORIES = {formula: getattr(js, name) for name, (formula, _) in RUNS.items() if hasattr(js, name)}


@pytest.mark.parametrize("name", RUNS)
def test_every_way_of_reading_gives_the_formula(name):
    formula, every = RUNS[name]
    for steps in (WHOLE, PARTS):
        for numbers in every:
            expected = [formula(mp.mpf(t), *numbers) for t in steps]
            largest = max(map(abs, expected))
            read_in_every_way(
                [made(name, formula, numbers)],
                [expected],
                steps,
                lambda digit, largest=largest: (16 * digit, 2 * digit * largest),
            )


@pytest.mark.parametrize("name", RUNS)
def test_any_of_its_numbers_may_be_unknown(name):
    formula, every = RUNS[name]
    steps = [t for t in WHOLE if t % 3 == 0]
    for numbers in every[1:2]:
        expected = [formula(mp.mpf(t), *numbers) for t in steps]
        floor = 4 * EPSILON * max(1, *map(abs, expected))
        for place, number in enumerate(numbers):
            if isinstance(number, bool) or not isinstance(number, (int, float)):
                continue

            def read(x, steps, numbers=numbers, place=place):
                return made(name, formula, (*numbers[:place], x, *numbers[place + 1 :]))(steps)

            for array in (jnp.asarray(steps), jnp.asarray(steps).astype(float)):
                agree(
                    np.asarray(jax.jit(read)(narrow(number), array)), expected, 32 * EPSILON, floor
                )


def test_three_phases_fit_into_the_whole():
    assert js.torch_onecycle_schedule(20, 1.0, 0.5, three_phase=True)(9) == 1.0
    assert js.torch_onecycle_schedule(20, 1.0, 0.625)(11.5) == 1.0
    for part in (0.5625, 1.0):
        with pytest.raises(
            ValueError, match=r"pct_start must be at most 0\.5 for three_phase=True"
        ):
            js.torch_onecycle_schedule(20, 1.0, part, three_phase=True)
    # Of a part that is not known yet nothing can be said.
    read = jax.jit(lambda part: js.torch_onecycle_schedule(20, 1.0, part, three_phase=True)(0))
    assert read(0.75) == pytest.approx(0.04)


def test_a_decay_fits_into_its_period():
    js.wsds_schedule(1.0, [7, 4], decay_steps=4, warmup_steps=3)
    js.wsds_schedule(1.0, [4, 4], decay_steps=4)
    for periods, up, message in (
        ([6, 4], 3, r"period_steps\[0\] must be at least warmup_steps \+ decay_steps \(7\), got 6"),
        ([3, 4], 0, r"period_steps\[0\] must be at least decay_steps \(4\), got 3"),
        ([7, 3], 3, r"period_steps\[1\] must be at least decay_steps \(4\), got 3"),
        ([4, 3], 0, r"period_steps\[1\] must be at least decay_steps \(4\), got 3"),
    ):
        with pytest.raises(ValueError, match=f"wsds_schedule: {message}"):
            js.wsds_schedule(1.0, periods, decay_steps=4, warmup_steps=up)
    # Of lengths that are not known yet nothing can be said.
    for make in (
        lambda n: js.wsds_schedule(1.0, [n, 8], 4),
        lambda n: js.wsds_schedule(1.0, [9, 8], n),
        lambda n: js.wsds_schedule(1.0, [9, 8], 4, n),
    ):
        assert jax.jit(lambda n, m=make: m(n)(20))(4) == 0.0


def test_the_values_that_are_not_given():
    for short, whole in (
        (js.linear_onecycle_schedule(100, 1.0), (0.3, 0.85, 25.0, 1e4)),
        (js.cosine_onecycle_schedule(100, 1.0), (0.3, 25.0, 1e4)),
        (js.torch_onecycle_schedule(100, 1.0), (0.3, "cos", 25.0, 1e4, False)),
        (js.fastai_onecycle_schedule(100, 1.0), (0.25, 25.0, 1e5)),
        (js.flat_cosine_schedule(100, 1.0), (0.75, 1e5)),
        (js.slanted_triangular_schedule(100, 1.0), (0.1, 32.0)),
        (js.k_decay_schedule(1.0, 0.0, 100), (1.5,)),
    ):
        assert tuple(short.hyperparameters.values())[-len(whole) :] == whole
    run = js.warmup_stable_decay_schedule(0.5, 1.0, 10, 20, 30)
    assert (run.end_value, run.decay_shape, run.warmup_shape) == (
        0.0,
        shapes.linear(),
        shapes.linear(),
    )
    again = js.wsds_schedule(1.0, [60], 30)
    assert (again.warmup_steps, again.end_value, again.init_value) == (0, 0.0, 0.0)
    assert (again.decay_shape, run.replace(warmup_steps=0)(35)) == (shapes.linear(), 0.5)
    warm = js.warmup_cosine_decay_schedule(0.5, 1.0, 10, 20)
    assert (warm.end_value, warm.exponent) == (0.0, 1.0)
    falling = js.warmup_exponential_decay_schedule(0.5, 1.0, 10, 20, 0.5)
    assert falling.hyperparameters["transition_begin"] == 0
    assert (falling.staircase, falling.end_value) == (False, None)


def test_cycles_end_beyond_the_largest_step():
    """Also where their lengths are known only when the program runs."""
    top = int(np.iinfo(nx.int_dtype()).max)

    @jax.jit
    def read(n, step):
        first, long = cycle(0.0, 1.0, 0, 4), cycle(1.0, 0.5, 0, n)
        return js.sgdr_schedule([first, long, cycle(0.25, 0.125, 0, 2)])(step)

    for step in (5, top - 1):
        assert read(top, step) == pytest.approx(
            sgdr(step, [cycle(0.0, 1.0, 0, 4), cycle(1.0, 0.5, 0, top)])
        )


def test_a_part_of_a_lower_precision_is_no_less_exact():
    """Its product with a length is not rounded to its own."""
    part, length, steps = jnp.bfloat16(0.25), 1001, jnp.asarray([100, 249, 250, 251, 700])
    for formula, factory in (
        (torch_onecycle, js.torch_onecycle_schedule),
        (fastai_onecycle, js.fastai_onecycle_schedule),
        (flat_cosine, js.flat_cosine_schedule),
    ):
        expected = [formula(t, length, 0.7, 0.25) for t in steps.tolist()]
        for whole in (length, jnp.int32(length)):
            found = jax.jit(lambda n, p, make=factory: make(n, 0.7, p)(steps))(whole, part)
            agree(np.asarray(found), expected, 16 * EPSILON, 4 * EPSILON)
        found = jax.jit(lambda p, make=factory: make(length, 0.7, p)(steps))(part)
        agree(np.asarray(found), expected, 16 * EPSILON, 4 * EPSILON)
