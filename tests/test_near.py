"""What was probably meant by an unknown name."""

import pytest

from jaxsched._core.near import close_names, did_you_mean

NAMES = (
    *("linear_cosine_decay", "step_decay", "cosine_wave_schedule", "cosine_decay_restarts"),
    *("cosine_decay_schedule", "exponential_decay", "warmup_exponential_decay_schedule", "clip"),
)


@pytest.mark.parametrize(
    ("name", "likeliest"),
    [
        ("cosine_decay", "cosine_decay_schedule"),  # all but the ending, before what it also begins
        ("cosine_wave", "cosine_wave_schedule"),
        ("cosine", "cosine_decay_schedule"),
        ("exponential", "exponential_decay"),
        ("warmup_exp", "warmup_exponential_decay_schedule"),  # much shorter than what it begins
        ("cosine_deacy", "cosine_decay_schedule"),  # a slip in all but the ending
        ("step_decy", "step_decay"),
        ("clp", "clip"),
    ],
)
def test_the_likeliest_comes_first(name, likeliest):
    found = close_names(name, NAMES)
    assert found[0] == likeliest
    assert len(found) == len(set(found)) <= 3
    assert close_names(name, reversed(NAMES))[0] == likeliest


def test_what_a_name_begins_comes_before_what_resembles_it():
    found = close_names("cosine_decay", NAMES)
    assert found == ["cosine_decay_schedule", "cosine_decay_restarts", "linear_cosine_decay"]


def test_nothing_is_like_one_letter_or_a_long_text():
    assert close_names("c", NAMES) == close_names("zzz", NAMES) == []
    assert close_names("cosine_decay" + "_" * 90, NAMES) == []
    assert did_you_mean("zzz", NAMES) == ""


def test_as_many_as_are_asked_for():
    assert close_names("cosine", NAMES, most=1) == ["cosine_decay_schedule"]
    assert did_you_mean("exponential", NAMES).startswith(
        "; did you mean 'exponential_decay' or 'warm"
    )
