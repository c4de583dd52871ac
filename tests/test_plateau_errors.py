"""Bad input is an error in the caller's words."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jaxsched

reduce = jaxsched.reduce_on_plateau
STATE = reduce().init(None)
EFFECTIVE = "is about the effective rate: give learning_rate too, the optimizer's rate or schedule"
DIRECTION = 'a metric whose direction is known by its name (else give mode="min" or mode="max")'

ERRORS = [
    (
        lambda: reduce(1.0),
        ValueError,
        "reduce_on_plateau: factor must be a number above 0 and below 1, got 1.0",
    ),
    (
        lambda: reduce(0),
        ValueError,
        "reduce_on_plateau: factor must be a number above 0 and below 1, got 0.0",
    ),
    (
        lambda: reduce(np.nan),
        ValueError,
        "reduce_on_plateau: factor must be a finite number, got nan",
    ),
    (
        lambda: reduce("0.5"),
        TypeError,
        "reduce_on_plateau: factor must be a finite number, got '0.5'",
    ),
    (
        lambda: reduce(jnp.array([0.1, 0.5])),
        ValueError,
        "reduce_on_plateau: factor must be a scalar, got an array of shape (2,) "
        "(jax.vmap maps over several)",
    ),
    (
        lambda: jax.jit(lambda f: reduce(f).init(None))(jnp.ones(3)),
        ValueError,
        "reduce_on_plateau: factor must be a scalar, got an array of shape (3,) "
        "(jax.vmap maps over several)",
    ),
    (
        lambda: reduce(patience=-1),
        ValueError,
        "reduce_on_plateau: patience must be a non-negative integer, got -1",
    ),
    (
        lambda: reduce(patience=2.5),
        ValueError,
        "reduce_on_plateau: patience must be a non-negative integer, got 2.5",
    ),
    (
        lambda: reduce(rtol=1.5),
        ValueError,
        "reduce_on_plateau: rtol must be a number from 0 to 1, got 1.5",
    ),
    (
        lambda: reduce(atol=-1.0),
        ValueError,
        "reduce_on_plateau: atol must be a non-negative finite number, got -1.0",
    ),
    (
        lambda: reduce(cooldown=-2),
        ValueError,
        "reduce_on_plateau: cooldown must be a non-negative integer, got -2",
    ),
    (
        lambda: reduce(accumulation_size=0),
        ValueError,
        "reduce_on_plateau: accumulation_size must be a positive integer, got 0",
    ),
    (
        lambda: reduce(min_scale=2.0),
        ValueError,
        "reduce_on_plateau: min_scale must be a number from 0 to 1, got 2.0",
    ),
    (
        lambda: reduce(mode="minimum"),
        ValueError,
        "reduce_on_plateau: mode must be 'min' or 'max' or 'auto', got 'minimum'",
    ),
    (
        lambda: reduce(mode="auto"),
        TypeError,
        'reduce_on_plateau: monitor must be the name of a metric with mode="auto", got None',
    ),
    (
        lambda: reduce(mode="auto", monitor="val_score"),
        ValueError,
        f"reduce_on_plateau: monitor must be {DIRECTION}, got 'val_score'",
    ),
    (
        lambda: reduce(mode="max", monitor="val_loss"),
        ValueError,
        "reduce_on_plateau: monitor must be None for mode='max' (mode=\"auto\" reads it), got 'val_loss'",
    ),
    *(
        (
            lambda name=name: reduce(mode="auto", monitor=name),
            ValueError,
            f"reduce_on_plateau: monitor must be {DIRECTION}, got {name!r}",
        )
        for name in (
            *("neg_mean_squared_error", "val/neg_mse", "inverse_accuracy", "non_accuracy"),
            *("drop_in_accuracy", "loss_of_precision", "error_free_accuracy", "decrease_in_loss"),
        )
    ),
    (
        lambda: reduce(monitor=3),
        ValueError,
        "reduce_on_plateau: monitor must be None for mode='min' (mode=\"auto\" reads it), got 3",
    ),
    (
        lambda: reduce(nonfinite="skip"),
        ValueError,
        "reduce_on_plateau: nonfinite must be 'bad' or 'ignore', got 'skip'",
    ),
    (
        lambda: reduce(start_step=-1),
        ValueError,
        "reduce_on_plateau: start_step must be a non-negative integer, got -1",
    ),
    (
        lambda: reduce(ema_decay=1.0),
        ValueError,
        "reduce_on_plateau: ema_decay must be a number of at least 0 and below 1, got 1.0",
    ),
    (
        lambda: reduce(ema_decay=0.9, accumulation_size=2),
        ValueError,
        "reduce_on_plateau: ema_decay and accumulation_size exclude each other: give one",
    ),
    (lambda: reduce(min_lr=1e-5), ValueError, f"reduce_on_plateau: min_lr {EFFECTIVE}"),
    (lambda: reduce(eps=1e-8), ValueError, f"reduce_on_plateau: eps {EFFECTIVE}"),
    (
        lambda: reduce(min_lr=-1.0, learning_rate=1.0),
        ValueError,
        "reduce_on_plateau: min_lr must be a non-negative finite number, got -1.0",
    ),
    (
        lambda: reduce(eps=-1.0, learning_rate=1.0),
        ValueError,
        "reduce_on_plateau: eps must be a non-negative finite number, got -1.0",
    ),
    (
        lambda: reduce(learning_rate="fast"),
        TypeError,
        "reduce_on_plateau: learning_rate must be a schedule or a non-negative finite number, got 'fast'",
    ),
    (
        lambda: reduce(learning_rate=-0.1),
        ValueError,
        "reduce_on_plateau: learning_rate must be a non-negative finite number, got -0.1",
    ),
    (
        lambda: reduce(axis_name=3),
        TypeError,
        "reduce_on_plateau: axis_name must be the name of an axis, or a tuple of names, got 3",
    ),
    (
        lambda: reduce(learning_rate=lambda step: jnp.ones(3), min_lr=0.1).update(1.0, STATE),
        ValueError,
        "reduce_on_plateau: learning_rate must return a scalar, got an array of shape (3,)",
    ),
    # --- a metric ---
    (
        lambda: reduce().update(1.0, STATE, value=jnp.ones(3)),
        ValueError,
        "reduce_on_plateau: value must be a scalar number, got an array of shape (3,)",
    ),
    (
        lambda: reduce().update(1.0, STATE, value="0.5"),
        TypeError,
        "reduce_on_plateau: value must be a scalar number, got '0.5'",
    ),
    (
        lambda: reduce().update(1.0, STATE, value=True),
        TypeError,
        "reduce_on_plateau: value must be a scalar number, got True",
    ),
    (
        lambda: reduce().update(1.0, STATE, value=jnp.complex64(1)),
        TypeError,
        "reduce_on_plateau: value must be a scalar number, got dtype('complex64')",
    ),
    (
        lambda: reduce(axis_name="data").update(1.0, STATE, value=1.0),
        ValueError,
        "reduce_on_plateau: axis_name must be an axis of a surrounding shard_map, pmap or vmap, "
        "got 'data', which is not bound here",
    ),
    (
        lambda: jaxsched.observe(reduce(), STATE, value=jax.random.key(0)),
        TypeError,
        "reduce_on_plateau: value must be a scalar number, got key<fry>",
    ),
    (
        lambda: jaxsched.with_plateau(optax.sgd(1.0), factr=0.5),
        TypeError,
        "with_plateau: no argument is called 'factr'; did you mean 'factor'? It has optimizer, factor, "
        "patience, rtol, atol, cooldown, accumulation_size, min_scale, mode, monitor, nonfinite, "
        "start_step, axis_name, ema_decay, learning_rate, min_lr, eps",
    ),
    (
        lambda: reduce(patiance=3),
        TypeError,
        "reduce_on_plateau: no argument is called 'patiance'; did you mean 'patience' or 'min_scale' or "
        "'axis_name'? It has factor, "
        "patience, rtol, atol, cooldown, accumulation_size, min_scale, mode, monitor, nonfinite, "
        "start_step, axis_name, ema_decay, learning_rate, min_lr, eps",
    ),
    (
        lambda: jaxsched.plateau_from_torch(0.1, treshold=3),
        TypeError,
        "plateau_from_torch: no argument is called 'treshold'; did you mean 'threshold' or "
        "'threshold_mode'? It has learning_rate, mode, factor, patience, threshold, threshold_mode, "
        "cooldown, min_lr, eps",
    ),
]


@pytest.mark.parametrize(
    ("call", "kind", "message"), ERRORS, ids=[message for *_, message in ERRORS]
)
def test_errors(call, kind, message):
    with pytest.raises(kind) as error:
        call()
    assert type(error.value) is kind
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("monitor", "mode"),
    [
        ("val_loss", "min"),
        ("loss", "min"),
        ("val_acc", "max"),
        ("val_accuracy", "max"),
        ("Accuracy", "max"),
        ("eval/loss", "min"),
        ("decoder_loss", "min"),
        ("val_decoder_sparse_categorical_accuracy", "max"),
        ("test_mean_squared_error", "min"),
        ("auc", "max"),
        ("val_perplexity", "min"),
    ],
)
def test_mode_auto_goes_by_the_name(monitor, mode):
    plateau = reduce(patience=1, factor=0.5, mode="auto", monitor=monitor)
    state = plateau.init(None)
    for value in (1.0, 2.0):
        state = jaxsched.observe(plateau, state, value=value)
    assert state.scale == {"max": 1.0, "min": 0.5}[mode]


def test_optax_accepts_the_same_calls():
    """Whatever is valid for optax.contrib.reduce_on_plateau is valid here, by position and by name."""
    arguments = (0.3, 5, 1e-3, 1e-3, 2, 4, 0.1)
    optax.contrib.reduce_on_plateau(*arguments)
    reduce(*arguments)
    names = ("factor", "patience", "rtol", "atol", "cooldown", "accumulation_size", "min_scale")
    reduce(**dict(zip(names, arguments, strict=True)))
    reduce(min_lr=0.0, eps=0.0)  # nothing to be relative to
