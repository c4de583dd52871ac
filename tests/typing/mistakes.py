"""What a type checker refuses: each line says by which rule, and there is no other error."""

from typing import Any

import optax

import jaxsched
from jaxsched import checks, shapes

jaxsched.cosine_decay_schedule(0.1)  # error: reportCallIssue
jaxsched.cosine_decay_schedule(0.1, 1000, gamma=0.1)  # error: reportCallIssue
jaxsched.cosine_decay_schedule("0.1", 1000)  # error: reportArgumentType
jaxsched.cosine_decay_schedule(0.1, "1000")  # error: reportArgumentType
jaxsched.exponential_decay(0.1, 100, 0.5, staircase=2.5)  # error: reportArgumentType
jaxsched.transition_schedule(1.0, 0.0, 10, shape="cosine")  # error: reportArgumentType
shapes.cosine(expnent=2.0)  # error: reportCallIssue
jaxsched.join_schedules([0.1, 0.2], [10])  # error: reportArgumentType
jaxsched.join_schedules([jaxsched.constant_schedule(0.1)], 10)  # error: reportArgumentType
jaxsched.no_such_schedule(0.1)  # error: reportAttributeAccessIssue
jaxsched.reduce_on_plateau(pateince=3)  # error: reportCallIssue
jaxsched.reduce_on_plateau(nonfinite="sometimes")  # error: reportArgumentType
jaxsched.with_plateau(optax.sgd(0.1), pateince=3)  # error: reportCallIssue
jaxsched.Horizon(100)  # error: reportCallIssue
print(jaxsched.plateau_report(None).no_such_field)  # error: reportAttributeAccessIssue
text: str = jaxsched.constant_schedule(0.1)(3)  # error: reportAssignmentType
jaxsched.constant_schedule(0.1)("3")  # error: reportCallIssue, reportArgumentType
jaxsched.to_config({"name": "constant_schedule"})  # error: reportArgumentType


@jaxsched.schedule(peak=checks.positive)
def halving(step: Any, peak: float, half_life: int = 100) -> Any:
    return peak * 0.5 ** (step / half_life)


halving()  # error: reportCallIssue
halving(0.1, half_lief=3)  # error: reportCallIssue
halving("0.1")  # error: reportArgumentType
halving(3, 0.1, 100)  # error: reportCallIssue


@jaxsched.recipe  # error: reportCallIssue, reportArgumentType
def no_schedule(peak: float) -> float:
    return peak


@jaxsched.schedule(peak="positive")  # error: reportArgumentType
def unchecked(step: Any, peak: float) -> Any:
    return peak
