"""A schedule among the leaves of a model or of what is saved: equinox, Orbax, masks, axes and shardings."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import orbax.checkpoint as ocp
import pytest

import jaxsched

SCHEDULES = {
    "recipe": jaxsched.warmup_cosine_decay_schedule(0.0, 0.3, 100, 1000),
    "mapping": jaxsched.piecewise_constant_schedule(1.0, {30: 0.5, 60: 0.1}),
    "joined": jaxsched.join_schedules(
        [jaxsched.linear_schedule(0.0, 0.3, 20), jaxsched.exponential_decay(0.3, 10, 0.5)], [20]
    ),
    "static": jaxsched.exponential_decay(0.3, 10, 0.5, staircase=True, end_value=None),
}


@pytest.fixture(params=SCHEDULES.values(), ids=SCHEDULES)
def schedule(request):
    return jax.tree.map(jnp.asarray, request.param)


@pytest.fixture(autouse=True)
def _promotion_as_the_frameworks_need_it():
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


class Model(eqx.Module):
    weights: jax.Array
    rate: jaxsched.Schedule


def test_equinox_filters_and_combines(schedule):
    model = Model(jnp.ones(3), schedule)
    differentiable, rest = eqx.partition(model, eqx.is_inexact_array)
    assert all(map(eqx.is_inexact_array, jax.tree.leaves(differentiable)))
    assert not any(map(eqx.is_inexact_array, jax.tree.leaves(rest)))
    assert eqx.combine(differentiable, rest).rate == schedule


def test_equinox_differentiates_by_the_schedule_in_a_model(schedule):
    model = Model(jnp.ones(3), schedule)
    gradient = eqx.filter_grad(lambda m, step: m.rate(step) * jnp.sum(m.weights))(model, 25)
    np.testing.assert_allclose(gradient.weights, jnp.full(3, schedule(25)), rtol=1e-6)
    slopes = [x for x in jax.tree.leaves(gradient.rate) if x is not None]
    assert len(slopes) == sum(map(eqx.is_inexact_array, jax.tree.leaves(schedule)))
    assert any(slope != 0 for slope in slopes)
    updated = eqx.apply_updates(model, jax.tree.map(lambda g: -0.1 * g, gradient))
    assert jax.tree.structure(updated) == jax.tree.structure(model)


def test_orbax_saves_and_restores_it(schedule, tmp_path):
    with ocp.StandardCheckpointer() as checkpointer:
        checkpointer.save(tmp_path / "saved", {"rate": schedule, "step": jnp.asarray(7)})
        checkpointer.wait_until_finished()
        template = jax.tree.map(jnp.zeros_like, {"rate": schedule, "step": jnp.asarray(0)})
        restored = checkpointer.restore(tmp_path / "saved", template)
    assert restored["rate"] == schedule
    assert float(restored["rate"](25)) == float(schedule(25))


def test_a_mask_of_it_is_one(schedule):
    mask = jax.tree.map(lambda x: jnp.issubdtype(x.dtype, np.floating), schedule)
    optimizer = optax.masked(optax.sgd(1.0), mask)
    updates, _ = optimizer.update(schedule, optimizer.init(schedule), schedule)
    signs = jax.tree.map(
        lambda is_float, u, x: bool(u == (-x if is_float else x)), mask, updates, schedule
    )
    assert all(jax.tree.leaves(signs))


def test_a_sharding_for_each_number(schedule):
    here = jax.sharding.SingleDeviceSharding(jax.devices()[0])
    shardings = jax.tree.map(lambda x: here, schedule)
    same = jax.jit(lambda s: s, in_shardings=(shardings,), out_shardings=shardings)(schedule)
    assert same == schedule


def test_an_axis_for_one_of_its_numbers():
    """The others are shared: `in_axes` is a schedule of axes and None."""
    schedule = SCHEDULES["recipe"].replace(peak_value=jnp.asarray([0.1, 0.2]))
    named = lambda path, x: 0 if path[-1].name == "peak_value" else None
    axes = jax.tree_util.tree_map_with_path(named, schedule)
    rates = jax.vmap(lambda s: s(jnp.asarray(50)), in_axes=(axes,))(schedule)
    np.testing.assert_allclose(rates, [0.05, 0.1], rtol=1e-6)
