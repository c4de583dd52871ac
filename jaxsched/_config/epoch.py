"""How steps, examples and epochs convert into each other, the last batch of an epoch included."""

from __future__ import annotations

import math
from fractions import Fraction

from jaxsched._config.duration import lacks


class Epochs:
    """The arithmetic of a :class:`Horizon`, exact.

    Args:
      examples: the examples of an epoch, or None.
      batch: the examples of a step, or None.
      length: the steps of an epoch where they are known without `examples`, or None.
      last_batch: "drop", "keep" or "carry".
    """

    def __init__(
        self, examples: int | None, batch: int | None, length: int | None, last_batch: str
    ):
        if last_batch not in ("drop", "keep", "carry"):
            raise ValueError(
                f"Horizon: last_batch must be 'drop' or 'keep' or 'carry', got {last_batch!r}"
            )
        self.batch_or_none, self.length_or_none = batch, Fraction(length) if length else None
        if examples is not None and batch is not None:
            exact = Fraction(examples, batch)
            if last_batch == "drop" and exact < 1:
                raise ValueError(
                    f"Horizon: examples must fill a batch of {batch} "
                    f"(or last_batch must be 'keep'), got {examples}"
                )
            round_ = {"drop": math.floor, "keep": math.ceil, "carry": Fraction}[last_batch]
            self.length_or_none = Fraction(round_(exact))
        self.short = examples if last_batch == "keep" and batch is not None else None
        """The examples of an epoch if its last batch may be smaller than the others."""

    @property
    def batch(self) -> int:
        """The examples of a step."""
        if self.batch_or_none is None:
            lacks("the number of examples in a step", "batch_size")
        return self.batch_or_none

    @property
    def length(self) -> Fraction:
        """The steps of an epoch."""
        if self.length_or_none is None:
            lacks("the length of an epoch", "examples and batch_size, or steps_per_epoch")
        return self.length_or_none

    def steps(self, examples: Fraction) -> Fraction:
        """The steps that use up so many examples."""
        if self.short is None:
            return examples / self.batch
        epochs, rest = divmod(examples, self.short)
        return epochs * self.length + rest / self.batch

    def examples(self, steps: int) -> int:
        """The examples that so many steps use up."""
        if self.short is None:
            return steps * self.batch
        epochs, rest = divmod(steps, int(self.length))
        return epochs * self.short + min(rest * self.batch, self.short)
