"""Each shape in each way of being read, against its formula in mpmath."""

from __future__ import annotations

from itertools import chain, cycle

import mpmath as mp
import numpy as np
import pytest
from case import share
from cases_shapes import broken_line, exponential, half_wave, hyperbolic, inverse_root, logistic
from ways import agree, ways

import jaxsched as js
from jaxsched import shapes
from jaxsched._core import numerics as nx

EPSILON = float(np.finfo(nx.float_dtype()).eps)
LENGTH = 8
ENDS = [(0.7, 0.0), (0.0, 0.7), (0.9, 0.2), (-0.3, -0.7)]


def power(s, exponent):
    return (1 - s) ** mp.mpf(exponent)


def cosine(s, exponent=1.0):
    return half_wave(s) ** mp.mpf(exponent)


def warped(of, exponent, *parameters):
    return lambda s: of(s ** mp.mpf(exponent), *parameters)


def logarithmic(s):
    return 1 - min(mp.log(s * LENGTH + 1) / mp.log(LENGTH), mp.mpf(1))


def waves(s, count):
    return (1 + mp.cos(2 * mp.pi * (count - mp.mpf(1) / 2) * s)) / 2


def rex(s, beta):
    return (1 - s) / (1 - s + mp.mpf(beta) * s)


def harmonic(s, ratio):
    return (1 - s) * mp.mpf(ratio) / ((1 - s) * mp.mpf(ratio) + s)


def of(way, formula, parameters):
    return [(way(*p), lambda s, p=p: formula(s, *p)) for p in parameters]


TABLES = [1.0, 0.75, 0.875, 0.0], [1.0, 0.3, 0.2, 0.0]
SHAPES = {
    "linear": of(shapes.linear, lambda s: 1 - s, [()]),
    "power": of(shapes.power, power, [(p,) for p in (0, 0.3, 1, 1.0, 2.0, 3)]),
    "powers": of(shapes.power, power, [(p,) for p in (1.25, 2.5)]),
    "inverse_power": of(
        shapes.inverse_power, lambda s, p: 1 - s ** mp.mpf(p), [(p,) for p in (0.5, 0.3, 1, 2, 2.7)]
    ),
    "cosine": of(shapes.cosine, cosine, [(), (1.0,), (2.0,), (0,), (1.5,), (0.5,)]),
    "cosines": of(shapes.cosine, cosine, [(1.25,), (3.0,)]),
    "cosine_waves": of(shapes.cosine_waves, waves, [(1,), (2,), (3,), (8,)]),
    "mirror_cosine": of(shapes.mirror_cosine, lambda s: 2 * (1 - s) - half_wave(s), [()]),
    "rex": of(shapes.rex, rex, [(0.5,), (0.1,), (3.0,)]),
    "harmonic": of(shapes.harmonic, harmonic, [(0.1,), (1.0,), (7.0,)]),
    "inverse_sqrt": of(shapes.inverse_sqrt, inverse_root, [(10.0,), (0.3,), (1e3,)]),
    "exponential": of(shapes.exponential, exponential, [(0.01,), (0.5,), (4.0,)]),
    "tanh": of(shapes.tanh, hyperbolic, [(-7.0, 3.0), (-3.0, 2.0), (-1.0, 1.0), (0.5, 4.0)]),
    "inverse_sigmoid": of(shapes.inverse_sigmoid, logistic, [(10.0,), (1.0,), (30.0,)]),
    "logarithmic": of(shapes.logarithmic, logarithmic, [()]),
    "table": of(shapes.table, broken_line, [(t,) for t in TABLES]),
    "table of 2": of(shapes.table, broken_line, [([1.0, 0.0],)]),
    "warped": [
        (shapes.warped(shapes.power(3.0), 1.5), warped(power, 1.5, 3)),
        (shapes.warped(shapes.power(3.0), 0.4), warped(power, 0.4, 3)),
    ],
    "warped waves": [(shapes.warped(shapes.cosine_waves(2), 2.0), warped(waves, 2, 2))],
    "warped cosine": [(shapes.warped(shapes.cosine(1.5), 0.5), warped(cosine, 0.5, 1.5))],
    "warped tanh": [(shapes.warped(shapes.tanh(-4.0, 3.0), 2.0), warped(hyperbolic, 2, -4, 3))],
    "warped table": [(shapes.warped(shapes.table(TABLES[0]), 3.0), warped(broken_line, 3, TABLES[0]))],
}  # fmt: skip


def exact(formula, start, end, count, length=LENGTH):
    with mp.workdps(50):
        weights = [formula(share(mp.mpf(t), length)) for t in range(count)]
        return [mp.mpf(end) + (mp.mpf(start) - mp.mpf(end)) * w for w in weights]


@pytest.mark.parametrize("name", SHAPES)
def test_every_way_of_reading_gives_the_formula(name):
    count = LENGTH + 2
    pieces = [(shape, f, *ends) for shape, f in SHAPES[name] for ends in ENDS]
    if len(pieces) > 12:
        pieces = pieces[::2] + pieces[1::4]
    schedules = [js.transition_schedule(a, b, LENGTH, shape) for shape, _, a, b in pieces]
    expected = [exact(f, a, b, count) for _, f, a, b in pieces]
    on_host, *on_device = ways(schedules, count)
    # A warped share is rounded, and the waves' inner zeros are no ends, near which it keeps its digits.
    floor = 2.0 if name == "warped waves" else 0.0
    for values, numbers in zip(on_host, expected, strict=True):
        agree(values, numbers, 16 * 2.0**-52, floor * 2.0**-52)
    first = 1 if "tanh" in name else 0
    for values, numbers in zip(map(np.asarray, chain(*on_device)), cycle(expected), strict=False):
        agree(values, numbers, 16 * EPSILON, floor * EPSILON)
        ends = [0, LENGTH, LENGTH + 1][first:]
        np.testing.assert_array_equal(
            values[ends], [values.dtype.type(float(numbers[i])) for i in ends]
        )
