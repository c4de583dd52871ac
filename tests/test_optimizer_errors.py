"""What is around a reducer and a rate: bad input is an error in the caller's words."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jaxsched

reduce, place = jaxsched.reduce_on_plateau, jaxsched.with_plateau
SGD = optax.sgd(0.1)
STATE = reduce().init(None)
TWO = {"a": STATE, "b": STATE}
NO_RATE = (
    "learning_rate: the optimizer state holds no learning rate, for optax's own states only count: use "
    "optax.chain(optax.scale_by_adam(), jaxsched.scale_by_learning_rate(schedule)) or "
    "optax.inject_hyperparams(optax.adam)(learning_rate=schedule)"
)
NO_RATE_BUT_A_REDUCER = NO_RATE.replace(
    "only count: use", "only count, and a reducer's keeps none, not even one that it was given: use"
)
NO_PLATEAU = (
    "the optimizer state holds no plateau state: build the optimizer with "
    "jaxsched.with_plateau(optimizer, ...)"
)
DIRECTION = 'a metric whose direction is known by its name (else give mode="min" or mode="max")'


class Stateful:
    def __repr__(self):
        return "Stateful()"

    def init(self): ...
    def update(self, state): ...
    def __call__(self, state): ...


stateful = Stateful()

ERRORS = [
    # --- observe and plateau_report ---
    (
        lambda: jaxsched.observe(reduce(), STATE, value=[1.0]),
        TypeError,
        "reduce_on_plateau: value must be a scalar number, got [1.0]",
    ),
    (
        lambda: jaxsched.observe(reduce(), STATE, value=None),
        TypeError,
        "reduce_on_plateau: value must be a scalar number, got None",
    ),
    (
        lambda: jaxsched.observe(optax.chain(SGD, reduce()), STATE, value=1.0),
        TypeError,
        "observe: plateau must be what reduce_on_plateau or with_plateau returned, got another "
        "transformation: of a chain give the reducer in it, not the chain; it finds its state within that "
        "of the whole optimizer",
    ),
    (
        lambda: jaxsched.with_plateau(reduce()),
        TypeError,
        "with_plateau: optimizer must be an optax optimizer, got a reducer: with_plateau makes that "
        "itself, of the arguments after the optimizer: with_plateau(optimizer, factor=0.5, patience=3)",
    ),
    (
        lambda: jaxsched.observe("plateau", STATE, value=1.0),
        TypeError,
        "observe: plateau must be what reduce_on_plateau or with_plateau returned, got 'plateau'",
    ),
    (
        lambda: jaxsched.observe(reduce(), SGD.init(jnp.ones(1)), value=1.0),
        ValueError,
        f"observe: {NO_PLATEAU}",
    ),
    (
        lambda: jaxsched.observe(reduce(), optax.contrib.reduce_on_plateau().init(1.0), value=1.0),
        ValueError,
        "observe: the plateau state is one of optax's: jaxsched.restore_optax_state converts it, and so "
        "does an update",
    ),
    (lambda: jaxsched.observe(reduce(), (), value=1.0), ValueError, f"observe: {NO_PLATEAU}"),
    (
        lambda: jaxsched.plateau_report(reduce().init(1.0), name="a"),
        ValueError,
        "plateau_report: name must be that of a plateau state, got 'a'; they are at the root",
    ),
    (
        lambda: jaxsched.observe(reduce(), TWO, value=1.0),
        ValueError,
        "observe: there are 2 plateau states, at ['a'], ['b']: give the name of one, or every=True",
    ),
    (
        lambda: jaxsched.observe(reduce(), TWO, value=1.0, name="c"),
        ValueError,
        "observe: name must be that of a plateau state, got 'c'; they are at ['a'], ['b']",
    ),
    (lambda: jaxsched.plateau_report(()), ValueError, f"plateau_report: {NO_PLATEAU}"),
    (
        lambda: jaxsched.plateau_report(TWO),
        ValueError,
        "plateau_report: there are 2 plateau states, at ['a'], ['b']: give the name of one",
    ),
    (
        lambda: jax.jit(lambda s: jaxsched.plateau_report(s).scale)(reduce().init(1.0)),
        TypeError,
        "plateau_report: opt_state must hold numbers, got traced arrays: call it outside of jax.jit",
    ),
    (
        lambda: jaxsched.plateau_report(jax.vmap(reduce().init)(jnp.ones(3))),
        ValueError,
        "plateau_report: opt_state must be that of one run, got one of shape (3,): "
        "take one, jax.tree.map(lambda x: x[i], opt_state)",
    ),
    # --- with_plateau ---
    (lambda: place(0.1), TypeError, "with_plateau: optimizer must be an optax optimizer, got 0.1"),
    (
        lambda: place(SGD, factor=2.0),
        ValueError,
        "reduce_on_plateau: factor must be a number above 0 and below 1, got 2.0",
    ),
    (
        lambda: place(optax.MultiSteps(SGD, 2), ema_decay=0.5).init(jnp.ones(2)),
        ValueError,
        "with_plateau: ema_decay cannot be used with optax.MultiSteps",
    ),
    (
        lambda: place(SGD).update(1.0, reduce().init(1.0), value=1.0),
        TypeError,
        "with_plateau: the state must be that of the optimizer and the reducer, as init makes it, "
        "got ReduceLROnPlateauState",
    ),
    # --- the peers' arguments ---
    (
        lambda: jaxsched.plateau_from_torch(1.0, threshold=2.0),
        ValueError,
        "plateau_from_torch: threshold must be a number from 0 to 1, got 2.0",
    ),
    (
        lambda: jaxsched.plateau_from_torch(1.0, threshold_mode="abs", threshold=-1.0),
        ValueError,
        "plateau_from_torch: threshold must be a non-negative finite number, got -1.0",
    ),
    (
        lambda: jaxsched.plateau_from_torch(1.0, factor=1.0),
        ValueError,
        "plateau_from_torch: factor must be a number of at least 0 and below 1, got 1.0",
    ),
    (
        lambda: jaxsched.plateau_from_keras(None),
        TypeError,
        "plateau_from_keras: learning_rate must be a schedule or a non-negative finite number, got None",
    ),
    (
        lambda: jaxsched.plateau_from_torch(1.0, mode="auto"),
        ValueError,
        "plateau_from_torch: mode must be 'min' or 'max', got 'auto'",
    ),
    (
        lambda: jaxsched.plateau_from_torch(1.0, threshold_mode="relative"),
        ValueError,
        "plateau_from_torch: threshold_mode must be 'rel' or 'abs', got 'relative'",
    ),
    (
        lambda: jaxsched.plateau_from_torch(1.0, patience=-1),
        ValueError,
        "plateau_from_torch: patience must be a non-negative integer, got -1",
    ),
    (
        lambda: jaxsched.plateau_from_keras(1.0, monitor="val_score"),
        ValueError,
        f"plateau_from_keras: monitor must be {DIRECTION}, got 'val_score'",
    ),
    (
        lambda: jaxsched.plateau_from_keras(1.0, cooldown=0.5),
        ValueError,
        "plateau_from_keras: cooldown must be a non-negative integer, got 0.5",
    ),
    # --- the learning rate ---
    (
        lambda: jaxsched.scale_by_learning_rate("0.1"),
        TypeError,
        "scale_by_learning_rate: learning_rate must be a number or a callable from step to rate, got '0.1'",
    ),
    (
        lambda: jaxsched.scale_by_learning_rate(stateful),
        TypeError,
        "scale_by_learning_rate: learning_rate must be a number or a callable from step to rate, "
        "got Stateful()",
    ),
    (
        lambda: jaxsched.scale_by_learning_rate(np.inf),
        ValueError,
        "scale_by_learning_rate: learning_rate must be a finite number, got inf",
    ),
    (
        lambda: jaxsched.scale_by_learning_rate(jnp.ones(2)),
        ValueError,
        "scale_by_learning_rate: learning_rate must be a scalar, got an array of shape (2,)",
    ),
    (
        lambda: jaxsched.scale_by_learning_rate(0.1, flip_sign=1),
        TypeError,
        "scale_by_learning_rate: flip_sign must be True or False, got 1",
    ),
    (lambda: jaxsched.learning_rate(optax.adam(0.1).init(jnp.ones(1))), ValueError, NO_RATE),
    (
        lambda: jaxsched.learning_rate(
            place(SGD, learning_rate=0.1, min_lr=0.01).init(jnp.ones(1))
        ),
        ValueError,
        NO_RATE_BUT_A_REDUCER,
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
