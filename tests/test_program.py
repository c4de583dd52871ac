"""What is compiled and what is called, in counts: no test here looks at a clock."""

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import jax
import jax.extend.core
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from case import PUBLIC
from cases import CASES
from numpy.testing import assert_allclose

import jaxsched as js

try:
    enable_x64 = jax.enable_x64
except AttributeError:  # an older jax
    from jax.experimental import enable_x64

ROOT = Path(__file__).parent.parent
every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


# --- the size of the program -------------------------------------------------------------------------


def instructions(schedule, step=3):
    """The instructions of the optimized program by opcode; constants hold the table and may differ."""
    text = jax.jit(schedule).lower(jnp.asarray(step)).compile().as_text()
    opcodes = re.findall(r"^\s*(?:ROOT )?%?[\w.\-]+ = \S+ ([\w\-]+)\(", text, re.MULTILINE)
    assert opcodes, text
    return sorted(code for code in opcodes if code != "constant")


def sgdr(n):
    return js.sgdr_schedule(
        [
            dict(init_value=0.0, peak_value=1 / (i + 1), warmup_steps=5 + i % 7, decay_steps=20 + i)
            for i in range(n)
        ]
    )


def lines(n):
    return js.join_schedules(
        [js.linear_schedule(1.0 / (i + 1), 0.1 / (i + 1), 10 + i) for i in range(n)],
        [20 * (i + 1) for i in range(n - 1)],
    )


