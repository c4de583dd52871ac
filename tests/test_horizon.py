"""Horizon: durations to steps, exactly, by one rule."""

import contextlib
import copy
import math
import pickle
from fractions import Fraction

import jax.numpy as jnp
import numpy as np
import pytest
from budget import budget
from hypothesis import given
from hypothesis import strategies as st

import jaxsched as js
from jaxsched import Horizon

RUN = Horizon(examples=10_000, batch_size=100, epochs=100, tokens_per_example=2048)


@pytest.mark.parametrize(
    ("duration", "steps"),
    [
        (500, 500),
        (0, 0),
        (1, 1),
        (np.int64(7), 7),
        (jnp.int32(7), 7),
        (0.03, 300),
        (0.0, 0),
        (0.29, 2900),  # 0.29 * 10_000 is 2899.9999999999995 in floats
        (np.float32(0.03), 300),
        ("3%", 300),
        ("3 %", 300),
        ("3 percent", 300),
        ("0.29%", 29),
        ("100%", 10_000),
        ("0%", 0),
        ("500 steps", 500),
        ("1 step", 1),
        ("1_000 steps", 1000),
        ("1.5k steps", 1500),
        ("1e3 updates", 1000),
        ("5 epochs", 500),
        ("+5 epochs", 500),
        (" 5epochs ", 500),
        ("2.5 epochs", 250),
        (".5 epochs", 50),
        ("5 Epochs", 500),
        ("1M examples", 10_000),
        ("1_000 samples", 10),
        ("150 examples", 2),  # 1.5
        ("149 examples", 1),
        ("250 examples", 3),  # 2.5: halves go up, not to the even number
        ("1 example", 1),  # 0.01, but not nothing
        ("0 examples", 0),
        ("2B tokens", 9766),  # 9765.625
        ("2G tokens", 9766),
        ("0.002T tokens", 9766),
        ("2048K tokens", 10),
        ("1 token", 1),
        (0.00001, 1),
    ],
)
def test_durations(duration, steps):
    result = RUN.steps(duration)
    assert result == steps
    assert type(result) is int


