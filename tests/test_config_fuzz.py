"""Ten thousand texts and ten thousand configurations: a schedule or an error with its place, each."""

import json
import re
import sys
import time

import jax
import pytest
from budget import budget
from cases import CASES, user_formula, user_recipe
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from test_parse import holds_a_callable

import jaxsched as js
from jaxsched import Horizon, from_config, parse, to_config

MINE = [user_formula, user_recipe]
RUN = Horizon(examples=1000, batch_size=10, epochs=10, tokens_per_example=7)
SEEDS = [s for s in (case.make() for case in CASES.values()) if not holds_a_callable(s)]
TEXTS = [repr(s) for s in SEEDS]
CONFIGS = [to_config(s, factories=MINE) for s in SEEDS]
HOSTILE = (
    "compile",
    "exec",
    "os.",
    "subprocess.",
    "socket.",
    "open",
    "ctypes.",
    "shutil.",
    "pickle.",
)
PROGRAMS = jax.config.jax_compilation_cache_dir
PLACE = re.compile(r"(line \d+, )?column \d+ \(")

fuzz = budget(10_000, database=None, suppress_health_check=list(HealthCheck))

WORDS = [
    *(
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "=",
        "+",
        "-",
        "*",
        "/",
        "**",
        ".",
        "'",
        '"',
        "\\",
        "\n",
    ),
    *(
        "1",
        "0",
        "-1",
        "1e9",
        "1e-400",
        "1e999",
        "9" * 50,
        "1_0",
        "0.5",
        "nan",
        "inf",
        "None",
        "True",
    ),
    *("'5 epochs'", "'3%'", "'1T tokens'", "'5'", "'x'", "'1e5'", "boundaries=", "value=", "step="),
    *(
        "lambda: 0",
        "__import__('os')",
        ".__class__",
        "eval('1')",
        "print(1)",
        "x",
        " ",
        "\x00",
        "\u00e9",
    ),
    *(
        "array([1, 2], dtype=int32)",
        "array(0.5, dtype=float32)",
        "array([], dtype=bool)",
        "shapes.rex()",
    ),
    *(
        "constant_schedule(1)",
        "join_schedules(",
        "linear_schedule(0, 1, ",
        "add(",
        "user_recipe(1, 2)",
    ),
]

NUMBERS = [
    "0",
    "1",
    "5_0",
    "0.5",
    "2.0",
    "1e3",
    "'5 epochs'",
    "'3%'",
    "-1",
    "9" * 30,
    "constant_schedule(1)",
]


@st.composite
def texts(draw):
    """Words in any order, or the text of a schedule with some of it replaced."""
    if draw(st.booleans()):
        return "".join(draw(st.lists(st.sampled_from(WORDS) | st.text(max_size=3), max_size=12)))
    text = draw(st.sampled_from(TEXTS))
    for _ in range(draw(st.integers(1, 3))):
        pieces = re.findall(r"[\w.]+|\W", text)
        numbers = [i for i, piece in enumerate(pieces) if piece[0].isdigit()]
        if numbers and draw(st.booleans()):
            pieces[draw(st.sampled_from(numbers))] = draw(st.sampled_from(NUMBERS))
            text = "".join(pieces)
            continue
        begin = draw(st.integers(0, len(pieces) - 1))
        end = begin + draw(st.integers(0, 3))
        text = "".join([*pieces[:begin], draw(st.sampled_from(WORDS)), *pieces[end:]])
    return text


SCALARS = (
    st.sampled_from(
        [
            *(
                0,
                1,
                -1,
                0.5,
                1e308,
                float("nan"),
                float("inf"),
                True,
                None,
                2**31,
                2**70,
                10**401,
                "x",
            ),
            *(
                "5 epochs",
                "3%",
                "110%",
                "5",
                "-5 steps",
                "1e9",
                "linear",
                "cosine",
                b"x",
                object(),
                5j,
            ),
        ]
    )
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
)
NAMES = st.sampled_from(
    [
        *(
            "constant_schedule",
            "array",
            "mapping",
            "int",
            "float",
            "os.system",
            "builtins.eval",
            "",
            5,
        ),
        *sorted({config["name"] for config in CONFIGS}),
        *("shapes.cosine", "jaxsched.shapes.rex"),
    ]
)
KEYS = st.sampled_from(
    [
        *(
            "name",
            "_target_",
            "_args_",
            "_partial_",
            "version",
            "value",
            "values",
            "dtype",
            "items",
            5,
        ),
        *("schedules", "boundaries", "a", "b", "init_value", "decay_steps", "7", "5 epochs", None),
    ]
)
JUNK = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(KEYS, inner, max_size=4)
        | st.builds(lambda n, d: {"name": n, **d}, NAMES, st.dictionaries(KEYS, inner, max_size=3))
    ),
    max_leaves=4,
)


