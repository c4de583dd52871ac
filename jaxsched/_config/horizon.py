"""The length of a run, and what converts its units to steps."""

from __future__ import annotations

import functools
import math
from fractions import Fraction
from typing import Any, Literal, NoReturn

import numpy as np

from jaxsched._config import duration as _duration
from jaxsched._config.epoch import Epochs
from jaxsched._core.form import names_arguments

Rule = Literal["linear", "sqrt"]
LastBatch = Literal["drop", "keep", "carry"]


class Horizon:
    """How long a run is, so that lengths can be given in epochs, examples, tokens or percent.

    A step is one update of the optimizer. It uses up ``global_batch_size`` examples: ``batch_size *
    replicas * accumulation``.

    **Rounding.** There is one rule: a duration is computed exactly, in fractions, and rounded once, to
    the nearest step, halves up; a duration above 0 is at least 1 step. (The nearest has the smallest
    error; a warmup that someone asked for does not vanish in a short test run.) ``0.1`` means a tenth.

    **The last batch** of an epoch, where the examples do not fill it: ``"drop"`` leaves it out (an
    epoch has ``floor(examples / global_batch_size)`` steps), ``"keep"`` takes the smaller batch
    (``ceil``), and ``"carry"`` fills it from the next epoch, as a data set that is repeated before it
    is batched (an epoch is then no whole number of steps).

    Args:
      examples: the examples of one epoch.
      batch_size: the examples of one replica in one micro-batch.
      epochs: how many epochs the run has; it may be a fraction.
      steps: how many steps the run has, instead of ``epochs``: an integer, or a duration in any unit but
        percent, such as ``"300B tokens"``.
      steps_per_epoch: the length of an epoch, instead of ``examples``, where the input pipeline knows.
      accumulation: how many micro-batches make one update.
      replicas: how many devices (or hosts) each take a batch of ``batch_size``.
      tokens_per_example: the tokens of an example, or their mean. Or None: then there are no tokens.
      last_batch: ``"drop"``, ``"keep"`` or ``"carry"``.

    Raises:
      TypeError: a number is given as something else.
      ValueError: a number is not positive, there are two answers to the same question, or an epoch has
        no full batch.

    Example:
      >>> import jaxsched
      >>> run = jaxsched.Horizon(examples=1_281_167, batch_size=128, replicas=8, epochs=90)
      >>> run.total_steps, run.steps_per_epoch
      (112590, 1251)
      >>> [run.steps(duration) for duration in ("5 epochs", "3%", 0.03, "1M examples", 500)]
      [6255, 3378, 3378, 977, 500]
      >>> jaxsched.warmup_cosine_decay_schedule(
      ...     0.0, run.scale_rate(0.1), run.steps("5 epochs"), run.total_steps
      ... )
      warmup_cosine_decay_schedule(init_value=0.0, peak_value=0.4, warmup_steps=6255, decay_steps=112590)

      The classic ``int(num_samples_per_epoch * num_epochs_per_decay / batch_size)``, with replicas:

      >>> carry = jaxsched.Horizon(examples=1_281_167, batch_size=32, replicas=8, last_batch="carry")
      >>> carry.steps("2.5 epochs"), int(1_281_167 * 2.5 / (32 * 8))
      (12511, 12511)
    """

    __slots__ = ("_epochs", "_given", "_total")
    _given: dict[str, Any]
    _epochs: Epochs
    _total: int | None

    @names_arguments("Horizon")
    def __init__(
        self,
        *,
        examples: int | None = None,
        batch_size: int | None = None,
        epochs: int | float | None = None,
        steps: int | str | None = None,
        steps_per_epoch: int | None = None,
        accumulation: int = 1,
        replicas: int = 1,
        tokens_per_example: int | float | None = None,
        last_batch: LastBatch = "drop",
    ):
        if steps is not None and epochs is not None:
            raise ValueError("Horizon: steps and epochs must not both be given")
        if steps_per_epoch is not None and examples is not None:
            raise ValueError("Horizon: steps_per_epoch and examples must not both be given")
        given = {
            "examples": _duration.whole("examples", examples),
            "batch_size": _duration.whole("batch_size", batch_size),
            "epochs": _duration.real("epochs", epochs),
            "steps": steps if isinstance(steps, str) else _duration.whole("steps", steps),
            "steps_per_epoch": _duration.whole("steps_per_epoch", steps_per_epoch),
            "accumulation": _duration.whole("accumulation", accumulation) or 1,
            "replicas": _duration.whole("replicas", replicas) or 1,
            "tokens_per_example": _duration.real("tokens_per_example", tokens_per_example),
            "last_batch": last_batch,
        }
        set_ = object.__setattr__
        set_(self, "_given", given)
        batch = given["batch_size"]
        batch = batch and batch * given["replicas"] * given["accumulation"]
        epochs_ = Epochs(given["examples"], batch, given["steps_per_epoch"], last_batch)
        set_(self, "_epochs", epochs_)
        set_(self, "_total", None)
        if isinstance(steps, str):
            if _duration.read(steps)[1] == "percent":
                raise ValueError(f"Horizon: steps must not be a share of themselves, got {steps!r}")
            set_(self, "_total", self.steps(steps))
        elif epochs is not None:
            total = _duration.exact(given["epochs"]) * epochs_.length
            set_(self, "_total", _duration.nearest(total))
        else:
            set_(self, "_total", given["steps"])

    @property
    def global_batch_size(self) -> int:
        """The examples of one step: ``batch_size * replicas * accumulation``."""
        return self._epochs.batch

    @property
    def total_steps(self) -> int:
        """The steps of the run."""
        if self._total is None:
            _duration.lacks("the length of the run", "epochs or steps")
        return self._total

    @property
    def steps_per_epoch(self) -> int:
        """The steps of an epoch, rounded where ``last_batch="carry"`` makes them a fraction."""
        return _duration.nearest(self._epochs.length)

    def _tokens_per_example(self) -> Fraction:
        if self._given["tokens_per_example"] is None:
            _duration.lacks("the number of tokens in an example", "tokens_per_example")
        return _duration.exact(self._given["tokens_per_example"])

    def steps(self, duration: int | float | str) -> int:
        """A duration in steps.

        Args:
          duration: an integer is a number of steps; a float from 0 to below 1 is a share of the run; a
            string is a number and a unit: ``"500 steps"`` (or updates), ``"5 epochs"``, ``"1M examples"``
            (or samples), ``"2B tokens"``, ``"3%"`` (or percent). The number may have a fraction,
            underscores, and a suffix k, M, B (or G) or T for thousands, millions, ...

        Returns:
          The nearest whole number of steps, halves up, but at least 1 for a duration above 0.

        Raises:
          TypeError: not an int, a float or a string.
          ValueError: the duration is negative, has no unit or an unknown one, is a float of 1 or more (a
            share, or steps?) or above 100 %, or the horizon was not given what its unit needs.

        Example:
          >>> import jaxsched
          >>> run = jaxsched.Horizon(steps="300B tokens", batch_size=512, tokens_per_example=2048)
          >>> run.total_steps, run.steps("2B tokens"), run.steps("1%"), run.steps(0)
          (286102, 1907, 2861, 0)
          >>> run.steps(1.0)
          Traceback (most recent call last):
          ValueError: a share of the run must be from 0 to below 1 (1.0 may mean 1 step or all of them: \
write 1 or '100%'), got 1.0
        """
        if isinstance(duration, str):
            return _duration.nearest(self._exact_steps(*_duration.read(duration)))
        if isinstance(duration, (float, np.floating)):
            if 0 <= duration < 1:
                return _duration.nearest(_duration.exact(duration) * self.total_steps)
            raise ValueError(
                "a share of the run must be from 0 to below 1 (1.0 may mean 1 step or all of them: "
                f"write 1 or '100%'), got {float(duration)!r}"
            )
        return _duration.count("a number of steps", duration)

    def _exact_steps(self, amount: Fraction, unit: str) -> Fraction:
        if unit == "percent":
            return amount / 100 * self.total_steps
        if unit == "epochs":
            return amount * self._epochs.length
        if unit == "steps":
            return amount
        if unit == "tokens":
            amount /= self._tokens_per_example()
        return self._epochs.steps(amount)

    def epochs_at(self, step: int) -> float:
        """How many epochs have passed after a number of steps: the nearest float.

        Args:
          step: the number of steps.

        Returns:
          The epochs, with their fraction.

        Raises:
          TypeError: the step is not an integer.
          ValueError: it is negative, or the length of an epoch is not known.

        Example:
          >>> import jaxsched
          >>> jaxsched.Horizon(steps_per_epoch=400).epochs_at(1000)
          2.5
        """
        return float(_duration.count("step", step) / self._epochs.length)

    def examples_at(self, step: int) -> int:
        """How many examples have been used after a number of steps; those dropped do not count.

        Args:
          step: the number of steps.

        Returns:
          The examples, exact, as an integer of any size.

        Raises:
          TypeError: the step is not an integer.
          ValueError: it is negative, or the batch size is not known.

        Example:
          >>> import jaxsched
          >>> jaxsched.Horizon(batch_size=64, replicas=8).examples_at(10**9)
          512000000000
        """
        return self._epochs.examples(_duration.count("step", step))

    def tokens_at(self, step: int) -> int:
        """How many tokens have been used after a number of steps.

        Args:
          step: the number of steps.

        Returns:
          The tokens, as an integer of any size; rounded only where ``tokens_per_example`` is a fraction.

        Raises:
          TypeError: the step is not an integer.
          ValueError: it is negative, or the batch size or the tokens of an example are not known.

        Example:
          >>> import jaxsched
          >>> jaxsched.Horizon(batch_size=512, tokens_per_example=2048).tokens_at(286_102)
          299999690752
        """
        return _duration.nearest(self.examples_at(step) * self._tokens_per_example())

    def scale_rate(self, rate: Any, reference_batch_size: int = 256, rule: Rule = "linear") -> Any:
        """A rate that was tuned for a reference batch, for this run's batch.

        The batch is that of one update, ``global_batch_size``: replicas and accumulation count.

        Args:
          rate: a number, or a schedule (which is then multiplied).
          reference_batch_size: the examples of one update in the run the rate was tuned for.
          rule: ``"linear"`` (SGD: Goyal et al. 2017, arXiv:1706.02677) or ``"sqrt"`` (Adam and its kin:
            Malladi et al. 2022, arXiv:2205.10287).

        Returns:
          ``rate * factor``; the factor is the ratio of the batches, or its square root.

        Raises:
          TypeError: ``reference_batch_size`` is not an integer.
          ValueError: it is not positive, the rule is unknown, or the batch size is not known.

        Example:
          >>> import jaxsched
          >>> run = jaxsched.Horizon(batch_size=64, replicas=8, accumulation=2)
          >>> run.scale_rate(0.1), run.scale_rate(0.1, rule="sqrt")
          (0.4, 0.2)
        """
        if rule not in ("linear", "sqrt"):
            raise ValueError(f"scale_rate: rule must be 'linear' or 'sqrt', got {rule!r}")
        reference = _duration.positive("scale_rate: reference_batch_size", reference_batch_size)
        ratio = self.global_batch_size / reference
        return rate * (ratio if rule == "linear" else math.sqrt(ratio))

    def __repr__(self) -> str:
        defaults = {"accumulation": 1, "replicas": 1, "last_batch": "drop"}
        shown = [f"{k}={v!r}" for k, v in self._given.items() if v != defaults.get(k)]
        return f"Horizon({', '.join(shown)})"

    def __eq__(self, other: object) -> bool:
        return self._given == other._given if isinstance(other, Horizon) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self._given.values()))

    def __reduce__(self) -> Any:
        return functools.partial(Horizon, **self._given), ()

    def __setattr__(self, name: str, value: Any = None) -> NoReturn:
        raise AttributeError("a Horizon is immutable")

    __delattr__ = __setattr__
