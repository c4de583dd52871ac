"""The numbers of shapes: left out, of any type, not known yet, refused, and so large that e ** x is not."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from cases_shapes import broken_line, exponential, hyperbolic, inverse_root, logistic
from test_shapes import ENDS, EPSILON, LENGTH, cosine, exact, harmonic, power, rex, waves
from ways import agree, narrow, reads

import jaxsched as js
from jaxsched import shapes

# Of a shape one or more of its numbers, as integers too, and its formula with them.
NUMBERS = {
    "power": (shapes.power, power, [(2,), (1,), (3,), (2.5,)]),
    "inverse_power": (shapes.inverse_power, lambda s, p: 1 - s ** mp.mpf(p), [(2,), (0.7,)]),
    "cosine": (shapes.cosine, cosine, [(2,), (1,), (1.5,)]),
    "cosine_waves": (shapes.cosine_waves, waves, [(2,), (3,)]),
    "rex": (shapes.rex, rex, [(2,), (0.5,)]),
    "harmonic": (shapes.harmonic, harmonic, [(2,), (0.5,)]),
    "inverse_sqrt": (shapes.inverse_sqrt, inverse_root, [(8,), (0.5,)]),
    "exponential": (shapes.exponential, exponential, [(4,), (0.1,)]),
    "tanh": (shapes.tanh, hyperbolic, [(-3, 2), (-1.5, 4.0)]),
    "inverse_sigmoid": (shapes.inverse_sigmoid, logistic, [(10,), (3.0,)]),
    "table": (
        lambda *v: shapes.table(v), lambda s, *v: broken_line(s, v), [(1, 0, 1, 0), (1.0, 0.3, 0.2, 0.0)]
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NUMBERS)
def test_any_of_its_numbers_may_be_unknown(name):
    """One after the other: those beside it, and the ends of the way, are known. Its type may be any."""
    way, formula, every = NUMBERS[name]
    steps = jnp.arange(LENGTH + 2)
    for numbers in every:
        for place, number in enumerate(numbers):
            for start, end in ((0.7, 0.0), (0.0, 0.7), (0.9, 0.2)):

                def read(x, start=start, end=end, numbers=numbers, place=place):
                    shape = way(*numbers[:place], x, *numbers[place + 1 :])
                    return js.transition_schedule(start, end, LENGTH, shape)(steps)

                expected = exact(lambda s, n=numbers: formula(s, *n), start, end, LENGTH + 2)
                agree(np.asarray(jax.jit(read)(narrow(number))), expected, 32 * EPSILON)


def test_numbers_that_are_not_given():
    for short, whole in (
        (shapes.cosine(), shapes.cosine(1.0)),
        (shapes.cosine_waves(), shapes.cosine_waves(2)),
        (shapes.rex(), shapes.rex(0.5)),
        (shapes.inverse_sqrt(), shapes.inverse_sqrt(10.0)),
        (shapes.tanh(), shapes.tanh(-7.0, 3.0)),
        (shapes.inverse_sigmoid(), shapes.inverse_sigmoid(10.0)),
    ):
        assert short == whole
        for a, b in ((short, whole), (shapes.warped(short, 1.0), shapes.warped(whole, 1.0))):
            assert js.transition_schedule(1.0, 0.0, 8, a)(3) == js.transition_schedule(
                1.0, 0.0, 8, b
            )(3)


@pytest.mark.parametrize(
    "shape",
    [shapes.tanh(-200.0, 300.0), shapes.tanh(300.0, -200.0), shapes.inverse_sigmoid(2000.0)],
)
def test_the_steepest_shapes_have_slopes(shape):
    """Where the exponential is beyond the floats, whatever is asked for: by the step, by each number."""
    by_number = jax.jit(jax.grad(lambda s, t: s(t), allow_int=True))
    for start, end in ((1.0, 0.0), (0.0, 1.0), (1.0, 0.5)):
        schedule = js.transition_schedule(start, end, LENGTH, shape)
        by_step = jax.jit(jax.grad(schedule))
        for t in (0.0, 1.0, 2.5, 3.9, 4.0, 4.1, 7.0, 8.0, 9.0):
            floats = [
                x for x in jax.tree.leaves(by_number(schedule, t)) if x.dtype != jax.dtypes.float0
            ]
            assert np.isfinite([by_step(t), *floats]).all(), t


def test_the_first_of_warped_waves_reaches_0():
    """Not the rounding of pi: the angle is counted from there."""
    for waves_, length in ((2, 3), (5, 9), (3, 5)):
        schedule = js.transition_schedule(
            1.0, 0.0, length, shapes.warped(shapes.cosine_waves(waves_), 1.0)
        )
        assert schedule(1) == 0.0
        assert schedule(jnp.int32(1)) == 0.0


def test_arguments_of_tanh_end_at_5e29():
    """Whose doubles can be added; what is beyond counts as that, whether it is known or not."""
    steps = jnp.arange(LENGTH + 1)
    for given, counted in (((-1e33, 1e31), (-5e29, 5e29)), ((1e31, -1e33), (5e29, -5e29))):
        for start, end in ((1.0, 0.0), (0.0, 1.0)):
            way, same = (
                js.transition_schedule(start, end, LENGTH, shapes.tanh(*pair))
                for pair in (given, counted)
            )
            expected = [same(t) for t in range(LENGTH + 1)]
            assert [way(t) for t in range(LENGTH + 1)] == expected
            for values in (way(steps), jax.jit(lambda s: s(steps))(way)):
                np.testing.assert_allclose(values, expected, 1e-5, 1e-30)


def test_ratios_as_far_as_the_floats_go():
    """No value is beyond the ends of its way, and no step goes back."""
    steps = jnp.arange(LENGTH + 2)
    for ratio in (3e38, 1e20, 1e-20, 2e-38):
        for start, end in ((1.0, 0.0), (0.0, 1.0), (0.25, 0.75)):
            schedule = js.transition_schedule(start, end, LENGTH, shapes.exponential(ratio))
            values = np.asarray(schedule(steps))
            assert (values[0], values[-1]) == (start, end)
            assert (np.sign(end - start) * np.diff(values) >= 0).all()


def test_logarithms_over_few_steps():
    """Of one step there is no logarithm: it counts as two."""
    for length in (1, 2, 3, 4):
        schedules = [js.transition_schedule(a, b, length, shapes.logarithmic()) for a, b in ENDS]
        weight = lambda s, n=length: (
            1 - min(mp.log(s * n + 1) / mp.log(max(n, 2)), 1) if s < 1 else 0
        )
        steps = [0, 0.25, 0.5, 0.75, 1, 2, 2.5, 3, 4, 5]
        expected = [
            [mp.mpf(b) + (mp.mpf(a) - b) * weight(min(mp.mpf(t) / length, 1)) for t in steps]
            for a, b in ENDS
        ]
        on_host, *on_device = reads(schedules, steps)
        for values, digit in ((on_host, 2.0**-52), *((v, EPSILON) for v in on_device)):
            for row, numbers in zip(values, expected, strict=True):
                agree(row, numbers, 16 * digit, 2 * digit)  # 0 is not its end only


@pytest.mark.parametrize("ratio", [1, 1.0])
def test_a_ratio_of_1_is_no_exponential(ratio):
    with pytest.raises(
        ValueError, match=r"ratio must be a positive finite number other than 1, got 1"
    ):
        shapes.exponential(ratio)


@pytest.mark.parametrize("values", [[1.0, 0.5], [0.5, 0.0], [0.0, 1.0], [0.5, 0.5, 0.5]])
def test_a_table_goes_from_1_to_0(values):
    with pytest.raises(
        ValueError, match=r"values must be numbers of which the first is 1 and the last 0"
    ):
        shapes.table(values)


def test_a_table_has_two_numbers_from_1_to_0():
    for values, said in (
        ([1.0], "values must be a sequence of at least 2 numbers from 1 to 0"),
        ([], "values must be a sequence of at least 2 numbers from 1 to 0"),
        ([1.0, 1.5, 0.0], r"values\[1\] must be a number from 0 to 1, got 1.5"),
        ([1.0, -0.5, 0.0], r"values\[1\] must be a number from 0 to 1, got -0.5"),
    ):
        with pytest.raises(ValueError, match=said):
            shapes.table(values)


def test_of_numbers_that_are_not_known_yet_nothing_is_said():
    line = lambda shape: js.transition_schedule(1.0, 0.0, 4, shape)(jnp.arange(5))
    for make in (
        lambda x: shapes.table([x, 0.5, 0.0]),
        lambda x: shapes.table([1.0, 0.5, x - 1.0]),
        lambda x: shapes.table([x, 0.5 * x, x - 1.0]),
        lambda x: shapes.warped(shapes.linear(), x),
    ):
        np.testing.assert_allclose(
            jax.jit(lambda x, m=make: line(m(x)))(1.0), [1, 0.75, 0.5, 0.25, 0]
        )
    for first, last in ((1.0, 0.5), (0.5, 0.0)):
        with pytest.raises(ValueError, match="the first is 1 and the last 0"):
            jax.jit(lambda x, a=first, b=last: line(shapes.table([a, x, b])))(0.5)