def places(value, found):
    """All (container, key) of nested data."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, child in pairs:
        found.append((value, key))
        if isinstance(child, (dict, list)):
            places(child, found)
    return found


@st.composite
def configs(draw):
    """Any data, or the configuration of a schedule with some of it replaced, removed or added."""
    if draw(st.integers(0, 2)) == 0:
        return draw(JUNK)
    config = json.loads(json.dumps(draw(st.sampled_from(CONFIGS))))
    for _ in range(draw(st.integers(1, 2))):
        found = places(config, [])
        if not found:
            break
        container, key = found[draw(st.integers(0, len(found) - 1))]
        action = draw(st.integers(0, 5))
        if action == 0:
            del container[key]
        elif action == 1 and isinstance(container, dict):
            container[draw(KEYS)] = draw(JUNK)
        elif action == 2:
            container[key] = draw(JUNK)
        elif not isinstance(container[key], (dict, list)):
            container[key] = draw(
                st.sampled_from([0, 1, 50, 0.5, 2.0, "5 epochs", "3%", "70 tokens"])
            )
    return config


events: list[str] | None = None
_hooked = False


def watch(event, args):
    """Notes what is done, but for the code that jaxsched makes of its own formulas' arithmetic, and JAX's
    cache of compiled programs.
    """
    if events is not None and event.startswith(HOSTILE):
        filename = args[1] if event == "compile" else getattr(args[0], "co_filename", None)
        cached = event == "open" and PROGRAMS and str(args[0]).startswith(PROGRAMS)
        if not (cached or str(filename).startswith("<host code of ")):
            events.append(event)


@pytest.fixture
def no_side_effects():
    """Nothing is compiled, executed, opened or started while a text or a configuration is read."""
    global events, _hooked
    if not _hooked:
        sys.addaudithook(watch)
        _hooked = True
    with pytest.raises(ValueError, match="did you mean"):  # what is imported late is imported now
        parse("constant_schedul(array(1.5, dtype=float32))")
    parse("constant_schedule(array(1.5, dtype=float32))")
    yield
    events = None


def read(reader, source):
    """The schedule or the error; the clock and the watch are on only in between."""
    global events
    events, begin = [], time.thread_time()  # not the clock: other programs may hold it up
    try:
        result = reader(source, horizon=RUN, factories=MINE)
    except ValueError as error:
        result = error
    seen, events = events, None
    assert seen == []
    assert time.thread_time() - begin < 5
    return result


@pytest.mark.usefixtures("no_side_effects")
def test_texts():
    count = {js.Schedule: 0, ValueError: 0}

    @fuzz
    @given(texts())
    def run(text):
        result = read(parse, text)
        count[type(result)] += 1
        if isinstance(result, ValueError):
            assert PLACE.match(str(result)), (text, result)
            assert len(str(result)) < 3000
        else:
            assert parse(repr(result), factories=MINE) == result

    run()
    assert count[js.Schedule] > 500
    assert count[ValueError] > 4000
    assert sum(count.values()) >= 10_000


@pytest.mark.usefixtures("no_side_effects")
def test_configs():
    count = {js.Schedule: 0, ValueError: 0}

    @fuzz
    @given(configs())
    def run(config):
        result = read(from_config, config)
        count[type(result)] += 1
        if isinstance(result, ValueError):
            assert 0 < len(str(result)) < 3000
            inner = {"name": "join_schedules", "schedules": [config], "boundaries": []}
            assert "schedules" in str(read(from_config, inner)), config
        else:
            assert from_config(to_config(result, factories=MINE), factories=MINE) == result

    run()
    assert count[js.Schedule] > 500
    assert count[ValueError] > 4000
    assert sum(count.values()) >= 10_000
