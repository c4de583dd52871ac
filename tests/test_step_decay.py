"""Values in stairs: every kind of number of every form, against exact ones."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsched as js
from jaxsched._core import numerics as nx
from jaxsched._core.per_piece import Few, PerPiece
from jaxsched._forms import step_decay as module

STEPS = [*range(13), 29, 30, 31]


def agree(factory, cases, steps, exact, rtol=1e-6, **flags) -> None:
    """What each case gives at each step: of every kind of step and of hyperparameters."""
    factory_, raw = partial(factory, **flags), partial(factory.form.function, **flags)
    expect = lambda *case: [float(exact(t, *case)) for t in steps]
    whole = jnp.asarray(steps, nx.int_dtype())
    between = nx.real(whole) + 0.75
    columns = [np.asarray(column) for column in zip(*cases, strict=True)]
    arrays = [jnp.asarray(column) for column in columns]
    floats = [nx.real(column) for column in arrays]
    by_case = lambda step, *given: jax.vmap(lambda *case: raw(step, *case))(*given)
    schedules = [factory_(*case) for case in cases]
    for t in (0, 0.75):
        found = [[s(step + t) for step in steps] for s in schedules]
        np.testing.assert_allclose(found, [expect(*c) for c in cases], 1e-14)

    @jax.jit
    def device(step, between, arrays, floats):
        plain = jnp.stack([s(t) for s in schedules for t in (step, between)])
        rows = jnp.broadcast_to(jnp.arange(len(cases), dtype=jnp.uint32)[:, None], spread.shape)
        few = Few([rows >= i for i in range(1, len(cases))])
        pieces = [raw(spread, *[PerPiece(c, i) for c in columns]) for i in (rows, few)]
        traced = [by_case(step, *arrays), by_case(between, *arrays), by_case(step, *floats)]
        return plain, [*pieces, *traced], [mixed(step, arrays, i) for i in range(len(arrays))]

    def mixed(step, arrays, i):
        """One hyperparameter traced, and all but one."""
        first = cases[0]
        one = jax.vmap(lambda x: raw(step, *first[:i], x, *first[i + 1 :]))(arrays[i])
        rest = [x for place, x in enumerate(arrays) if place != i]
        return one, jax.vmap(lambda *xs: raw(step, *xs[:i], first[i], *xs[i:]))(*rest)

    spread = jnp.broadcast_to(whole, (len(cases), len(steps)))
    plain, every, mixtures = device(whole, between, arrays, floats)
    close = partial(np.testing.assert_allclose, rtol=rtol)
    close(plain, [expect(*case) for case in cases for _ in range(2)])
    for kind, values in enumerate(every):
        close(values, [expect(*case) for case in cases], err_msg=str(kind))
        assert values.dtype == nx.float_dtype()
    first = cases[0]
    for i, (one, rest) in enumerate(mixtures):
        close(one, [expect(*first[:i], c[i], *first[i + 1 :]) for c in cases], err_msg=str(i))
        close(rest, [expect(*c[:i], first[i], *c[i + 1 :]) for c in cases], err_msg=str(i))


@pytest.mark.parametrize("one", [False, True])
def test_step_decay(one):
    cases = [(0.75, 1, 0.5, 3), (2, 3, 0.3, 1), (1.5, 2, 2, 5)]
    exact = lambda t, v, n, r, e: Fraction(v) * Fraction(r) ** ((t // e + one) // n)
    agree(js.step_decay, cases, STEPS, exact, 3e-6, count_from_one=one)


def test_step_decay_of_long_epochs():
    """Their product is beyond the type; a traced length of 0 counts as 1."""
    top = int(np.iinfo(nx.int_dtype()).max)
    step = jnp.asarray([0, 7, 2**16, 2**17 + 1, top - 1, top], nx.int_dtype())
    half = 2 ** (top.bit_length() // 2 + 1) + 1  # its square is not 0 in this type

    def read(one):
        decay = partial(js.step_decay.form.function, count_from_one=one)
        return jax.jit(
            lambda t, n, e: [
                decay(t, 1.0, n, 0.5, e),
                decay(t, 1.0, half, 0.5, e),
                decay(t, 1.0, n, 0.5, half),
                decay(t, 1.0, half, 0.5, half),
                decay(t, 1.0, top + 1, 0.5, 1),
                decay(t, 1.0, top + 2, 0.5, 1),
                decay(t, 1.0, n, 0.5, top + 1),
            ]
        )

    for one in (False, True):
        count = lambda t, n, e: 0.5 ** ((t // max(e, 1) + one) // max(n, 1))  # noqa: B023
        cases = [(half, half), (2**20, 0)] if one else [(half, half), (0, 2**20), (2**20, 0)]
        for n, e in cases:
            found = read(one)(step, n, e)
            lengths = [
                (n, e), (half, e), (n, half), (half, half), (top + 1, 1), (top + 2, 1), (n, top + 1)
            ]  # fmt: skip
            for values, case in zip(found, lengths, strict=True):
                exact = np.maximum([count(int(t), *case) for t in step], 0.0)
                tiny = exact < 1e-38  # which float32 takes for 0
                np.testing.assert_allclose(np.where(tiny, 0, values), np.where(tiny, 0, exact))


def test_multistep():
    steps = jnp.arange(24)
    for milestones in ([], [3], [0, 3, 3, 20]):
        for rate in (0.5, 0.0, 2):
            schedule = js.multistep_schedule(0.75, milestones, rate)
            exact = [0.75 * rate ** sum(b <= t for b in milestones) for t in range(24)]
            assert [schedule(t) for t in range(24)] == exact
            np.testing.assert_allclose(schedule(steps), exact, 1e-7)


def test_compounding():
    cases = [(0.75, 0.125, 1), (2, 0, 3), (1.5, 1, 2)]

    def exact(t, value, decay, epoch):
        return Fraction(value) / math.prod(
            1 + Fraction(decay) * i for i in range(1, t // epoch + 1)
        )

    agree(js.compounding_time_based_decay, cases, STEPS, exact, 3e-6)


def test_compounding_from_a_large_start():
    """What is left of 1 is below float32 long before the value is."""
    schedule, epochs = js.compounding_time_based_decay(1e30, 0.1), np.arange(70, 90)
    np.testing.assert_allclose(
        schedule(jnp.asarray(epochs)), [schedule(int(e)) for e in epochs], 1e-6
    )


def test_compounding_ends(monkeypatch):
    """After 4096 epochs, and nothing is read beyond the table; a traced epoch of 0 counts as 1."""
    compounded, traced = module._compounded, module._traced
    last = slice(None, 4097)
    pad = lambda x: np.concatenate([x[..., last], np.full((*x.shape[:-1], 9), 7.0)], -1)
    monkeypatch.setattr(module, "_compounded", lambda decay: pad(compounded(decay)))
    monkeypatch.setattr(
        module, "_traced", lambda r: jnp.concatenate([traced(r)[last], jnp.full(9, 7, r.dtype)])
    )
    at = [0, 1, 2, 4094, 4095, 4096, 4097, 4100, 10**6]
    step = jnp.asarray(at, nx.int_dtype())
    raw = js.compounding_time_based_decay.form.function
    by = 1 / 1024
    factors = np.cumprod(1 / (1 + by / 4096 * np.arange(4097, dtype=np.longdouble)))
    exact = [float(factors[min(t, 4096)]) for t in at]
    rows = jnp.stack([jnp.zeros_like(step), jnp.ones_like(step)])
    host = js.compounding_time_based_decay(1.0, by / 4096)
    np.testing.assert_allclose([host(t) for t in at], exact, 1e-12)

    @jax.jit
    def every(step, one, decay, epoch):
        pieces = raw(jnp.stack([step, step]), 1.0, PerPiece(np.asarray([decay_, 0.5]), rows), 1)
        return [
            raw(step, 1.0, decay_, 1),
            raw(step, one, decay_, 1),
            raw(step, 1.0, decay, epoch),
            pieces[0],
        ]

    decay_ = by / 4096
    for values in every(step, 1.0, decay_, 0):
        np.testing.assert_allclose(values, exact, 1e-3 if nx.float_dtype() == np.float32 else 1e-12)


def fractal(index: int, size: int) -> int:
    """The order of the paper: every second place is the mirror of the one before it."""
    if size == 1:
        return 0
    place = fractal(index // 2, size // 2)
    return size - 1 - place if index % 2 else place


def share(epoch: int, epochs: int) -> Fraction:
    size = 2 ** (max(min(epochs, 2**30), 1) - 1).bit_length()
    index = min(epoch, max(min(epochs, 2**30), 1) - 1)
    return Fraction(2 * fractal(index, size) + 1, 2 * size)


def chebyshev(t, value, epochs, low, high, epoch):
    angle = math.pi * float(share(t // epoch, epochs))
    return value / ((high + low) / 2 - (high - low) / 2 * math.cos(angle))


def test_chebyshev():
    cases = [(0.75, 20, 0.25, 1.5, 1), (2, 3, 1, 2, 2), (1.5, 1, 0.5, 0.5, 3)]
    agree(js.chebyshev_schedule, cases, STEPS, chebyshev, 3e-6)


EPOCHS = [1, 2, 3, 4, 5, 8, 9, 1000, 1024, 1025, 2**20 + 3, 2**29, 2**30 - 1, 2**30, 2**31 - 1]


def test_the_fractal_order():
    """On the host, and on the device for plain and for traced numbers of epochs of any type."""
    at = [
        0,
        1,
        2,
        3,
        7,
        8,
        999,
        1000,
        1023,
        1024,
        5 * 10**8,
        2**30 - 2,
        2**30 - 1,
        2**30,
        2**31 - 1,
    ]
    given = jnp.asarray(at, nx.int_dtype())
    exact = [[share(t, n) for t in at] for n in EPOCHS]
    assert [[module._fractal(t, n) for t in at] for n in EPOCHS] == exact
    assert list(module._all_fractal(9)) == [share(t, 9) for t in range(9)]
    device = jax.jit(
        lambda t, ns, few: (
            [module._fractal_device(t, n) for n in (1, 3, 8, 1025, 2**30 - 1, 2**31 - 1)],
            [module._fractal_device(nx.real(t), 1000)],
            [jax.vmap(partial(module._fractal_device, t))(n) for n in ns],
            jax.vmap(partial(module._fractal_device, nx.real(t)))(few),
        )
    )
    arrays = [jnp.asarray(EPOCHS, dtype) for dtype in ("int32", "uint32")]
    plain, between, traced, real = device(given, arrays, jnp.asarray([3.0, 0.0, 1000.0]))
    close = partial(np.testing.assert_allclose, rtol=1e-6)
    close(plain, [[float(share(t, n)) for t in at] for n in (1, 3, 8, 1025, 2**30 - 1, 2**31 - 1)])
    close(between[0], [float(share(t, 1000)) for t in at])
    for values in traced:
        close(values, np.asarray(exact, float))
    close(real, [[float(share(t, n)) for t in at] for n in (3, 1, 1000)])


def test_chebyshev_of_many_epochs(monkeypatch):
    """Where they are tabulated nothing is read beyond the table; of very many there is none."""
    tabulated = module._all_fractal
    few = lambda epochs: tabulated(epochs) if epochs <= 1024 else pytest.fail("a table too long")
    monkeypatch.setattr(module, "_all_fractal", few)
    pad = lambda table: jnp.asarray(np.append(table, [-7.0, -7.0, -7.0]), nx.float_dtype())
    monkeypatch.setattr(module, "_read", lambda table, epoch: pad(table)[epoch])
    at = [0, 1, 2, 1022, 1023, 1024, 1025, 10**6, 2**30]
    step = jnp.asarray(at, nx.int_dtype())
    for epochs in (1, 1023, 1024, 1025, 2**30, 2**31):
        schedule = js.chebyshev_schedule(1.0, epochs)
        exact = [chebyshev(t, 1.0, epochs, 0.05, 1.0, 1) for t in at]
        np.testing.assert_allclose([schedule(t) for t in at], exact, 1e-13)
        np.testing.assert_allclose(schedule(step), exact, 2e-6)
    raw = js.chebyshev_schedule.form.function
    traced = jax.jit(lambda n, e: raw(step, 1.0, n, 0.25, 1.0, e))
    for epochs in (0, 4):
        exact = [chebyshev(t, 1.0, max(epochs, 1), 0.25, 1.0, 1) for t in at]
        np.testing.assert_allclose(traced(epochs, 0), exact, 1e-6)


def test_traced_integers():
    """In the place of a value too: strict arithmetic takes no integer beside a float."""
    step = jnp.asarray(STEPS, nx.int_dtype())
    for factory, exact, case in (
        (js.step_decay, lambda t, v, n, r, e: v * r ** (t // e // n), (2, 3, 2, 1)),
        (
            js.compounding_time_based_decay,
            lambda t, v, d, e: v / math.prod(1 + d * i for i in range(1, t // e + 1)),
            (2, 1, 3),
        ),
        (js.chebyshev_schedule, chebyshev, (2, 3, 1, 2, 2)),
    ):
        by_int = jax.jit(lambda t, *xs, f=factory: f.form.function(t, *xs))
        expected = [float(exact(t, *case)) for t in STEPS]
        np.testing.assert_allclose(by_int(step, *case), expected, 3e-6)
        for i in range(len(case)):
            one = by_int.__wrapped__(step, *case[:i], jnp.int32(case[i]), *case[i + 1 :])
            np.testing.assert_allclose(one, expected, 3e-6)


def test_chebyshev_ends_at_the_largest_number():
    schedule = js.chebyshev_schedule(3e38, 4, 1e-3)
    values = np.asarray(schedule(jnp.arange(5)), np.float64)
    top = float(np.finfo(nx.float_dtype()).max)
    exact = [min(chebyshev(t, 3e38, 4, 1e-3, 1.0, 1), top) for t in range(5)]
    np.testing.assert_allclose(values, exact, 1e-6)
