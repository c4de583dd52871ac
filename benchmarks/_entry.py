"""One schedule in every form in which it is measured."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import optax

import jaxsched

LENGTH = 10_000
BETWEEN = 1_000


@dataclass(frozen=True)
class Entry:
    """A schedule of ours, the same curve elsewhere, and what it is at best.

    `python` and `jnp` are written by hand for exactly these numbers: what a user would write who needs
    nothing else. They are the limit that a library can approach.

    Attributes:
      jaxsched: builds it.
      optax: builds it with optax: by a name of optax's, or by the shortest composition of its schedules.
      python: a function of a Python number.
      jnp: a function of an array; without one `python` is, where there is one.
      simple: whether it is one formula.
      torch: builds it from torch's lr_scheduler module and an optimizer with a rate of 0.1.
      keras: builds it from Keras's schedules module.
      tensorflow: builds it from `tf.compat.v1.train`, for what Keras no longer has: a function of the step.
      transformers: builds it from transformers' optimization module and an optimizer.
      timm: builds it from timm's schedulers and an optimizer, counted in updates.
    """

    jaxsched: Callable[[], Any]
    optax: Callable[[], Any] | None = None
    python: Callable[[float], float] | None = None
    jnp: Callable[[Any], Any] | None = None
    simple: bool = False
    torch: Callable[[Any, Any], Any] | None = None
    keras: Callable[[Any], Any] | None = None
    tensorflow: Callable[[Any], Any] | None = None
    transformers: Callable[[Any, Any], Any] | None = None
    timm: Callable[[Any, Any], Any] | None = None

    @property
    def makers(self):
        """Who -> the function that builds it, of the libraries for JAX that have it."""
        both = {"jaxsched": self.jaxsched, "optax": self.optax}
        return {who: make for who, make in both.items() if make}

    @property
    def by_hand(self):
        """The function of an array, or None."""
        return self.jnp or self.python


def of_both(make, *formulas, **others):
    """An entry whose call is the same in both libraries."""
    return Entry(lambda: make(jaxsched), lambda: make(optax), *formulas, **others)
