"""The text form of a schedule, read back.

A reader of its own, not Python's: it knows calls, literals and the four operators, takes time in
proportion to the text, and there is nothing in it that could run code.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from typing import Any, NamedTuple

from jaxsched._config.build import Builder
from jaxsched._config.horizon import Horizon
from jaxsched._config.registry import Factories, shown
from jaxsched._config.value import MAX_DEPTH, MAX_PIECES, Item, array, as_schedule, check_integer
from jaxsched._core.frozen import FrozenDict
from jaxsched._core.schedule import Schedule
from jaxsched._core.shape import ShapeForm

MAX_CHARACTERS = 1_000_000
_TOKEN = r"""(?P<space>\s+)
      | (?P<number>(?>[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?>(?:[eE][+-]?[0-9]+)?)(?![\w.]))
      | (?P<name>[^\W\d]\w*+(?:\.[^\W\d]\w*+)*+)
      | (?P<string>'[^'\\\n]*+(?:\\.[^'\\\n]*+)*+'|"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+")
      | (?P<sign>[-+*/()\[\]{},:=])"""
_ESCAPE = r"(?i)\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|(.))"
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", "'": "'", '"': '"'}
_CONSTANTS = {"True": True, "False": False, "None": None, "inf": math.inf, "nan": math.nan}
_OPERATIONS = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide"}
_CLOSING = {"(": ")", "[": "]", "{": "}"}


def parse(text: str, *, horizon: Horizon | None = None, factories: Factories = ()) -> Schedule:
    """The schedule that a text describes: what ``repr`` prints, and what one would type.

    The text holds calls of jaxsched's schedules and registered ones, with arguments by position or by
    name; numbers, quoted texts, lists, dicts, ``array([...], dtype=float32)``, ``True``, ``False`` and
    ``None``; and ``+ - * /`` with a schedule on at least one side. It is never evaluated as code, and no
    other name means anything. A number alone is a constant schedule.

    Args:
      text: at most a million characters, 100 000 words, and 64 brackets within brackets.
      horizon: what durations (``decay_steps="5 epochs"``) are resolved with; see :class:`Horizon`.
      factories: schedules of your own that this text may name, besides the registered ones: a sequence
        of factories, or a mapping from name to factory.

    Returns:
      The schedule; ``parse(repr(s)) == s``.

    Raises:
      ValueError: anything is wrong. The message begins with the column and what stands there.
      TypeError: ``text`` is not a string.

    Example:
      >>> import jaxsched
      >>> jaxsched.parse("cosine_decay_schedule(1e-3, decay_steps=10_000)")
      cosine_decay_schedule(init_value=0.001, decay_steps=10000)
      >>> jaxsched.parse("0.5 * linear_schedule(0.0, 1.0, '3%')", horizon=jaxsched.Horizon(steps=1000))
      multiply(a=0.5, b=linear_schedule(init_value=0.0, end_value=1.0, transition_steps=30))
      >>> jaxsched.parse("linear_schedule(0.0, 1.0, transition_step=10)")
      Traceback (most recent call last):
      ValueError: column 43 ('10'): linear_schedule has no argument 'transition_step'; did you mean \
'transition_steps' or 'transition_begin'? It has init_value, end_value, transition_steps, transition_begin
    """
    if not isinstance(text, str):
        raise TypeError(f"parse: text must be a string, got {shown(text)}")
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"column {MAX_CHARACTERS + 1}: more than {MAX_CHARACTERS} characters")
    parser = _Parser(text, horizon, factories)
    item = parser.expression()
    parser.end()
    return as_schedule(item, parser.builder.fail, parser.builder.names)


class _Token(NamedTuple):
    kind: str
    text: str
    start: int


class _Parser:
    """Recursive descent over the tokens of one text; places are (start, end)."""

    def __init__(self, text: str, horizon: Horizon | None, factories: Factories):
        self.text, self.position = text, 0
        self.lines = [0, *(match.end() for match in re.finditer("\n", text))]
        self.builder = Builder(self._describe, horizon, factories)
        self.tokens = self._tokens()

    def _describe(self, place: tuple[int, int], name: str, argument: str) -> str:
        start, end = place
        line = bisect_right(self.lines, start)
        column = f"line {line}, column" if len(self.lines) > 1 else "column"
        snippet = self.text[start : min(end, start + 61)]
        snippet = snippet if len(snippet) <= 60 else snippet[:57] + "..."
        where = f"{column} {start - self.lines[line - 1] + 1} ({snippet!r})"
        return f"{where}: {name}: {argument}" if name else where

    def _tokens(self) -> list[_Token]:
        """All tokens, with the nesting of the brackets checked before anything is built."""
        text, start, tokens, stack = self.text, 0, [], []
        pattern = re.compile(_TOKEN, re.VERBOSE)  # at the first use: it takes milliseconds
        while start < len(text):
            match = pattern.match(text, start)
            if match is None:
                raise self.builder.fail((start, start + 10), "is not understood")
            kind, word = match.lastgroup or "", match.group()
            if kind != "space":
                tokens.append(_Token(kind, word, start))
            if kind == "sign" and word in _CLOSING:
                stack.append(_CLOSING[word])
            elif kind == "sign" and word in ")]}" and (not stack or stack.pop() != word):
                raise self.builder.fail((start, start + 1), "closes no bracket")
            if len(stack) > MAX_DEPTH or len(tokens) > MAX_PIECES:
                bound = f"{MAX_DEPTH} levels" if len(stack) > MAX_DEPTH else f"{MAX_PIECES} words"
                raise self.builder.fail((start, start + 1), f"more than {bound}")
            start = match.end()
        tokens.append(_Token("end", "", len(text)))
        return tokens

    def fail(self, token: _Token, message: str) -> ValueError:
        return self.builder.fail((token.start, token.start + len(token.text)), message)

    def expected(self, what: str) -> ValueError:
        token = self.tokens[self.position]
        found = "the text ends" if token.kind == "end" else f"{shown(token.text)} stands"
        return self.fail(token, f"{found} where {what} must stand")

    def peek(self, *signs: str) -> bool:
        token = self.tokens[self.position]
        return token.kind == "sign" and token.text in signs

    def take(self) -> _Token:
        self.position += 1
        return self.tokens[self.position - 1]

    def end(self) -> None:
        if self.tokens[self.position].kind != "end":
            raise self.expected("an operator or the end")

    def place_from(self, start: int) -> tuple[int, int]:
        last = self.tokens[self.position - 1]
        return start, last.start + len(last.text)

    def expression(self) -> Item:
        left = self.term()
        while self.peek("+", "-"):
            left = self.operation(left, self.take(), self.term())
        return left

    def term(self) -> Item:
        left = self.factor()
        while self.peek("*", "/"):
            left = self.operation(left, self.take(), self.factor())
        return left

    def operation(self, left: Item, sign: _Token, right: Item) -> Item:
        if not isinstance(left.value, Schedule) and not isinstance(right.value, Schedule):
            raise self.fail(sign, "needs a schedule on one side; write the result of two numbers")
        place = self.place_from(left.place[0])
        return self.builder.call(_OPERATIONS[sign.text], [left, right], {}, place)

    def factor(self) -> Item:
        signs = []
        while self.peek("-", "+"):
            signs.append(self.take())
        item = self.atom()
        for sign in reversed(signs):
            place = self.place_from(sign.start)
            if isinstance(item.value, Schedule):
                minus = [Item(-1.0, place), item]
                item = self.builder.call("multiply", minus, {}, place) if sign.text == "-" else item
            elif type(item.value) in (int, float):
                item = Item(-item.value if sign.text == "-" else item.value, place)
            else:
                raise self.fail(sign, "needs a schedule or a number behind it")
        return item

    def atom(self) -> Item:
        token = self.tokens[self.position]
        place = token.start, token.start + len(token.text)
        if token.kind == "number":
            return Item(self.number(self.take()), place)
        if token.kind == "string":
            return Item(self.string(self.take()), place)
        if token.kind == "name":
            self.take()
            return self.call(token) if self.peek("(") else Item(self.constant(token), place)
        if self.peek("(", "[", "{"):
            return self.bracket()
        raise self.expected("a schedule or a value")

    def number(self, token: _Token) -> int | float:
        try:
            if len(token.text) > 500:
                raise ValueError
            if token.text.replace("_", "").isdigit():
                return check_integer(int(token.text, 0))
            if math.isfinite(number := float(token.text)):
                return number
        except ValueError:
            pass
        raise self.fail(token, "is no number, or one with too many digits or beyond float64")

    def string(self, token: _Token) -> str:
        def unescape(match: re.Match[str]) -> str:
            code, letter = match[1] or match[2] or match[3], match[4]
            if code and int(code, 16) <= 0x10FFFF:
                return chr(int(code, 16))
            if letter not in _ESCAPED:
                raise self.fail(token, f"{match[0]} is no escape that is understood")
            return _ESCAPED[letter]

        return re.sub(_ESCAPE, unescape, token.text[1:-1])

    def constant(self, token: _Token) -> Any:
        if token.text in _CONSTANTS:
            return _CONSTANTS[token.text]
        names = self.builder.names
        try:
            factory: Any = names.find(token.text)
        except ValueError as error:
            raise self.fail(token, str(error)) from None
        is_shape = isinstance(factory.form, ShapeForm)
        message = f"is a {'shape' if is_shape else 'schedule'}'s name without its arguments (...)"
        raise self.fail(token, message + names.instead_of(factory.form))

    def call(self, name: _Token) -> Item:
        positional, named = [], {}
        self.take()
        while not self.peek(")"):
            token = self.take()
            if token.kind == "name" and self.peek("="):
                self.take()
                if token.text in named:
                    raise self.fail(token, "is given twice")
                named[token.text] = self.dtype() if name.text == "array" else self.expression()
            elif named:
                raise self.fail(token, "has no name, but stands behind an argument that has one")
            else:
                self.position -= 1
                positional.append(self.expression())
            self.separator(")")
        self.take()
        place = self.place_from(name.start)
        if name.text != "array":
            return self.builder.call(name.text, positional, named, place)
        if len(positional) != 1 or set(named) != {"dtype"}:
            raise self.builder.fail(place, "an array is written array([...], dtype=float32)")
        try:
            value = array(positional[0].value, named["dtype"].value)
        except ValueError as error:
            raise self.builder.fail(place, error) from None
        return self.builder.bounded(Item(value, place, positional[0].depth + 1))

    def dtype(self) -> Item:
        """The bare or quoted name of a number's type."""
        token = self.tokens[self.position]
        if token.kind != "name":
            return self.expression()
        self.take()
        return Item(token.text, self.place_from(token.start))

    def separator(self, closing: str) -> None:
        if self.peek(","):
            self.take()
        elif not self.peek(closing):
            raise self.expected(f"a comma or {closing!r}")

    def bracket(self) -> Item:
        """A list, a dict, a tuple (read as a list), or an expression in parentheses."""
        opening = self.take()
        closing, items, keys, comma = _CLOSING[opening.text], [], [], False
        while not self.peek(closing):
            items.append(self.expression())
            if opening.text == "{":
                keys.append(items.pop())
                if not self.peek(":"):
                    raise self.expected("':'")
                self.take()
                items.append(self.expression())
            comma = self.peek(",")
            self.separator(closing)
        self.take()
        place = self.place_from(opening.start)
        if opening.text == "(" and len(items) == 1 and not comma:
            return items[0]._replace(place=place)
        value: Any = tuple(item.value for item in items)
        if opening.text == "{":
            value = self.mapping(keys, value)
        depth = 1 + max((item.depth for item in (*items, *keys)), default=0)
        return self.builder.bounded(Item(value, place, depth))

    def mapping(self, keys: list[Item], values: tuple[Any, ...]) -> FrozenDict:
        seen = set()
        for key in keys:
            if isinstance(key.value, (str, int, float)):
                if key.value in seen:
                    raise self.builder.fail(key.place, "the key stands here twice")
                seen.add(key.value)
        return FrozenDict(zip((key.value for key in keys), values, strict=True))
