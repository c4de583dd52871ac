"""Operators on schedules, and schedules from values, each on schedules of several forms."""

from __future__ import annotations

from typing import Any

import mpmath as mp
from case import Case, decay, half_cosine, pieces, ramp, share

import jaxsched as js
from jaxsched import shapes


def foreign(epoch: Any) -> Any:
    """A user's own function of the epoch."""
    return 0.5 / (1.0 + epoch / 4)


def quarter(step: Any) -> Any:
    return 0.25


def on_line(f: Any, position: Any) -> Any:
    """Straight lines through the values of a function at whole numbers."""
    whole = mp.floor(position)
    return f(whole) + (f(whole + 1) - f(whole)) * (position - whole)


def cycles(f: Any, t: Any, period: int, growth: int, rate: float, limit: int | None = None) -> Any:
    """The definition of `repeat`, walked cycle by cycle."""
    begin, length, number = mp.mpf(0), mp.mpf(period), 0
    while t >= begin + length and (limit is None or number < limit - 1):
        begin, length, number = begin + length, length * growth, number + 1
    local = min(t - begin, length) * period / length
    return mp.mpf(rate) ** number * on_line(f, local)


def equal_cycles(f: Any, t: Any, period: int, rate: float, limit: int | None = None) -> Any:
    number = mp.floor(t / period)
    if limit is not None and number >= limit:
        return mp.mpf(rate) ** (limit - 1) * f(mp.mpf(period))
    return mp.mpf(rate) ** number * f(t - number * period)


def uniform(seed: int, step: Any) -> Any:
    """Philox2x32-10 of the step under the seed; 23 bits of its first word, centred."""
    left, right, key, mask = int(step) % 2**32, int(step) >> 32, seed, 2**32 - 1
    for i in range(10):
        product = left * 0xD256D193
        left, right = (product >> 32) ^ right ^ ((key + i * 0x9E3779B9) & mask), product & mask
    return mp.mpf(2 * (left >> 9) + 1 - 2**23) / 2**23


def normal(seed: int, step: Any) -> Any:
    """Box and Muller of the two words."""
    left, right, key, mask = int(step) % 2**32, int(step) >> 32, seed, 2**32 - 1
    for i in range(10):
        product = left * 0xD256D193
        left, right = (product >> 32) ^ right ^ ((key + i * 0x9E3779B9) & mask), product & mask
    radius = mp.sqrt(-2 * mp.log((mp.mpf(left >> 9) + mp.mpf(1) / 2) / 2**23))
    return radius * mp.cospi(2 * mp.mpf(right >> 9) / 2**23)


def table(values: list[float], position: Any, interpolate: bool = False) -> Any:
    position = min(position, mp.mpf(len(values) - 1))
    i = int(position)
    if not interpolate or i == len(values) - 1:
        return mp.mpf(values[i])
    return mp.mpf(values[i]) + (mp.mpf(values[i + 1]) - values[i]) * (position - i)


def momentum(t: Any, a: float, b: float, turn: int, length: int) -> Any:
    if t < turn:
        return half_cosine(a, b, share(t, turn))
    return half_cosine(b, a, share(t, length - turn, turn))


LATE = 10**9 + 7
TABLE = [0.1, 0.7, 0.3, 0.0, 0.5, 0.2]

