"""Texts that are refused: every one with its place, and at little cost."""

import time
import tracemalloc

import pytest

from jaxsched import parse

A_SHAPE = (
    "; shapes.cosine is a shape, a schedule is transition_schedule(..., shape=shapes.cosine(...)) or "
    "cosine_decay_schedule"
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "column 1 (''): the text ends where a schedule or a value must stand"),
        (
            "cosine_decay_schedule(0.1, decay_steps=-3)",
            "column 40 ('-3'): cosine_decay_schedule: decay_steps must be a non-negative integer, got -3",
        ),
        (
            "join_schedules([constant_schedule(1), constant_schedule(valeu=2)], [5])",
            "column 63 ('2'): constant_schedule has no argument 'valeu'; did you mean 'value'? "
            "It has value",
        ),
        ("constant_schedule()", "column 1 ('constant_schedule()'): constant_schedule: missing value"),
        (
            "constant_schedule(1, 2)",
            "column 22 ('2'): constant_schedule takes 1 argument by position, got 2",
        ),
        ("constant_schedule(1, value=2)", "column 28 ('2'): constant_schedule: value is given twice"),
        ("constant_schedule(value=1, value=2)", "column 28 ('value'): is given twice"),
        (
            "linear_schedule(init_value=1, 2, 3)",
            "column 31 ('2'): has no name, but stands behind an argument that has one",
        ),
        (
            "linear_schedule(0, 1, '5 epochs')",
            "column 23 (\"'5 epochs'\"): linear_schedule: transition_steps must be a non-negative integer, "
            "got '5 epochs' (a duration needs horizon=Horizon(...))",
        ),
        (
            "warmup_cosine_decay_schedule(0, 1, 20, 10)",
            "column 1 ('warmup_cosine_decay_schedule(0, 1, 20, 10)'): warmup_cosine_decay_schedule: "
            "warmup_steps must be at most decay_steps (10), got 20",
        ),
        (
            "1 +\nconstant_schedule(1) / 0",
            "line 2, column 24 ('0'): divide: "
            "b must be a finite number other than 0, got 0",
        ),
        ("1 + 2", "column 3 ('+'): needs a schedule on one side; write the result of two numbers"),
        ("-'a'", "column 1 ('-'): needs a schedule or a number behind it"),
        ("constant_schedule",
         "column 1 ('constant_schedule'): is a schedule's name without its arguments (...)"),
        ("(1", "column 3 (''): the text ends where a comma or ')' must stand"),
        ("(1]", "column 3 (']'): closes no bracket"),
        ("constant_schedule(1 2)", "column 21 ('2'): '2' stands where a comma or ')' must stand"),
        ("constant_schedule(1) constant_schedule(1)",
         "column 22 ('constant_schedule'): "
         "'constant_schedule' stands where an operator or the end must stand"),
        ("constant_schedule(,)", "column 19 (','): ',' stands where a schedule or a value must stand"),
        ("{1}", "column 3 ('}'): '}' stands where ':' must stand"),
        ("{1: 2, 1: 3}", "column 8 ('1'): the key stands here twice"),
        ("[1]", "column 1 ('[1]'): must describe a schedule or be a number, got (1,)"),
        ("True", "column 1 ('True'): must describe a schedule or be a number, got True"),
        ("shapes.cosine()", "column 1 ('shapes.cosine()'): must describe a schedule or be a number, "
         f"got shapes.cosine(){A_SHAPE}"),
        ("cosine", f"column 1 ('cosine'): is a shape's name without its arguments (...){A_SHAPE}"),
        ("cosine(1, 10)",
         f"column 11 ('10'): shapes.cosine takes 1 argument by position, got 2{A_SHAPE}"),
        ("cosine(1, decay_steps=10)", "column 23 ('10'): shapes.cosine has no argument 'decay_steps'; "
         f"it has exponent{A_SHAPE}"),
        ("table()", "column 1 ('table()'): shapes.table: missing values; shapes.table is a shape, a "
         "schedule is transition_schedule(..., shape=shapes.table(...))"),
        ("inf", "column 1 ('inf'): constant_schedule: value must be a finite number, got inf"),
        ("1e999", "column 1 ('1e999'): is no number, or one with too many digits or beyond float64"),
        ("010", "column 1 ('010'): is no number, or one with too many digits or beyond float64"),
        ("1__0", "column 1 ('1__0'): is no number, or one with too many digits or beyond float64"),
        ("9" * 401, f"column 1 ('{'9' * 57}...'): "
         "is no number, or one with too many digits or beyond float64"),
        ("0x10", "column 1 ('0x10'): is not understood"),
        ("5j", "column 1 ('5j'): is not understood"),
        ("9 ** 9", "column 4 ('*'): '*' stands where a schedule or a value must stand"),
        ("'abc", "column 1 (\"'abc\"): is not understood"),
        ("'\\q'", "column 1 (\"'\\\\q'\"): \\q is no escape that is understood"),
        ("f'{1}'", None),
        ("constant_schedule(1).value", "column 21 ('.value'): is not understood"),
        ("a if b else c", None),
        ("lambda: 1", None),
        ("[x for x in y]", None),
        ("__import__('os').system('true')", None),
        ("().__class__", None),
        ("constant_schedule(*[1])", None),
        ("constant_schedule(**{})", None),
        ("constant_schedule(1); 2", None),
        ("constant_schedule(x := 1)", None),
        ("Schedule()", None),
        ("schedule(1)", None),
        ("checks.positive(1, 'a')", None),
        ("jaxsched._core.bound.Bound()", None),
        ("\x00", None),
        ("\ud800", None),
        ("array([1, [2]], dtype=int8)", "column 1 ('array([1, [2]], dtype=int8)'): "
         "array: values must be rows of equal length within the range of int8"),
        ("array([300], dtype=int8)", "column 1 ('array([300], dtype=int8)'): "
         "array: values must be rows of equal length within the range of int8"),
        ("array([1.5], dtype=int8)", "column 1 ('array([1.5], dtype=int8)'): "
         "array: values must be numbers of type int8, got 1.5"),
        ("array([1e39], dtype=float32)", "column 1 ('array([1e39], dtype=float32)'): "
         "array: values must be within the range of float32"),
        ("array([1], dtype=float3)", "column 1 ('array([1], dtype=float3)'): array: dtype must be the name "
         "of a number's type, got 'float3'; did you mean 'float32' or 'float64' or 'float16'?"),
        ("array([1])", "column 1 ('array([1])'): an array is written array([...], dtype=float32)"),
        ("array([object], dtype=object)", None),
    ],
)  # fmt: skip
def test_what_is_refused(text, message):
    with pytest.raises(ValueError, match=r"^(line [0-9]+, )?column [0-9]+ ") as caught:
        parse(text)
    assert message is None or str(caught.value) == message