@pytest.mark.parametrize(
    ("duration", "message"),
    [
        (1.0, r"a share of the run must be from 0 to below 1 \(1.0 may mean 1 step .*, got 1.0"),
        (1.5, r"a share of the run must be .*, got 1.5"),
        (500.0, r"a share of the run must be .*, got 500.0"),
        (-0.1, r"a share of the run must be .*, got -0.1"),
        (math.nan, r"a share of the run must be .*, got nan"),
        (-1, r"a number of steps must be a non-negative integer, got -1"),
        ("5", r"a duration must say its unit, as in '5 steps' or '5 epochs', got '5'"),
        ("5k", r"a duration must say its unit, .*, got '5k'"),
        ("-5 epochs", r"a duration must not be negative, got '-5 epochs'"),
        ("110%", r"a percentage must be from 0 to 100, got '110%'"),
        ("1k%", r"a percentage must be from 0 to 100, got '1k%'"),
        (
            "5 epohcs",
            r"a duration's unit must be steps, .* \(did you mean 'epochs'\?\), got 'epohcs' .*",
        ),
        (
            "5 hours",
            r"a duration's unit must be steps, epochs, examples, tokens or %.*, got 'hours' .*",
        ),
        ("5 batches", r"a duration's unit must be steps, epochs, .*, got 'batches' in '5 batches'"),
        ("2b tokens", r"a duration's suffix must be k, M, B \(or G\) or T, got 'b' in '2b tokens'"),
        ("2m tokens", r"a duration's suffix must be .*, got 'm' in '2m tokens'"),
        ("2.5 steps", r"a duration in steps must be a whole number, got '2.5 steps'"),
        ("0.5 tokens", r"a duration in tokens must be a whole number, got '0.5 tokens'"),
        ("", r"a duration must be a number and a unit, such as .*, got ''"),
        ("epochs", r"a duration must be a number and a unit, .*, got 'epochs'"),
        ("1,000 steps", r"a duration must be a number and a unit, .*, got '1,000 steps'"),
        ("1__0 steps", r"a duration must be a number and a unit, .*, got '1__0 steps'"),
        ("5 epochs 3 steps", r"a duration must be a number and a unit, .*"),
        ("nan epochs", r"a duration must be a number and a unit, .*"),
        ("1e999999999 steps", r"a duration must be a number and a unit, .*"),
        ("9" * 10**6 + " steps", r"a duration must be a number and a unit, .*, got '9{57}\.\.\.'"),
    ],
)
def test_what_is_refused(duration, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        RUN.steps(duration)


@pytest.mark.parametrize("duration", [True, None, [5], {}, 5j, jnp.float32(0.5), np.bool_(True)])
def test_what_is_no_duration(duration):
    with pytest.raises(TypeError, match=r"^a number of steps must be an integer, got "):
        RUN.steps(duration)


@pytest.mark.parametrize(
    ("given", "duration", "lacking"),
    [
        (
            {"steps": 100},
            "5 epochs",
            "the length of an epoch .* examples and batch_size, or steps_",
        ),
        ({"steps": 100}, "5 examples", "the number of examples in a step .* batch_size"),
        (
            {"steps": 100},
            "5 tokens",
            "the number of tokens in an example is not known: .* tokens_per_example$",
        ),
        ({"batch_size": 8, "examples": 80}, "3%", "the length of the run .* epochs or steps"),
        ({"batch_size": 8, "examples": 80}, 0.03, "the length of the run .* epochs or steps"),
    ],
)
def test_what_the_horizon_lacks(given, duration, lacking):
    with pytest.raises(ValueError, match=f"^Horizon: {lacking}"):
        Horizon(**given).steps(duration)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"steps": 10, "epochs": 1}, ValueError, "steps and epochs must not both be given"),
        (
            {"steps_per_epoch": 10, "examples": 1},
            ValueError,
            "steps_per_epoch and examples must not",
        ),
        ({"steps": 0}, ValueError, "steps must be a positive integer, got 0"),
        ({"steps": 10.0}, TypeError, "steps must be a positive integer, got 10.0"),
        ({"steps": True}, TypeError, "steps must be a positive integer, got True"),
        ({"batch_size": -1}, ValueError, "batch_size must be a positive integer, got -1"),
        ({"replicas": 0}, ValueError, "replicas must be a positive integer, got 0"),
        ({"accumulation": 2.5}, TypeError, "accumulation must be a positive integer, got 2.5"),
        (
            {"epochs": 0, "steps_per_epoch": 1},
            ValueError,
            "epochs must be a positive number, got 0",
        ),
        (
            {"epochs": math.inf, "steps_per_epoch": 1},
            ValueError,
            "epochs must be a positive number",
        ),
        (
            {"epochs": "9", "steps_per_epoch": 1},
            TypeError,
            "epochs must be a positive number, got '9'",
        ),
        ({"epochs": 90}, ValueError, "the length of an epoch is not known: "),
        (
            {"tokens_per_example": 0},
            ValueError,
            "tokens_per_example must be a positive number, got 0",
        ),
        (
            {"last_batch": "x"},
            ValueError,
            "last_batch must be 'drop' or 'keep' or 'carry', got 'x'",
        ),
        (
            {"examples": 9, "batch_size": 10},
            ValueError,
            "examples must fill a batch of 10 .*, got 9",
        ),
        ({"steps": "3%"}, ValueError, "steps must not be a share of themselves, got '3%'"),
    ],
)
def test_bad_horizons(given, error, message):
    with pytest.raises(error, match=f"^Horizon: {message}"):
        Horizon(**given)


@pytest.mark.parametrize(
    ("last_batch", "steps_per_epoch", "total", "ten"),
    [("drop", 3, 30, 30), ("keep", 4, 40, 40), ("carry", 4, 35, 35)],
)
def test_the_last_batch(last_batch, steps_per_epoch, total, ten):
    """35 examples in batches of 10."""
    run = Horizon(examples=35, batch_size=10, epochs=10, last_batch=last_batch)
    assert (run.steps_per_epoch, run.total_steps) == (steps_per_epoch, total)
    assert run.steps("10 epochs") == ten
    assert run.epochs_at(ten) == 10.0
    used = {"drop": 300, "keep": 350, "carry": 350}[last_batch]
    assert run.examples_at(ten) == used
    assert run.steps(f"{used} examples") == ten


def test_the_short_batch_counts_as_a_step():
    run = Horizon(examples=35, batch_size=10, last_batch="keep")
    assert [run.examples_at(t) for t in range(9)] == [0, 10, 20, 30, 35, 45, 55, 65, 70]
    assert [run.steps(f"{run.examples_at(t)} examples") for t in (1, 2, 3, 4, 5, 8)] == [
        1,
        2,
        3,
        4,
        5,
        8,
    ]


