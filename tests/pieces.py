"""Forms for the pieces of a join, whose values say at which step of their own they are."""

from __future__ import annotations

import jax.numpy as jnp

import jaxsched as js


@js.schedule
def plus(step, begin, rate=1.0):
    """A form whose value says at which step of its own it is."""
    return begin + rate * jnp.asarray(step, float)


@js.schedule
def counted(step, begin):
    """Another, of whole numbers."""
    return begin + step


@js.schedule
def looked_up(step, table, begin):
    """One with a table."""
    return begin + jnp.asarray(table).at[jnp.asarray(step, int)].get(mode="clip")


def line(begin):
    """A third, which is Python's on the host: `begin` and a 64th for each step, exactly."""
    return js.linear_schedule(begin, begin + 1.0, 64)


def on_line(begin, t):
    return begin + min(t, 64) / 64


@js.schedule
def rooted(step, scale):
    """A fourth, which has no value before its step -1."""
    return scale * jnp.sqrt(jnp.asarray(step, float) + 1.0)