def test_near_matches_are_told():
    with pytest.raises(
        ValueError, match=r"unknown name 'cosine_decay_shedule'; did you mean 'cosine_d"
    ):
        parse("cosine_decay_shedule(1, 2)")
    with pytest.raises(ValueError, match=r"unknown name 'zzz'; known are .*constant_schedule"):
        parse("zzz(1, 2)")


@pytest.mark.parametrize(
    "text",
    [
        "(" * 10**6,
        "[" * 10**6,
        ")" * 10**6,
        "-" * 10**6,
        "- " * 90_000 + "constant_schedule(1)",
        "1" * 10**6,
        "1" * (10**6 - 1) + "x",
        "1e" + "1" * (10**6 - 3) + "x",
        "1" + "_1" * 499_999,
        "." * 10**6,
        "a" * 10**6,
        "a." * 499_999 + "a",
        "'" + "a" * (10**6 - 1),
        "'" + "\\" * (10**6 - 1),
        " " * 10**6,
        "\n" * 10**6,
        "1," * 500_000,
        "[" + "1," * 49_000 + "]",
        "constant_schedule(1)" + "+1" * 45_000,
        "constant_schedule(1)" * 24_000,
        "[" + "constant_schedule(1)," * 19_000 + "]",
        "{" + "'a':1," * 24_000 + "}",
        "array([" + "1," * 49_000 + "], dtype=float32)",
        "x" * (10**6 + 1),
    ],
    ids=lambda text: text[:12],
)
def test_hostile_texts_cost_little(text):
    tracemalloc.start()
    begin = time.process_time()
    with pytest.raises(ValueError, match=r"^(line [0-9]+, )?column [0-9]+") as caught:
        parse(text)
    seconds, (_, peak) = time.process_time() - begin, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(str(caught.value)) < 2000
    assert seconds < 15  # with the memory traced; a third of it without
    assert peak < 100e6