def test_a_step_is_an_update():
    run = Horizon(examples=2**20, batch_size=32, replicas=8, accumulation=4, epochs=3)
    assert run.global_batch_size == 1024
    assert run.steps_per_epoch == 1024
    assert run.total_steps == 3072
    assert run.steps("1024 examples") == 1


def test_numbers_of_any_size():
    run = Horizon(batch_size=4096, tokens_per_example=8192, steps="15T tokens")
    assert run.total_steps == round(Fraction(15 * 10**12, 4096 * 8192))
    assert run.tokens_at(2**31) == 2**31 * 2**25
    assert run.tokens_at(10**30) == 10**30 * 2**25
    assert type(run.tokens_at(jnp.int32(1000))) is int
    assert Horizon(steps=2**70).steps("100%") == 2**70


def test_a_mean_of_tokens_is_exact():
    run = Horizon(batch_size=10, tokens_per_example=0.1)
    assert run.steps("3 tokens") == 3
    assert run.tokens_at(3) == 3


def test_inverse_needs_a_step():
    for convert in (RUN.epochs_at, RUN.examples_at, RUN.tokens_at):
        with pytest.raises(ValueError, match=r"^step must be a non-negative integer, got -1$"):
            convert(-1)
        with pytest.raises(TypeError, match=r"^step must be an integer, got 1.5$"):
            convert(1.5)


def test_scale_rate():
    run = Horizon(batch_size=64, replicas=4, accumulation=4)
    assert run.scale_rate(0.1) == 0.1 * 4
    assert run.scale_rate(0.1, rule="sqrt") == 0.1 * 2
    assert run.scale_rate(0.1, 1024) == 0.1
    assert run.scale_rate(js.constant_schedule(0.1)) == js.constant_schedule(0.1) * 4.0
    with pytest.raises(
        ValueError, match=r"^scale_rate: rule must be 'linear' or 'sqrt', got 'cube'$"
    ):
        run.scale_rate(0.1, rule="cube")  # type: ignore[arg-type]
    with pytest.raises(
        ValueError, match=r"^scale_rate: reference_batch_size must be a positive .* 0$"
    ):
        run.scale_rate(0.1, 0)
    with pytest.raises(TypeError, match=r"^scale_rate: reference_batch_size must be .*, got None$"):
        run.scale_rate(0.1, None)  # type: ignore[arg-type]
    with pytest.raises(
        ValueError, match=r"^Horizon: the number of examples in a step is not known"
    ):
        Horizon(steps=5).scale_rate(0.1)


def test_it_is_a_value():
    twin = Horizon(examples=10_000, batch_size=100, epochs=100, tokens_per_example=2048)
    assert twin == RUN
    assert hash(twin) == hash(RUN)
    assert Horizon(steps=10_000) != RUN
    assert RUN != "a horizon"
    for clone in (copy.deepcopy(RUN), pickle.loads(pickle.dumps(RUN)), eval(repr(RUN))):
        assert clone == RUN
        assert clone.total_steps == 10_000
    assert repr(Horizon(steps=5)) == "Horizon(steps=5)"
    for change in (lambda: setattr(RUN, "epochs", 5), lambda: delattr(RUN, "_given")):
        with pytest.raises(AttributeError, match=r"^a Horizon is immutable$"):
            change()


decimals = st.decimals(0, 100, places=4, allow_nan=False)


@budget(300)
@given(decimals, st.integers(1, 10**12))
def test_percent_against_fractions(percent, total):
    exact = Fraction(percent) / 100 * total
    expected = max(math.floor(exact + Fraction(1, 2)), 1 if exact else 0)
    assert Horizon(steps=total).steps(f"{percent}%") == expected


@budget(300)
@given(
    st.integers(1, 10**7),
    st.integers(1, 10**4),
    st.sampled_from(["drop", "keep", "carry"]),
    st.integers(0, 10**9),
)
def test_examples_and_back(examples, batch, last_batch, step):
    """A number of examples that whole steps use up converts back to these steps."""
    run = Horizon(examples=max(examples, batch), batch_size=batch, last_batch=last_batch)
    used = run.examples_at(step)
    assert run.steps(f"{used} examples") == step
    assert run.examples_at(step + 1) > used


@budget(500)
@given(st.text(max_size=30) | st.text("0123456789._eE+-% kMBGTepochstn", max_size=20))
def test_any_text_is_a_duration_or_an_error(text):
    with contextlib.suppress(ValueError):
        assert RUN.steps(text) >= 0
