"""The laws that every schedule obeys, built in or written by a user."""

from __future__ import annotations

import copy
import functools
import pickle

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import optax
import pytest
from case import PUBLIC
from cases import CASES, LAST, Case

import jaxsched as js

TINY = float(np.finfo(np.float32).tiny)


def steps_of(case: Case, random: int = 150) -> np.ndarray:
    """Small, huge, boundary and random steps, within int32."""
    rng = np.random.default_rng(0)
    near = [np.arange(b - 4, b + 5) for b in case.turns]
    inside = rng.integers(0, max(case.turns, default=100) + 1, random)
    huge = np.concatenate([rng.integers(0, LAST, random // 3), np.arange(LAST - 3, LAST + 1)])
    steps = np.concatenate([np.arange(20), *near, inside, huge])
    return np.unique(steps[(steps >= 0) & (steps <= LAST)])


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(c, id=name, marks=pytest.mark.xdist_group(name)) for name, c in CASES.items()
    ],
)
def case(request):
    """One case after the other, each in one process: its laws share what they compute."""
    yield request.param
    for shared in (built, compiled, known, on_device, on_host):
        shared.cache_clear()
    if len(finished) % 8 == 7:  # the compiled programs of all cases would take gigabytes
        jax.clear_caches()
    finished.append(request.param)


finished: list[Case] = []


# What several laws need is computed once for a case: it is the same schedule in all of them.


@functools.cache
def built(case: Case) -> js.Schedule:
    return case.make()


@functools.cache
def compiled(case: Case):
    return jax.jit(built(case))


@functools.cache
def known(case: Case) -> tuple[np.ndarray, list]:
    """Steps, and the exact values there."""
    steps = steps_of(case)
    return steps, [case.reference(mp.mpf(int(t))) for t in steps]


@functools.cache
def on_device(case: Case) -> np.ndarray:
    """What the compiled schedule gives at the known steps."""
    return np.asarray(compiled(case)(jnp.asarray(known(case)[0], jnp.int32)))


@functools.cache
def on_host(case: Case) -> list[float]:
    """What the schedule gives at the known steps as Python numbers."""
    return [built(case)(int(t)) for t in known(case)[0]]


def ulps(values: np.ndarray, references: list, dtype: type = np.float32) -> np.ndarray:
    """Distance to the exact values in units in the last place; XLA flushes subnormals to 0."""
    tiny, bits = np.finfo(dtype).tiny, np.finfo(dtype).nmant
    distances = []
    for value, reference in zip(np.asarray(values, np.float64).tolist(), references, strict=True):
        if abs(reference) < tiny:
            distances.append(0.0 if abs(value) <= tiny else np.inf)
            continue
        _, exponent = mp.frexp(abs(reference))
        unit = mp.ldexp(mp.mpf(1), exponent - 1 - bits)
        distances.append(float(abs(mp.mpf(value) - reference) / unit))
    return np.asarray(distances)


def exponents(references: list) -> np.ndarray:
    """How large the exponent of a power may be that gives these values, the first at its start."""
    logs = np.asarray([float(mp.log(abs(r), 2)) if r else 0.0 for r in references])
    return np.maximum(abs(logs), abs(logs - logs[0]))


def worst(distances: np.ndarray, steps: np.ndarray) -> str:
    return f"{distances.max():.2f} ulp at step {steps[distances.argmax()]}"


def test_every_public_schedule_has_a_case():
    covered = {case.make().factory for case in CASES.values()}
    missing = [name for name, factory in PUBLIC.items() if factory not in covered]
    assert not missing


def test_every_public_schedule_is_documented():
    for name, factory in PUBLIC.items():
        for section in ("Args:", "Raises:", "Example:", ">>>"):
            assert section in factory.__doc__, f"{name}: no {section}"


def test_pickles_name_the_public_module():
    """So that one stays readable when a file of ours moves."""
    assert {factory.__module__ for factory in PUBLIC.values()} == {"jaxsched"}
    assert js.ReduceLROnPlateauState.__module__ == js.Horizon.__module__ == "jaxsched"


def test_host_is_exact(case):
    """In float64 the exponent's own rounding is multiplied by its size, 700 at the most."""
    steps, references = known(case)
    assert all(type(v) is float for v in on_host(case))
    for value, reference, t in zip(on_host(case), references, steps, strict=True):
        assert abs(mp.mpf(value) - reference) <= abs(reference) * mp.mpf(1e-13) + mp.mpf(1e-300), t


def test_device_is_exact(case, x64):
    (steps, references), values = known(case), on_device(case)
    if x64:
        assert values.dtype == jnp.float64
        distances = ulps(values, references, np.float64)
        # The exponent of a power is rounded once, which its size multiplies.
        sizes = np.asarray([abs(float(mp.log(abs(r), 2))) if r else 0.0 for r in references])
        assert (distances <= 16 + 2 * sizes).all(), worst(distances, steps)
    distances = ulps(values.astype(np.float32), references)
    assert distances.max() <= case.ulp, worst(distances, steps)


def test_every_way_of_calling_is_exact(case):
    """Scalar, array, vmap, jit and scan: the same value, up to each one's own rounding."""
    schedule, (steps, references) = built(case), known(case)
    few = np.unique(np.linspace(0, len(steps) - 1, 16).astype(int))
    steps, references = steps[few], [references[i] for i in few]
    inputs = jnp.asarray(steps, jnp.int32)
    ways = {
        "scalar": jnp.stack([schedule(t) for t in inputs]),
        "array": schedule(inputs),
        "vmap": jax.vmap(schedule)(inputs),
        "jit of scalar": jnp.stack([compiled(case)(t) for t in inputs]),
        "scan": jax.lax.scan(lambda c, t: (c, schedule(t)), 0, inputs)[1],
    }
    for name, values in ways.items():
        distances = ulps(np.asarray(values).astype(np.float32), references)
        assert distances.max() <= case.ulp, f"{name}: {worst(distances, steps)}"


def test_steps_may_be_floats(case):
    """Whole ones that a float32 holds; the exponent of a power is then a float32 too."""
    steps, references = known(case)
    small = steps <= 2**24
    references = [r for r, s in zip(references, small, strict=True) if s]
    values = compiled(case)(jnp.asarray(steps[small], jnp.float32))
    distances = ulps(np.asarray(values).astype(np.float32), references)
    assert (distances <= 8 + 2 * exponents(references)).all(), worst(distances, steps[small])


def test_hyperparameters_may_be_traced(case, x64):
    """Against the host with the same rates: a traced one has been rounded to float32. The size of a
    power's exponent, which is then a float32 too, multiplies its rounding.
    """
    leaves, structure = jax.tree.flatten(built(case))
    rounded = [float(np.float32(x)) if isinstance(x, float) and not x64 else x for x in leaves]
    on_host = jax.tree.unflatten(structure, rounded)
    steps = known(case)[0]
    steps = steps[steps <= case.traced_until]
    references = [mp.mpf(on_host(int(t))) for t in steps]
    values = jax.jit(lambda s, t: s(t))(built(case), jnp.asarray(steps, jnp.int32))
    distances = ulps(np.asarray(values).astype(np.float32), references)
    assert (distances <= 8 + 2 * exponents(references)).all(), worst(distances, steps)


def test_shape_and_dtype(case, x64):
    schedule = built(case)
    expected = jnp.float64 if x64 else jnp.float32
    for shape in [(), (3,), (2, 3), (0,), (1, 1)]:
        for dtype in (jnp.int32, jnp.float32):
            value = jax.eval_shape(schedule, jnp.zeros(shape, dtype))
            assert value.shape == shape
            assert value.dtype == expected
            assert not value.weak_type


def test_any_number_is_a_step(case):
    """All types of steps give the value of the same Python number; NumPy scalars are host numbers."""
    schedule = case.make()
    expected = schedule(3)
    for scalar in (3.0, np.int8(3), np.uint64(3), np.float32(3), np.float64(3)):
        assert schedule(scalar) == expected
        assert type(schedule(scalar)) is float
    dtypes = [
        "int8",
        "uint8",
        "int16",
        "uint16",
        "int32",
        "uint32",
        "float16",
        "bfloat16",
        "float32",
    ]
    for dtype in dtypes:
        value = float(schedule(jnp.full((2,), 3, dtype))[1])
        assert value == pytest.approx(expected, rel=1e-6, abs=1e-30), dtype
    for dtype in ("int64", "uint64", "float64"):
        value = float(schedule(np.full((2,), 3, dtype))[1])
        assert value == pytest.approx(expected, rel=1e-6, abs=1e-30), dtype


def test_range_and_trend(case):
    for values in (on_device(case), np.asarray(on_host(case))):
        low, high = values.dtype.type(case.low), values.dtype.type(case.high)
        assert low <= values.min()
        assert values.max() <= high
        # Where a curve is flat, two neighbours may be rounded apart by the last digit.
        digit = np.spacing(np.maximum(np.abs(values[1:]), values.dtype.type(TINY)))
        if case.trend == "falls":
            assert (np.diff(values) <= digit).all()
        if case.trend == "rises":
            assert (np.diff(values) >= -digit).all()


def test_negative_steps_are_step_0(case):
    schedule = case.make()
    for step in (-1, -(2**40), -0.5, np.int64(-7)):
        assert schedule(step) == schedule(0)
    values = compiled(case)(jnp.asarray([-1, -(2**31), 0], jnp.int32))
    assert (values == values[2]).all()
    assert (schedule(jnp.asarray([-0.5, 0.0])) == values[2]).all()


SETTLING = {name: case for name, case in CASES.items() if case.settled is not None}


@pytest.mark.parametrize("case", SETTLING.values(), ids=SETTLING, indirect=True, scope="module")
def test_past_the_end_it_stays(case):
    schedule, settled = case.make(), case.settled
    late = [settled, settled + 1, LAST, 2**40, 10**18]
    assert len({schedule(t) for t in late}) == 1
    values = compiled(case)(jnp.asarray([settled, min(settled + 1, LAST), LAST], jnp.int32))
    assert (values == values[0]).all()


def float_leaves(schedule):
    return [x for x in jax.tree.leaves(schedule) if isinstance(x, float)]


def test_gradients_are_finite_and_right(case):
    """By every float hyperparameter, against differences in float64 on the host."""
    schedule = case.make()
    leaves, structure = jax.tree.flatten(schedule)
    gradient = jax.jit(jax.grad(lambda s, t: s(t), allow_int=True))
    by_step = jax.jit(jax.grad(schedule))
    assert all(np.isfinite(by_step(float(t))) for t in (0, 0.5, 13, *case.turns, LAST))
    turns = [t for turn in case.turns for t in (turn - 1, turn, turn + 1) if 0 <= t <= LAST]
    for step in (0, 1, 13, *turns, LAST):
        derivatives = jax.tree.leaves(gradient(schedule, step))
        for i, leaf in enumerate(leaves):
            if not isinstance(leaf, float):
                continue
            derivative = float(derivatives[i])
            assert np.isfinite(derivative), (step, i)
            h = 1e-6 * max(abs(leaf), 1.0)

            def at(x, i=i, step=step):
                changed = jax.tree.unflatten(structure, [*leaves[:i], x, *leaves[i + 1 :]])
                return changed(step)

            up, here, down = at(leaf + h), at(leaf), at(leaf - h)
            left, right = (here - down) / h, (up - here) / h
            scale = max(abs(left), abs(right))
            # At a kink (an end value that starts to bind) any slope between the one-sided ones is right.
            slack = 2e-3 * scale + 1e-6 * abs(here)
            assert min(left, right) - slack <= derivative <= max(left, right) + slack, (step, i)


def test_one_trace_for_all_steps_and_hyperparameters(case):
    traces = []

    @jax.jit
    def read(schedule, step):
        traces.append(1)
        return schedule(step)

    schedule = case.make()
    for step in (0, 1, 10**6, LAST):
        read(schedule, step)
    leaves, structure = jax.tree.flatten(schedule)
    changed = [x * 0.999 if isinstance(x, float) else x - 1 if x > 1 else x + 1 for x in leaves]
    read(jax.tree.unflatten(structure, changed), 5)
    assert len(traces) == 1


def test_stacked_schedules_are_mapped(case):
    schedule = case.make()
    leaves, structure = jax.tree.flatten(schedule)
    if not leaves:
        assert "foreign" in repr(schedule)
        return
    members = [
        jax.tree.unflatten(structure, [x * f if isinstance(x, float) else x for x in leaves])
        for f in (1.0, 0.9, 0.5)
    ]
    stacked = jax.tree.map(lambda *xs: jnp.stack([jnp.asarray(x) for x in xs]), *members)
    steps = jnp.asarray([0, 1, 50, 500])
    values = jax.vmap(lambda s: s(steps))(stacked)
    for row, member in zip(values, members, strict=True):
        expected = [member(int(t)) for t in steps]
        np.testing.assert_allclose(np.asarray(row), expected, rtol=3e-6, atol=1e-30)


def test_it_is_data(case):
    schedule, again = case.make(), case.make()
    assert schedule == again
    assert hash(schedule) == hash(again)
    assert schedule != js.constant_schedule(0.123)
    assert copy.deepcopy(schedule) == schedule
    assert pickle.loads(pickle.dumps(schedule)) == schedule
    assert schedule.replace() == schedule
    assert schedule.factory(**schedule.hyperparameters) == schedule
    for name, value in schedule.hyperparameters.items():
        assert getattr(schedule, name) == value
    with pytest.raises(AttributeError, match="is immutable"):
        schedule.anything = 1


def test_text_form(case):
    schedule = case.make()
    names = {**vars(js), "user_formula": schedule.factory, "user_recipe": schedule.factory}
    if "foreign" in repr(schedule):  # a callable that is not ours has no text form
        with pytest.raises(SyntaxError):
            eval(repr(schedule), names)
        return
    assert eval(repr(schedule), names) == schedule


def test_it_is_a_pytree_with_keys(case):
    schedule = case.make()
    paths, structure = jax.tree_util.tree_flatten_with_path(schedule)
    leaves = [leaf for _, leaf in paths]
    assert leaves == jax.tree.leaves(schedule)
    assert all(isinstance(x, (int, float)) and not isinstance(x, bool) for x in leaves)
    assert jax.tree.unflatten(structure, leaves) == schedule
    names = tuple(schedule.hyperparameters)
    assert all(path[0].name in names for path, _ in paths)
    # Structure alone, without a value in sight: no check may run.
    jax.tree.unflatten(structure, [object()] * len(leaves))
    assert jax.tree.structure(jax.tree.map(lambda x: None, schedule)).num_leaves == 0


def test_the_structure_stays_whatever_the_leaves_are(case):
    """A mask, names, axes of vmap, shardings: they go together with the schedule they are of."""
    schedule, is_leaf = built(case), lambda x: x is None
    structure = jax.tree.structure(schedule)
    paths = [path for path, _ in jax.tree_util.tree_leaves_with_path(schedule)]
    for anything in (None, True, "text", np.sin, object()):
        tree = jax.tree.map(lambda x, anything=anything: anything, schedule)
        assert jax.tree.structure(tree, is_leaf=is_leaf) == structure
        leaves, again = jax.tree.flatten(tree, is_leaf=is_leaf)
        assert all(leaf is anything for leaf in leaves)
        assert jax.tree.structure(jax.tree.unflatten(again, leaves), is_leaf=is_leaf) == structure
        assert jax.tree.map(lambda a, b: b, tree, schedule, is_leaf=is_leaf) == schedule
        assert [p for p, _ in jax.tree_util.tree_leaves_with_path(tree, is_leaf=is_leaf)] == paths


def test_an_optimizer_takes_it(case):
    schedule, params = case.make(), jnp.asarray([1.0, -2.0], jnp.float32)
    optimizer = optax.sgd(schedule)
    state = optimizer.init(params)
    for step in range(3):
        updates, state = jax.jit(optimizer.update)(params, state)
        expected = -schedule(step) * np.asarray(params, np.float64)
        np.testing.assert_allclose(np.asarray(updates), expected, rtol=1e-6)
