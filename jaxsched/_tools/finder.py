"""The learning-rate range test: a short training whose rate rises, and what its curve suggests."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxsched import checks
from jaxsched._tools.range_test import RangeTest

CHUNK = 10
"""Updates in one call of the compiled program; between two calls the test can stop."""


class _Static:
    """A function as a static argument of a compiled one, hashable even if the function is not."""

    def __init__(self, function: Callable[..., Any]):
        self.function = function
        try:
            self.key: Any = (hash(function), function)
        except TypeError:
            self.key = id(function)

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Static) and self.key == other.key


def lr_range_test(
    loss: Callable[[Any, Any], Any],
    params: Any,
    batches: Any,
    optimizer: Callable[[Any], optax.GradientTransformation] = optax.sgd,
    *,
    start: float = 1e-7,
    end: float = 10.0,
    steps: int = 100,
    ramp: Literal["exponential", "linear"] = "exponential",
    smoothing: float = 0.98,
    divergence: float | None = 4.0,
    progress: bool = False,
) -> RangeTest:
    """Trains for a few steps with a rising rate, and reads from the losses which rate to take.

    The training is compiled once and runs in pieces of ten updates, after each of which the losses are
    looked at. It stops where a loss is not finite, or the smoothed loss has grown to ``divergence`` times
    its smallest value. The parameters given stay as they are.

    Args:
      loss: a function of the parameters and a batch, returning a scalar.
      params: the parameters to start from, a pytree.
      batches: either arrays that hold all batches, stacked along their first axis: an array, or a tuple or
        dict of arrays; they are used again from the beginning if they are fewer than ``steps``. Or a list,
        an iterator or another iterable of batches; all but an iterator are gone through again.
      optimizer: a function from the rate to an optax optimizer, such as ``optax.adam`` or
        ``lambda rate: optax.chain(optax.clip_by_global_norm(1.0), optax.sgd(rate, momentum=0.9))``.
      start: the first rate.
      end: the last rate.
      steps: the number of rates, from 2 on; one update is done at each.
      ramp: ``"exponential"`` for rates in constant ratio, ``"linear"`` for rates at a constant distance.
        Use the exponential one: of a linear ramp most rates are large, and the suggestions may lie beyond
        the limit of stability.
      smoothing: the decay of the exponential average of the losses, which is corrected for its bias.
      divergence: the multiple of the smallest smoothed loss at which the test stops; None for never.
      progress: whether to show a progress bar (needs tqdm).

    Returns:
      A :class:`RangeTest`: rates, losses and suggestions; it prints as a text and draws itself.

    Raises:
      TypeError: an argument is of the wrong type.
      ValueError: an argument is out of its range, ``start`` is not below ``end``, the stacked arrays are of
        different lengths, the batches of different shapes, or there are not enough of them.
      ImportError: ``progress`` is asked for without tqdm.

    Source: Smith, "Cyclical Learning Rates for Training Neural Networks", 2017 (arXiv:1506.01186), in the
    form of fastai's and Lightning's finders.

    Example:
      >>> import jax.numpy as jnp
      >>> import jaxsched
      >>> def loss(params, batch):
      ...     return 0.5 * jnp.sum(4.0 * (params - batch) ** 2)  # stable below a rate of 2 / 4
      >>> found = jaxsched.lr_range_test(loss, jnp.ones(3), jnp.zeros((1, 3)), start=1e-4)
      >>> found.diverged
      True
      >>> 0.01 < found.valley < 0.5
      True
    """
    name = "lr_range_test"
    for value, argument in ((loss, "loss"), (optimizer, "optimizer")):
        if not callable(value):
            raise checks.refuse(f"{name}: {argument}", "a function", value, TypeError)
    start = checks.positive(start, f"{name}: start")
    end = checks.positive(end, f"{name}: end")
    if not start < end:
        raise checks.refuse(f"{name}: start", f"below end ({end!r})", start)
    steps = checks.Number(integer=True, minimum=2)(steps, f"{name}: steps")
    checks.one_of("exponential", "linear")(ramp, f"{name}: ramp")
    smoothing = checks.Number(minimum=0, maximum=1)(smoothing, f"{name}: smoothing")
    if smoothing == 1:
        raise checks.refuse(f"{name}: smoothing", "below 1", smoothing)
    divergence = checks.optional(checks.Number(above=1))(divergence, f"{name}: divergence")
    checks.flag(progress, f"{name}: progress")

    space = np.geomspace if ramp == "exponential" else np.linspace
    rates = space(start, end, steps)
    doubles = any(jnp.result_type(x) == np.float64 for x in jax.tree.leaves(params))
    dtype = np.float64 if doubles else np.float32
    functions = _Static(loss), _Static(optimizer)
    state = params, optimizer(jnp.asarray(start, dtype)).init(params)
    losses: list[float] = []
    average, best, diverged = 0.0, math.inf, False
    smoothed: list[float] = []
    bar = _bar(steps) if progress else None
    for begin, chunk, batch in _chunks(batches, steps, name):
        rows = np.minimum(np.arange(begin, begin + CHUNK), steps - 1)
        state, found = _train(*functions, state, batch, chunk, rates[rows].astype(dtype))
        for value in np.asarray(found, np.float64)[: steps - begin].tolist():
            average = smoothing * average + (1 - smoothing) * value
            losses.append(value)
            smoothed.append(average / (1 - smoothing ** len(losses)))
            best = min(best, smoothed[-1])
            limit = math.inf if divergence is None else best + (divergence - 1) * abs(best)
            diverged = not math.isfinite(value) or smoothed[-1] > limit
            if bar is not None:
                bar.update()
            if diverged:
                break
        if diverged:
            break
    if bar is not None:
        bar.close()
    return RangeTest(
        rates=rates[: len(losses)],
        losses=np.array(losses),
        smoothed=np.array(smoothed),
        steps=steps,
        ramp=ramp,
        diverged=diverged,
    )


@functools.partial(jax.jit, static_argnums=(0, 1))
def _train(loss: Any, optimizer: Any, state: Any, batches: Any, rows: Any, rates: Any) -> Any:
    """The updates of one chunk: the new state, and the loss before each update."""
    params, opt_state = state
    fresh = lambda rate: optimizer.function(rate).init(params)
    of_rate = _depends(fresh, rates[0])

    def step(carry: Any, now: Any) -> Any:
        params, opt_state = carry
        row, rate = now
        batch = jax.tree.map(
            lambda x: jax.lax.dynamic_index_in_dim(x, row, keepdims=False), batches
        )
        value, grads = jax.value_and_grad(loss.function)(params, batch)
        tx = optimizer.function(rate)
        if any(of_rate):  # inject_hyperparams keeps the rate in its state
            leaves, structure = jax.tree.flatten(opt_state)
            new = jax.tree.leaves(tx.init(params))
            chosen = [b if mine else a for a, b, mine in zip(leaves, new, of_rate, strict=True)]
            opt_state = jax.tree.unflatten(structure, chosen)
        updates, after = tx.update(grads, opt_state, params)
        after = jax.tree.map(
            lambda new, old: jnp.asarray(new, jnp.result_type(old)), after, opt_state
        )
        return (optax.apply_updates(params, updates), after), value

    return jax.lax.scan(step, (params, opt_state), (rows, rates))


def _depends(function: Callable[[Any], Any], x: Any) -> list[bool]:
    """Of every leaf that a function returns, whether it depends on the argument."""
    program = jax.make_jaxpr(function)(x).jaxpr
    known = set(map(id, program.invars))
    for equation in program.eqns:
        if any(id(v) in known for v in equation.invars):
            known.update(map(id, equation.outvars))
    return [id(v) in known for v in program.outvars]


def _chunks(batches: Any, steps: int, name: str) -> Iterator[tuple[int, Any, Any]]:
    """The step at which each chunk begins, the rows of its batches, and arrays that hold these."""
    if isinstance(batches, (jax.Array, np.ndarray, tuple, dict)):
        leaves = jax.tree.leaves(batches)
        lengths = {np.shape(x)[0] if np.ndim(x) else 0 for x in leaves}
        if len(lengths) != 1 or lengths == {0}:
            what = "arrays with the batches along a first axis of one length"
            raise checks.refuse(f"{name}: batches", what, [np.shape(x) for x in leaves])
        count = lengths.pop()
        batches = jax.tree.map(jnp.asarray, batches)
        for begin in range(0, steps, CHUNK):
            yield begin, np.arange(begin, begin + CHUNK, dtype=np.int32) % count, batches
        return
    if not isinstance(batches, Iterable):
        what = "arrays of stacked batches, or an iterable of batches"
        raise checks.refuse(f"{name}: batches", what, batches, TypeError)
    rows, source = np.arange(CHUNK, dtype=np.int32), _endless(batches)
    for begin in range(0, steps, CHUNK):
        some = [batch for _, batch in zip(range(min(CHUNK, steps - begin)), source, strict=False)]
        if len(some) < min(CHUNK, steps - begin):
            given = begin + len(some)
            raise checks.refuse(f"{name}: batches", f"at least {steps} batches", given)
        for kinds in (set(map(jax.tree.structure, some)), set(map(_shapes, some))):
            if len(kinds) > 1:
                what = "batches of one structure and shape (leave out a shorter last one)"
                raise checks.refuse(f"{name}: batches", what, sorted(kinds, key=str))
        some += some[-1:] * (CHUNK - len(some))
        yield begin, rows, jax.tree.map(lambda *xs: np.stack([np.asarray(x) for x in xs]), *some)


def _shapes(batch: Any) -> tuple[tuple[int, ...], ...]:
    return tuple(np.shape(x) for x in jax.tree.leaves(batch))


def _endless(batches: Iterable[Any]) -> Iterator[Any]:
    """The batches again and again; an iterator gives them once."""
    while True:
        count = 0
        for batch in batches:
            count += 1
            yield batch
        if count == 0 or isinstance(batches, Iterator):
            return


def _bar(steps: int) -> Any:
    try:
        from tqdm import tqdm
    except ImportError:
        raise ImportError("lr_range_test: progress needs tqdm: pip install tqdm") from None
    return tqdm(total=steps, desc="range test", unit="step")