def alternating(n):
    """Two forms in turn."""
    pair = lambda i: (
        js.linear_schedule(0.0, 1.0 / (i + 1), 5),
        js.cosine_decay_schedule(1.0, 9 + i),
    )
    return js.join_schedules(
        [piece for i in range(n // 2) for piece in pair(i)], [9 * (i + 1) for i in range(n - 1)]
    )


def exponentials(n):
    return js.join_schedules(
        [js.exponential_decay(1.0 / (i + 1), 10 + i, 0.5 + 0.4 * i / n) for i in range(n)],
        [20 * (i + 1) for i in range(n - 1)],
    )


def stairs(n):
    return js.piecewise_constant_schedule(1.0, {10 * (i + 1): 0.5 + i / n for i in range(n)})


def interpolated(n):
    scales = {10 * (i + 1): 0.5 + i / n for i in range(n)}
    return js.piecewise_interpolate_schedule("cosine", 1.0, scales)


GROWING = [sgdr, lines, alternating, exponentials, stairs, interpolated]


@pytest.mark.parametrize("make", GROWING, ids=lambda f: f.__name__)
def test_a_join_does_not_grow_with_its_pieces(make):
    """Neither the jaxpr nor the compiled program; up to 16 boundaries are found in one stage."""
    counts = [sorted(primitives(jax.make_jaxpr(make(n))(3).jaxpr)) for n in (20, 40, 200, 1000)]
    assert all(count == counts[0] for count in counts)
    programs = [Counter(instructions(make(n))) for n in (20, 40, 200, 1000)]
    assert all(program == programs[0] for program in programs)
    few = len(instructions(make(10)))
    assert 10 < few <= programs[0].total() <= few + 50


def test_a_join_grows_with_its_forms():
    """The count above can tell: pieces of different forms are different code."""
    forms = [
        js.linear_schedule(0.0, 1.0, 10),
        js.cosine_decay_schedule(1.0, 10),
        js.exponential_decay(1.0, 10, 0.5),
        js.polynomial_schedule(1.0, 0.0, 1.7, 10),
    ]
    counts = [
        len(instructions(js.join_schedules(forms[:n], list(range(10, 10 * n, 10)))))
        for n in range(1, 5)
    ]
    assert counts == sorted(set(counts))


def subjaxprs(value):
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from subjaxprs(item)
    elif hasattr(value, "jaxpr"):  # a closed one
        yield value.jaxpr
    elif hasattr(value, "eqns"):
        yield value


def primitives(jaxpr):
    for equation in jaxpr.eqns:
        yield equation.primitive.name
        for parameter in equation.params.values():
            for inner in subjaxprs(parameter):
                yield from primitives(inner)


def without_calls(jaxpr):
    """How many equations there are, those of the functions that are called for the calls."""
    return len([name for name in primitives(jaxpr) if name not in ("jit", "pjit")])


BRANCHES_AND_LOOPS = {"cond", "switch", "while", "scan"}


def at(schedule, step):
    return schedule(step)


@every_case
@pytest.mark.parametrize("traced", [False, True], ids=["constants", "arguments"])
@pytest.mark.parametrize("shape", [(), (7,)], ids=["scalar", "array"])
def test_no_branch_and_no_loop(case, traced, shape):
    """On a GPU these stop the device for the host."""
    schedule, steps = case.make(), jnp.zeros(shape, jnp.int32)
    jaxpr = jax.make_jaxpr(at)(schedule, steps) if traced else jax.make_jaxpr(schedule)(steps)
    found = set(primitives(jaxpr.jaxpr))
    assert found or case.settled == 0  # a constant is no program at all
    assert not found & BRANCHES_AND_LOOPS


def test_branches_and_loops_would_be_found():
    def nested(step):
        step = jax.lax.cond(step > 0, lambda s: s, lambda s: -s, step)
        return jax.jit(lambda s: jax.lax.fori_loop(0, s, lambda i, x: x + i, s))(step)

    assert {"cond", "while"} <= set(primitives(jax.make_jaxpr(nested)(jnp.int32(1)).jaxpr))


def test_every_public_schedule_is_looked_at():
    assert len(PUBLIC) >= 18
    assert set(PUBLIC) <= {name.split("/")[0] for name in CASES}


@pytest.mark.usefixtures("quick_search_for_leaks")
@every_case
def test_no_tracer_outlives_its_trace(case):
    schedule = case.make()
    with jax.checking_leaks():
        jax.make_jaxpr(lambda s, t: s(t))(schedule, jnp.arange(3))
        jax.make_jaxpr(schedule)(jnp.int32(3))


@pytest.mark.usefixtures("quick_search_for_leaks")
def test_a_tracer_that_outlives_its_trace_would_be_found():
    kept = []
    with jax.checking_leaks(), pytest.raises(Exception, match="Leaked"):
        jax.make_jaxpr(kept.append)(3)


def equations(jaxpr):
    """Those of a jaxpr and of the jaxprs in it, each jaxpr on its own."""
    yield list(jaxpr.eqns), {v for v in jaxpr.outvars if not is_literal(v)}
    for equation in jaxpr.eqns:
        for parameter in equation.params.values():
            for inner in subjaxprs(parameter):
                yield from equations(inner)


def is_literal(variable):
    return isinstance(variable, jax.extend.core.Literal)


def unused(jaxpr):
    found = []
    for here, needed in equations(jaxpr):
        for equation in reversed(here):
            if needed.isdisjoint(equation.outvars):
                found.append(equation)
            else:
                needed |= {v for v in equation.invars if not is_literal(v)}
    return found


def computed_twice(jaxpr):
    """Equations with the same primitive, inputs and parameters as one before them."""
    found = []
    for here, _ in equations(jaxpr):
        known, first = {}, {}
        for equation in here:
            inputs = [
                (str(v.aval), str(v.val)) if is_literal(v) else first.get(v, v)
                for v in equation.invars
            ]
            parameters = sorted((name, str(value)) for name, value in equation.params.items())
            what = (equation.primitive.name, *inputs, *parameters)
            if what in known:
                found.append(equation)
            first.update(
                zip(equation.outvars, known.setdefault(what, equation.outvars), strict=True)
            )
    return found


counted = pytest.mark.skipif(
    bool(jax.config.jax_enable_x64) or jax.__version_info__ < (0, 10),
    reason="counts the program of one precision; older versions look a table up in more equations",
)


@counted
@every_case
def test_every_equation_is_needed(case):
    """None is unused and none is computed twice."""
    jaxpr = jax.make_jaxpr(case.make())(jnp.int32(3)).jaxpr
    assert not unused(jaxpr)
    assert not computed_twice(jaxpr)


def test_needless_equations_would_be_found():
    def wasteful(step):
        jnp.sin(step)
        return jax.jit(lambda s: (s + 1.0) * (s + 1.0))(step)

    jaxpr = jax.make_jaxpr(wasteful)(1.0).jaxpr
    assert [equation.primitive.name for equation in unused(jaxpr)] == ["sin"]
    assert [equation.primitive.name for equation in computed_twice(jaxpr)] == ["add"]


# Those of one formula are held to the versions by hand in `test_careful`.
LEAST = {
    # the line: the step from 0 on, as a float, the product, at most the peak (four); the cosine: the later
    # one's own step (two), up to the end, what remains, as a float, the angle, its sine, the square, the
    # value (seven); and the choice (two)
    "warmup": (js.warmup_cosine_decay_schedule(0.0, 0.3, 10, 110), 15),
    # a comparison, and a choice of where the line begins, its lower end and the way along it (four); the
    # step from 0 on and on its own clock, up to the end, what remains, as a float, the product, at most 1,
    # and along the way (nine)
    "two lines": (js.piecewise_interpolate_schedule("linear", 0.1, {30: 0.5, 60: 0.1}), 13),
    # the stair (two), at most the last, its index, and the rate at it (two)
    "chebyshev": (js.chebyshev_schedule(0.3, 4, steps_per_epoch=25), 6),
}


@counted
@pytest.mark.parametrize("name", LEAST)
def test_as_few_equations_as_by_hand(name):
    schedule, count = LEAST[name]
    assert without_calls(jax.make_jaxpr(schedule)(jnp.int32(3)).jaxpr) == count


# --- tracing -----------------------------------------------------------------------------------------


class Counted:
    """A jitted function that counts how often it is traced."""

    def __init__(self, function):
        self.traces = 0

        def counted(*args):
            self.traces += 1
            return function(*args)

        self.call = jax.jit(counted)


@every_case
def test_one_trace_for_all_steps(case):
    program = Counted(case.make())
    values = [program.call(jnp.int32(step)) for step in (0, 1, 9, 100, 10**6, 2**31 - 1)]
    assert program.traces == 1
    assert all(value.shape == () for value in values)


CHANGES = [
    (js.constant_schedule(0.1), dict(value=3)),
    (js.linear_schedule(1.0, 0.0, 10), dict(init_value=0, transition_steps=7, transition_begin=3)),
    (js.polynomial_schedule(1.0, 0.5, 2.0, 10), dict(power=1.5, transition_steps=0)),
    (
        js.cosine_decay_schedule(1.0, 10),
        dict(init_value=0.2, decay_steps=77, alpha=0.1, exponent=2),
    ),
    (js.exponential_decay(1.0, 10, 0.5), dict(decay_rate=0.9, transition_steps=3)),
    (
        js.piecewise_constant_schedule(1.0, {3: 0.5, 6: 0.1}),
        dict(boundaries_and_scales={4: 0.2, 10: 0.0}),
    ),
    (
        js.piecewise_interpolate_schedule("cosine", 1.0, {3: 0.5, 6: 0.1}),
        dict(init_value=2.0, boundaries_and_scales={4: 0.2, 10: 0.5}),
    ),
    (js.linear_onecycle_schedule(100, 1.0), dict(transition_steps=40, pct_start=0.25)),
    (js.cosine_onecycle_schedule(100, 1.0), dict(transition_steps=40, div_factor=10)),
    (js.warmup_constant_schedule(0.0, 1.0, 10), dict(warmup_steps=0)),
    (
        js.warmup_cosine_decay_schedule(0.0, 1.0, 10, 100),
        dict(peak_value=0.3, warmup_steps=20, decay_steps=60, end_value=0.01),
    ),
    (
        js.warmup_exponential_decay_schedule(0.0, 1.0, 10, 100, 0.9),
        dict(warmup_steps=20, decay_rate=0.5, transition_begin=7),
    ),
    (sgdr(3), sgdr(4).replace(cosine_kwargs=sgdr(4).cosine_kwargs[1:]).hyperparameters),
    (lines(3), dict(boundaries=[15, 35])),
]


@pytest.mark.parametrize(
    ("schedule", "changes"), CHANGES, ids=lambda x: getattr(x, "_form", x) and ""
)
def test_new_hyperparameters_trace_nothing(schedule, changes):
    """An integer given for a rate, or a length of 0, is no new program either."""
    program = Counted(at)
    changed = schedule.replace(**changes)
    assert changed != schedule
    for step in (0, 5, 33, 10**6):
        for s in (schedule, changed):
            # Hyperparameters that are arguments are in float32, and so is what is computed of them.
            assert_allclose(program.call(s, jnp.int32(step)), s(step), rtol=3e-6, atol=3e-7)
    assert program.traces == 1


def test_an_optimizer_step_takes_any_schedule_of_the_same_form():
    def step(schedule, params, state):
        tx = optax.adam(schedule)
        updates, state = tx.update(jax.grad(lambda p: jnp.sum(p**2))(params), state, params)
        return optax.apply_updates(params, updates), state

    program = Counted(step)
    params = jnp.ones(3)
    for rate, length in [(0.1, 10), (0.3, 10), (1, 1000), (0.01, 0)]:
        schedule = js.cosine_decay_schedule(rate, length)
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
            new, _ = program.call(schedule, params, optax.adam(schedule).init(params))
        assert_allclose(params - new, jnp.full(3, schedule(0)), rtol=1e-5, atol=1e-7)
    assert program.traces == 1


# --- a sweep -----------------------------------------------------------------------------------------


def _train(schedule):
    """A small network on a fixed regression problem; its weights and losses after 40 updates."""
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.normal(size=(32, 4)))
    y = jnp.sin(x @ jnp.asarray(rng.normal(size=(4, 1))))
    params = jnp.asarray(rng.normal(size=(4, 8)) / 2), jnp.asarray(rng.normal(size=(8, 1)) / 3)

    def loss(params):
        return jnp.mean((jnp.tanh(x @ params[0]) @ params[1] - y) ** 2)

    tx = optax.sgd(schedule, momentum=0.9)

    def body(carry, _):
        params, state = carry
        value, gradient = jax.value_and_grad(loss)(params)
        updates, state = tx.update(gradient, state, params)
        return (optax.apply_updates(params, updates), state), value

    (params, _), losses = jax.lax.scan(body, (params, tx.init(params)), None, length=40)
    return params, losses


def test_64_schedules_train_in_one_compilation():
    with (
        enable_x64(True),
        jax.numpy_dtype_promotion("standard"),
        jax.numpy_rank_promotion("allow"),
    ):
        grid = [(rate, n) for rate in np.geomspace(0.003, 0.1, 8) for n in range(10, 50, 5)]
        schedules = [js.warmup_cosine_decay_schedule(0.0, rate, n // 5, n) for rate, n in grid]
        assert len(schedules) == 64
        stacked = jax.tree.map(lambda *leaves: jnp.asarray(leaves), *schedules)
        sweep, single = Counted(jax.vmap(_train)), Counted(_train)
        params, losses = sweep.call(stacked)
        assert sweep.traces == 1
        assert losses.shape == (64, 40)
        assert len(np.unique(np.asarray(losses[:, -1]))) == 64
        for i, schedule in enumerate(schedules):
            alone, alone_losses = single.call(schedule)
            assert_allclose(losses[i], alone_losses, rtol=1e-10)
            for a, b in zip(params, alone, strict=True):
                assert_allclose(a[i], b, rtol=1e-10, atol=1e-12)
        assert single.traces == 1
        for i in (0, 27, 63):  # and it is the run that optax makes
            rate, n = grid[i]
            theirs = optax.warmup_cosine_decay_schedule(0.0, rate, n // 5, n)
            _, their_losses = _train(lambda s, f=theirs: f(jnp.asarray(s, jnp.int64)))
            assert_allclose(losses[i], their_losses, rtol=1e-10)


# --- the host ----------------------------------------------------------------------------------------

NO_BACKEND = """
import jax
from jax._src import xla_bridge
import jaxsched
assert not xla_bridge._backends, "import jaxsched starts a backend"

def refuse(*args, **kwargs):
    raise AssertionError(f"JAX was called: {args}")

jax.extend.core.Primitive.bind = refuse
import numpy as np
from cases import CASES
count = 0
for name, case in CASES.items():
    schedule = case.make()
    for step in (0, 1, 7, 10**3, 10**6, 2**31, 2**40, -3, 2.5, np.int64(9), np.float32(3.5)):
        value = schedule(step)
        assert type(value) is float, (name, step, value)
        count += 1
    repr(schedule), hash(schedule), schedule == case.make(), schedule.replace()
assert not xla_bridge._backends, "reading a schedule starts a backend"
print(count)
"""


def _run(program):
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def test_reading_calls_nothing_of_jax():
    done = _run("import jax.extend.core\n" + NO_BACKEND)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == 11 * len(CASES)


def test_calling_jax_would_be_noticed():
    """The program above fails if one read goes to the device."""
    program = NO_BACKEND.replace("schedule(step)", "float(schedule(np.asarray(step)))")
    done = _run("import jax.extend.core\n" + program)
    assert done.returncode == 1
    assert "JAX was called" in done.stderr


@every_case
@pytest.mark.parametrize(
    "step",
    [3, 3.0, np.int8(3), np.uint64(3), np.float16(3), np.float64(3)],
    ids=lambda x: type(x).__name__,
)
def test_a_plain_step_gives_a_float(case, step):
    value = case.make()(step)
    assert type(value) is float
    assert value == case.make()(3)


# --- beyond int32 ------------------------------------------------------------------------------------

LONG = 2**33
LONG_RUNS = {
    "cosine": js.cosine_decay_schedule(1.0, LONG),
    "linear": js.linear_schedule(1.0, 0.0, LONG, transition_begin=1000),
    "late": js.linear_schedule(1.0, 0.0, 10, transition_begin=LONG),
    "polynomial": js.polynomial_schedule(1.0, 0.1, 2.0, LONG),
    "exponential": js.exponential_decay(1.0, LONG, 1e-3),
    "stairs": js.exponential_decay(1.0, LONG, 1e-3, staircase=True),
    "warmup": js.warmup_cosine_decay_schedule(0.0, 1.0, 10**6, LONG, 0.01),
    "onecycle": js.cosine_onecycle_schedule(LONG, 1.0, pct_start=0.1),
    "constants": js.piecewise_constant_schedule(1.0, {10**9: 0.5, LONG: 0.5, LONG + 5: 0.5}),
    "interpolated": js.piecewise_interpolate_schedule("linear", 1.0, {10**9: 0.5, LONG: 0.1}),
    "joined": js.join_schedules(
        [js.cosine_decay_schedule(1.0, 10**9), js.cosine_decay_schedule(1.0, LONG)], [10**9]
    ),
}
LONG_STEPS = [0, 1, 999, 10**6, 10**6 + 1, 10**9 - 1, 10**9, 2 * 10**9, 2**31 - 2, 2**31 - 1]


def _assert_ulp(actual, expected, ulp):
    expected = np.asarray(expected)
    unit = np.spacing(np.abs(expected).astype(np.float32))
    error = np.abs(np.asarray(actual, np.float64) - expected) / unit
    assert error.max() <= ulp, list(zip(LONG_STEPS, error, strict=True))


@pytest.mark.parametrize("name", LONG_RUNS)
def test_lengths_beyond_int32_on_the_device(name):
    schedule = LONG_RUNS[name]
    expected = [schedule(step) for step in LONG_STEPS]
    with enable_x64(False):
        steps = jnp.asarray(LONG_STEPS, jnp.int32)
        _assert_ulp(jax.jit(schedule)(steps), expected, 8)
        _assert_ulp(jnp.stack([jax.jit(schedule)(s) for s in steps]), expected, 8)


@pytest.mark.parametrize("name", LONG_RUNS)
def test_lengths_beyond_int32_as_arguments(name):
    """They are part of the structure then; rounding the other hyperparameters costs some digits."""
    schedule = LONG_RUNS[name]
    with enable_x64(False):
        steps = jnp.asarray(LONG_STEPS, jnp.int32)
        _assert_ulp(jax.jit(at)(schedule, steps), [schedule(step) for step in LONG_STEPS], 16)


def test_cosine_beyond_int32_is_the_formula():
    schedule = js.cosine_decay_schedule(1.0, LONG)
    expected = [np.cos(np.pi / 2 * step / LONG) ** 2 for step in LONG_STEPS]
    with enable_x64(False):
        _assert_ulp(jax.jit(schedule)(jnp.asarray(LONG_STEPS, jnp.int32)), expected, 4)
    assert_allclose([schedule(step) for step in LONG_STEPS], expected, rtol=1e-14)


def test_steps_beyond_int32_on_the_host():
    assert_allclose(js.cosine_decay_schedule(1.0, LONG)(LONG // 2), 0.5, rtol=4e-16)
    assert js.linear_schedule(1.0, 0.0, LONG)(3 * LONG // 4) == 0.25
    assert js.linear_schedule(1.0, 0.0, LONG)(LONG - 1) == 1 / LONG
    assert js.linear_schedule(1.0, 0.5, 10, transition_begin=2**60)(2**60 + 5) == 0.75
    assert js.exponential_decay(1.0, 2**40, 0.5, staircase=True)(3 * 2**40 - 1) == 0.25
    assert js.exponential_decay(1.0, 2**40, 0.5, staircase=True)(3 * 2**40) == 0.125
    assert js.piecewise_constant_schedule(1.0, {2**62: 0.5})(2**62 - 1) == 1.0
    assert js.piecewise_constant_schedule(1.0, {2**62: 0.5})(2**62) == 0.5
    assert js.join_schedules([js.constant_schedule(1.0)] * 2, [2**62])(2**70) == 1.0


def test_steps_beyond_int32_on_the_device_stay_at_the_last():
    """Without x64 a step saturates, as optax's counter does; NumPy hands over wide steps."""
    schedule = js.linear_schedule(1.0, 0.0, LONG)
    with enable_x64(False):
        values = schedule(np.asarray([2**31 - 1, 2**31, 2**40], np.int64))
        assert values.tolist() == [values[0].item()] * 3
    with enable_x64(True):
        values = jax.jit(schedule)(np.asarray([2**31, 2**32, LONG - 1, LONG], np.int64))
        assert values.tolist() == [0.75, 0.5, 1 / LONG, 0.0]