OPERATOR_CASES: dict[str, Case] = {
    "minimum": Case(
        lambda: js.minimum(js.linear_schedule(0.0, 1.0, 1000), js.exponential_decay(0.5, 1000, 0.5)),
        lambda t: min(share(t, 1000), decay(0.5, 0.5, t / 1000)),
        (367, 1000), 4, 0.0, 0.3878, "turns",
    ),
    "minimum/ours and foreign": Case(
        lambda: js.minimum(js.linear_schedule(0.0, 1.0, 1000), quarter),
        lambda t: min(share(t, 1000), mp.mpf(0.25)),
        (250, 1000), 4, 0.0, 0.25, "rises", 250,
    ),
    "maximum": Case(
        lambda: js.maximum(js.cosine_decay_schedule(0.1, 1000), 0.01),
        lambda t: max(half_cosine(0.1, 0.0, share(t, 1000)), mp.mpf(0.01)),
        (795, 796, 1000), 8, 0.01, 0.1, settled=1000,
    ),
    "clip": Case(
        lambda: js.clip(js.linear_schedule(1.0, 0.0, LATE), 0.3, 0.7),
        lambda t: min(max(ramp(1.0, 0.0, share(t, LATE)), mp.mpf(0.3)), mp.mpf(0.7)),
        (300_000_002, 700_000_004, LATE), 4, 0.3, 0.7, settled=LATE,
    ),
    "clip/floor": Case(
        lambda: js.clip(js.exponential_decay(0.1, 1000, 0.5), low=0.01),
        lambda t: max(decay(0.1, 0.5, t / 1000), mp.mpf(0.01)),
        (3321, 3322), 4, 0.01, 0.1, settled=3322,
    ),
    "power": Case(
        lambda: js.linear_schedule(0.7, 0.0, 10_007) ** 2,
        lambda t: ramp(0.7, 0.0, share(t, 10_007)) ** 2,
        (10_007,), 8, 0.0, 0.49, settled=10_007,
    ),
    "power/root": Case(
        lambda: js.power(js.linear_schedule(0.7, 0.1, 10_007), 0.5),
        lambda t: mp.sqrt(ramp(0.7, 0.1, share(t, 10_007))),
        (10_007,), 4, float(mp.sqrt(mp.mpf(0.1))), float(mp.sqrt(mp.mpf(0.7))), settled=10_007,
    ),
    "power/of a number": Case(
        lambda: 0.5 ** js.linear_schedule(0.0, 3.0, 1000),
        lambda t: mp.mpf(0.5) ** ramp(0.0, 3.0, share(t, 1000)),
        (1000,), 8, 0.125, 1.0, settled=1000,
    ),
    "proportional": Case(
        lambda: js.proportional(js.cosine_decay_schedule(0.3, 1000), 0.3, 0.0, 0.1),
        lambda t: mp.mpf(0.1) * half_cosine(0.3, 0.0, share(t, 1000)) / mp.mpf(0.3),
        (1000,), 8, 0.0, 0.1, settled=1000,
    ),
    "proportional/inverse": Case(
        lambda: js.proportional(js.linear_schedule(0.0, 0.3, 1000), 0.3, 0.95, 0.85),
        lambda t: ramp(0.95, 0.85, share(t, 1000)),
        (1000,), 4, 0.85, 0.95, settled=1000,
    ),
    "onecycle_momentum_schedule": Case(
        lambda: js.onecycle_momentum_schedule(1000, 0.95, 0.85, 0.25),
        lambda t: momentum(t, 0.95, 0.85, 250, 1000),
        (250, 1000), 4, 0.85, 0.95, "turns", 1000,
    ),
    "delay": Case(
        lambda: js.delay(js.cosine_decay_schedule(0.1, LATE), 12_345),
        lambda t: half_cosine(0.1, 0.0, share(t, LATE, 12_345)),
        (12_345, LATE + 12_345), 8, 0.0, 0.1, settled=LATE + 12_345,
    ),
    "delay/for ever": Case(
        lambda: js.delay(js.linear_schedule(1.0, 0.5, 10), 2**40),
        lambda t: mp.mpf(1) if t < 2**39 else ramp(1.0, 0.5, share(t, 10, 2**40)),
        (10,), 0.5, 0.5, 1.0,
    ),
    "staircase": Case(
        lambda: js.staircase(js.linear_schedule(1.0, 0.0, LATE), 1001),
        lambda t: ramp(1.0, 0.0, share(1001 * mp.floor(t / 1001), LATE)),
        (1001, 2002, LATE), 4, 0.0, 1.0, settled=LATE + 1001,
    ),
    "staircase/for ever": Case(
        lambda: js.staircase(js.linear_schedule(1.0, 0.0, 10), 2**40),
        lambda t: mp.mpf(1) if t < 2**40 else mp.mpf(0),
        (10,), 0.5, 0.0, 1.0,
    ),
    "reverse": Case(
        lambda: js.reverse(js.polynomial_schedule(0.7, 0.1, 2.0, 6007), 5003),
        lambda t: ramp(0.1, 0.7, (1 - share(max(5003 - t, mp.mpf(0)), 6007)) ** 2),
        (5003,), 4, 0.1, 0.7, "rises", 5003,
    ),
    "reverse/all steps": Case(
        lambda: js.reverse(js.linear_schedule(0.0, 1.0, 2**31 - 1), 2**31 - 1),
        lambda t: 1 - share(t, 2**31 - 1),
        (2**31 - 1,), 4, 0.0, 1.0, settled=2**31 - 1,
    ),
    "by_epoch": Case(
        lambda: js.by_epoch(js.cosine_decay_schedule(0.1, 90), 10_007),
        lambda t: half_cosine(0.1, 0.0, share(mp.floor(t / 10_007), 90)),
        (10_007, 20_014, 900_630), 8, 0.0, 0.1, settled=900_630,
    ),
    "by_epoch/foreign": Case(
        lambda: js.by_epoch(foreign, 100_003),
        lambda t: 2 / (4 + mp.floor(t / 100_003)),
        (100_003, 200_006), 8, 0.0, 0.5,
    ),
    "stretch": Case(
        lambda: js.stretch(js.linear_schedule(1.0, 0.0, 10_007), 7),
        lambda t: ramp(1.0, 0.0, share(t, 70_049)),
        (7, 70_049), 8, 0.0, 1.0, settled=70_049,
    ),
    "stretch/longer by half": Case(
        lambda: js.stretch(js.cosine_decay_schedule(0.1, 1000), 3, 2),
        lambda t: on_line(lambda u: half_cosine(0.1, 0.0, share(u, 1000)), t * 2 / 3),
        (1500,), 8, 0.0, 0.1, settled=1500,
    ),
    "stretch/shorter": Case(
        lambda: js.stretch(js.linear_schedule(1.0, 0.0, LATE), 1, 10),
        lambda t: ramp(1.0, 0.0, share(10 * t, LATE)),
        (100_000_001,), 8, 0.0, 1.0, settled=100_000_001,
    ),
    "repeat": Case(
        lambda: js.repeat(js.cosine_decay_schedule(0.1, 101), 101),
        lambda t: equal_cycles(lambda u: half_cosine(0.1, 0.0, share(u, 101)), t, 101, 1.0),
        (101, 202, 101 * 10**7), 8, 0.0, 0.1, "turns",
    ),
    "repeat/decaying": Case(
        lambda: js.repeat(js.linear_schedule(0.0, 1.0, 101), 101, decay=0.75, limit=7),
        lambda t: equal_cycles(lambda u: share(u, 101), t, 101, 0.75, 7),
        (101, 202, 707), 8, 0.0, 1.0, "turns", 707,
    ),
    "repeat/growing": Case(
        lambda: js.repeat(js.linear_schedule(1.0, 0.25, 101), 101, growth=2, decay=0.5),
        lambda t: cycles(lambda u: ramp(1.0, 0.25, share(u, 101)), t, 101, 2, 0.5),
        (101, 303, 707, 101 * (2**24 - 1)), 8, 0.0, 1.0, "turns",
    ),
    "repeat/growing, limited": Case(
        lambda: js.repeat(js.cosine_decay_schedule(1.0, 101), 101, growth=3, decay=0.75, limit=4),
        lambda t: cycles(lambda u: half_cosine(1.0, 0.0, share(u, 101)), t, 101, 3, 0.75, 4),
        (101, 404, 1313, 4040), 8, 0.0, 1.0, "turns", 4040,
    ),
    "repeat/growing fast": Case(
        lambda: js.repeat(js.linear_schedule(1.0, 0.0, 2), 1, growth=5),
        lambda t: cycles(lambda u: ramp(1.0, 0.0, share(u, 2)), t, 1, 5, 1.0),
        (1, 6, 31, 305_175_781, 1_525_878_906), 8, 0.0, 1.0, "turns",
    ),
    "with_warmup": Case(
        lambda: js.with_warmup(js.cosine_decay_schedule(0.3, 10_007), 101),
        lambda t: (
            ramp(0.0, 0.3, share(t, 101)) if t < 101
            else half_cosine(0.3, 0.0, share(t, 10_007, 101))
        ),
        (101, 10_108), 8, 0.0, 0.3, "turns", 10_108,
    ),
    "with_warmup/overlay": Case(
        lambda: js.with_warmup(
            js.exponential_decay(0.3, 100, 0.5), 101, 0.01, shapes.cosine(), "overlay"
        ),
        lambda t: (
            half_cosine(0.01, decay(0.3, 0.5, mp.mpf(101) / 100), share(t, 101)) if t < 101
            else decay(0.3, 0.5, t / 100)
        ),
        (101,), 8, 0.0, 0.3, "turns",
    ),
    "with_warmup/one in W": Case(
        lambda: js.with_warmup(js.constant_schedule(0.7), 101, first_step=1),
        lambda t: mp.mpf(0.7) * min(t + 1, mp.mpf(101)) / 101,
        (99, 100, 101), 4, 0.0, 0.7, "rises", 101,
    ),
    "with_warmup/no steps": Case(
        lambda: js.with_warmup(js.linear_schedule(0.7, 0.0, 1000), 0, 0.1),
        lambda t: ramp(0.7, 0.0, share(t, 1000)),
        (1000,), 4, 0.0, 0.7, settled=1000,
    ),
    "with_cooldown": Case(
        lambda: js.with_cooldown(js.cosine_decay_schedule(0.3, 10_007), 5000, 101),
        lambda t: (
            half_cosine(0.3, 0.0, share(t, 10_007)) if t < 5000
            else ramp(half_cosine(0.3, 0.0, share(mp.mpf(5000), 10_007)), 0.0, share(t, 101, 5000))
        ),
        (5000, 5101), 8, 0.0, 0.3, settled=5101,
    ),
    "with_cooldown/shape": Case(
        lambda: js.with_cooldown(
            js.constant_schedule(0.3), LATE, 10_007, 0.01, shapes.inverse_power(0.5)
        ),
        lambda t: ramp(0.3, 0.01, mp.sqrt(share(t, 10_007, LATE))),
        (LATE, LATE + 10_007), 8, 0.01, 0.3, settled=LATE + 10_007,
    ),
    "override": Case(
        lambda: js.override(
            js.linear_schedule(0.7, 0.0, 1000), 500, js.cosine_decay_schedule(3.0, 10_007)
        ),
        lambda t: (
            ramp(0.7, 0.0, share(t, 1000)) if t < 500
            else half_cosine(0.7, 0.0, share(t, 10_007, 500)) / 2
        ),
        (500, 10_507), 8, 0.0, 0.7, settled=10_507,
    ),
    "override/as it is": Case(
        lambda: js.override(
            js.linear_schedule(0.0, 0.7, 1000), 500, js.linear_schedule(0.0, 0.3, 77), False
        ),
        lambda t: ramp(0.0, 0.7, share(t, 1000)) if t < 500 else ramp(0.0, 0.3, share(t, 77, 500)),
        (500, 577), 4, 0.0, 0.7, "turns", 577,
    ),
    "with_noise": Case(
        lambda: js.with_noise(js.linear_schedule(0.7, 0.1, 1000), 0.3, seed=5),
        lambda t: ramp(0.7, 0.1, share(t, 1000)) * (1 + mp.mpf(0.3) * uniform(5, t)),
        (1000,), 8, 0.07, 0.91, "turns",
    ),
    "with_noise/normal, added": Case(
        lambda: js.with_noise(
            js.constant_schedule(1.0), 0.01, 2**31 + 5, "normal", mode="add", every=1001
        ),
        lambda t: 1 + mp.mpf(0.01) * normal(2**31 + 5, mp.floor(t / 1001)),
        (1001, 2002), 4, 0.9, 1.1, "turns",
    ),
    "tabulated_schedule": Case(
        lambda: js.tabulated_schedule(TABLE, every=10_007),
        lambda t: table(TABLE, mp.floor(t / 10_007)),
        (10_007, 20_014, 50_035), 0.5, 0.0, 0.7, "turns", 50_035,
    ),
    "tabulated_schedule/interpolated": Case(
        lambda: js.tabulated_schedule(TABLE, 10_007, interpolate=True),
        lambda t: table(TABLE, t / 10_007, True),
        (10_007, 20_014, 30_021, 50_035), 8, 0.0, 0.7, "turns", 50_035,
    ),
    "operators/nested": Case(
        lambda: js.with_warmup(
            js.with_cooldown(
                js.clip(js.repeat(js.stretch(js.linear_schedule(1.0, 0.0, 100), 3), 300, decay=0.75), 0.2),
                1000, 101,
            ),
            11,
        ),
        lambda t: pieces(t, [
            (0, lambda u: share(u, 11)),
            (11, lambda u: max(
                equal_cycles(lambda v: 1 - share(v, 300), u, 300, 0.75), mp.mpf(0.2)
            )),
            (1011, lambda u: (1 - share(u, 101)) * mp.mpf(0.75) ** 3 * 2 / 3),
        ]),
        (11, 311, 611, 911, 1011, 1112), 8, 0.0, 1.0, "turns", 1112,
    ),
    "operators/joined": Case(
        lambda: js.join_schedules(
            [
                js.with_cooldown(js.linear_schedule(0.1 * i, 0.0, 100 * i), 30 * i, 41 + i)
                for i in (1, 2, 3)
            ] + [
                js.repeat(js.linear_schedule(0.1 * i, 0.05, 3 * i), 3 * i, i, 0.5) for i in (2, 3)
            ] + [
                js.with_warmup(js.tabulated_schedule([0.1 * i, 0.3]), 3 * i, first_step=i)
                for i in (1, 2)
            ] + [
                js.staircase(js.delay(js.linear_schedule(0.1 * i, 0.35, 90), i), i) for i in (2, 3)
            ] + [
                js.minimum(js.with_noise(js.constant_schedule(0.1 * i), 0.5, i), 0.2 + 0.1 * i)
                for i in (1, 2)
            ] + [js.reverse(js.stretch(js.linear_schedule(0.1, 0.3, 9), i), 20 + i) for i in (2, 3)],
            [100 * i for i in range(1, 13)],
        ),
        lambda t: pieces(t, [
            *((100 * i - 100, lambda u, i=i: (
                ramp(0.1 * i, 0.0, share(u, 100 * i)) if u < 30 * i
                else mp.mpf(0.1 * i) * mp.mpf(7) / 10 * (1 - share(u, 41 + i, 30 * i))
            )) for i in (1, 2, 3)),
            *((100 * i + 100, lambda u, i=i: cycles(
                lambda v: ramp(0.1 * i, 0.05, share(v, 3 * i)), u, 3 * i, i, 0.5
            )) for i in (2, 3)),
            *((100 * i + 400, lambda u, i=i: (
                mp.mpf(0.1 * i) * (u + i) / (3 * i) if u < 2 * i
                else mp.mpf(0.1 * i) if u <= 3 * i else mp.mpf(0.3)
            )) for i in (1, 2)),
            *((100 * i + 500, lambda u, i=i: ramp(
                0.1 * i, 0.35, share(i * mp.floor(u / i), 90, i)
            )) for i in (2, 3)),
            *((100 * i + 800, lambda u, i=i: min(
                mp.mpf(0.1 * i) * (1 + uniform(i, u) / 2), mp.mpf(0.2 + 0.1 * i)
            )) for i in (1, 2)),
            *((100 * i + 900, lambda u, i=i: ramp(
                0.1, 0.3, share(max(20 + i - u, mp.mpf(0)), 9 * i)
            )) for i in (2, 3)),
        ]),
        (30, 72, 100, 160, 203, 290, 334, 400, 500, 600, 603, 700, 706, 800, 900, 1000, 1100, 1122, 1200),
        8, 0.0, 0.4, "turns", 1300,
    ),
}  # fmt: skip
