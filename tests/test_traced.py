"""Hyperparameters that are traced: of another precision, and where a checked one would be refused."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import CASES, LAST

OF_EACH_FORM = {case.make()._form: name for name, case in CASES.items() if name != "user formula"}


@pytest.mark.parametrize("name", OF_EACH_FORM.values())
def test_all_of_them_in_bfloat16_are_computed_with_in_float32(name):
    """The same numbers in float32 give the same values."""
    case = CASES[name]
    steps = jnp.asarray([min(t + d, LAST) for t in (1, *case.turns[:4]) for d in (-1, 0, 7)])
    in_type = lambda dtype: jax.tree.map(
        lambda leaf: jnp.bfloat16(leaf).astype(dtype) if isinstance(leaf, float) else leaf,
        case.make(),
    )
    values = [
        jax.jit(lambda s, t: s(t))(in_type(dtype), steps) for dtype in ("bfloat16", "float32")
    ]
    assert values[0].dtype == values[1].dtype
    np.testing.assert_allclose(values[0], values[1], rtol=3e-6, atol=1e-30)


@pytest.mark.parametrize(
    ("case", "name"),
    [
        ("natural_exp_decay", "decay_steps"),
        ("inverse_time_decay", "decay_steps"),
        ("compounding_time_based_decay", "steps_per_epoch"),
        ("noam_schedule", "d_model"),
        ("step_decay", "epochs_per_drop"),
        ("step_decay", "steps_per_epoch"),
        ("step_decay/counted from one", "epochs_per_drop"),
        ("chebyshev_schedule", "num_epochs"),
        ("chebyshev_schedule", "steps_per_epoch"),
        ("cosine_decay_restarts", "first_decay_steps"),
        ("cosine_decay_restarts/equal", "first_decay_steps"),
        ("jagged_restarts", "restart_steps"),
    ],
)
def test_a_length_of_0_counts_as_1(case, name):
    schedule = CASES[case].make()
    values = jax.jit(lambda n: schedule.replace(**{name: n})(jnp.arange(300)))
    assert np.isfinite(values(0)).all()
    np.testing.assert_array_equal(values(0), values(1))
