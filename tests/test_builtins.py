"""Tools that need no server: dice, arithmetic, and the time."""

import json
import math
import random
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest

from apps.tools import parameters
from apps.tools.builtins import BUILTINS
from apps.tools.builtins.calculator import LONGEST, BadExpression, calculate
from apps.tools.builtins.dice import BadDice, roll
from apps.tools.results import Nowhere, Source, ToolFailed

# ── Dice ─────────────────────────────────────────────────────────────────────────────────────


def highest(sides: int) -> int:
    return sides - 1


@pytest.mark.parametrize(
    ("dice", "total", "rolls"),
    [
        ("d6", 6, [[6]]),
        ("3d6+2", 20, [[6, 6, 6]]),
        (" 3 d 6 - 2 ", 16, [[6, 6, 6]]),
        ("D20", 20, [[20]]),
        ("d%", 100, [[100]]),
        ("2d6+1d4-1", 15, [[6, 6], [4]]),
        ("-d6", -6, [[6]]),
        ("+d6", 6, [[6]]),
        ("5", 5, []),
        ("1d1", 1, [[1]]),
        ("100d1000000", 100_000_000, [[1_000_000] * 100]),
        ("+".join(["1"] * 20), 20, []),
    ],
)
def test_dice_are_read(dice: str, total: int, rolls: list[list[int]]) -> None:
    assert roll(dice, highest) == (total, rolls)


@pytest.mark.parametrize(
    ("dice", "total"), [("4d6kh3", 15), ("4d6kl1", 1), ("4D6KH1", 6), ("4d6kh4", 16), ("4d6kl3-1", 9)]
)
def test_some_dice_are_kept(dice: str, total: int) -> None:
    falls = iter([0, 5, 3, 4])  # 1, 6, 4, 5
    assert roll(dice, lambda sides: next(falls))[0] == total


@pytest.mark.parametrize(
    "dice",
    [
        *("", " ", "d", "6d", "hello", "d6d6", "3d6 2", "1 0d6", "--1", "1+", "+", "d6k3", "d6kx1", "1d6+2;"),
        *("0d6", "d0", "101d6", "d1000001", "99999d6", "2d6kh0", "2d6kh3", "d6.5", "1e9", "d-6", "(d6)*2"),
        *("٣d٦", "３d６", "d6\0", "+".join(["1"] * 21), "1" * 10, "9" * 100_000, "d" * 100_000, "\ud800"),
    ],
)
def test_what_is_no_dice_is_refused(dice: str) -> None:
    with pytest.raises(BadDice) as refused:
        roll(dice, highest)
    assert len(str(refused.value)) < 200


def test_dice_fall_on_every_side_and_no_other() -> None:
    below = random.Random(6).randrange
    falls = Counter(roll("d6", below)[0] for _ in range(6_000))
    assert set(falls) == {1, 2, 3, 4, 5, 6}
    assert all(800 < count < 1_200 for count in falls.values())
    assert all(3 <= roll("3d6", below)[0] <= 18 for _ in range(200))


# ── Arithmetic ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1 + 1", 2),
        ("(3 + 4) * 2", 14),
        ("7 / 2", 3.5),
        ("7 // 2", 3),
        ("-7 % 3", 2),
        ("2 ** 10", 1024),
        # As people write powers: they bind first, and from the right.
        ("2 + 3^2", 11),
        ("2 * 3^2", 18),
        ("2^3^2", 512),
        ("-2^2", -4),
        ("2^-1", 0.5),
        ("3 × 4 − 6 ÷ 2", 9),
        ("sqrt(2)", math.sqrt(2)),
        ("log(8, 2)", 3),
        ("ln(e)", 1),
        ("sin(pi / 2)", 1),
        ("hypot(3, 4)", 5),
        ("max(1, 2, 3) - min(4, 5)", -1),
        ("round(2.567, 2)", 2.57),
        ("round(2.5)", 2),
        ("round(1234, -2)", 1200),
        ("factorial(5)", 120),
        ("factorial(300) / factorial(298)", 89_700),
        ("1_000 + 0x10", 1016),
        ("1e3", 1000),
        ("  1  ", 1),
        ("10 ** 300", 10**300),
        ("2 ** 0.5", math.sqrt(2)),
        ("1 ** 99999999", 1),
        ("+--+3", 3),
    ],
)
def test_arithmetic(expression: str, value: float) -> None:
    found = calculate(expression)
    assert found == pytest.approx(value, rel=1e-12) if isinstance(value, float) else found == value
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize(
    "expression",
    [
        # What would not end.
        *("9**9**9", "9^9^9", "9**9**9**9", "(9**999)**999", "9.0**9**9", "factorial(10**9)", "factorial(401)"),
        *("round(5, -999999999)", "round(5, -10**300)", "round(5.0, 10**300)", "round(5, -1e9)", "2**-10**400"),
        *("factorial(factorial(factorial(9)))", "*".join(["9**999"] * 60), "10**400", "exp(1000)", "1e999"),
        # What is no number.
        *("1e999 - 1e999", "1e999", "-1e999", "1 / 0", "1 // 0", "1 % 0", "0 ** -1", "log(0)", "log(10, 1)"),
        *("(-8) ** (1/3)", "abs((-8) ** 0.5)", "1j", "1j * 1j", "sqrt(-1)", "asin(2)", "floor(1e999)"),
        # What is Python.
        *("().__class__", "().__class__.__bases__[0].__subclasses__()", "__import__('os')", "__import__", "open"),
        *("lambda: 1", "(lambda: 1)()", "'a' * 9", '"a"*9', "b'a'", "f'{1}'", "[1]", "(1, 2)", "{1: 2}", "{1}"),
        *("[x for x in (1, 2)]", "x := 1", "(x := 1)", "1 if 1 else 2", "1 < 2", "1 and 2", "not 1", "True", "None"),
        *("...", "max(*[1, 2])", "max(1, key=abs)", "max()", "max(1)", "abs", "sqrt", "sqrt(sqrt)", "pi()", "1()"),
        *("pi.real", "1 .real", "abs.__call__(1)", "1; 2", "1\n2", "import os", "a = 1", "~1", "1 << 9999", "1 @ 2"),
        *("1 & 1", "eval('1')", "await 1", "yield 1", "𝐞𝐱𝐞𝐜(1)", "print(1)", "exec(1)", "round(1, 2, 3)"),
        # What is nothing.
        *("", " ", "#", "(", ")", "1 +", "1 1", "\0", "1\0", "\ud800", "\\", "0x", "1__0", "１+１x"),
        # What is too much of anything.
        *("(" * 10_000 + "1" + ")" * 10_000, "(" * 249 + "1" + ")" * 249, "-" * 499 + "x", "9" * 10_000),
        *("1+" * 10_000 + "1", "[" * 499, "{" * 499, "abs(" * 120 + "x" + ")" * 120, "1" + "**1" * 160 + "x"),
    ],
)
@pytest.mark.filterwarnings("ignore::SyntaxWarning", "ignore::DeprecationWarning")
def test_what_cannot_be_worked_out_is_refused(expression: str) -> None:
    with pytest.raises(BadExpression) as refused:
        calculate(expression)
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize("expression", ["-" * (LONGEST - 1) + "1", "1" + "+1" * 249, "2" + "**1" * 150])
def test_what_is_long_may_be_worked_out_or_not(expression: str) -> None:
    with suppress(BadExpression):
        assert math.isfinite(calculate(expression))


# ── As tools ─────────────────────────────────────────────────────────────────────────────────


async def use(name: str, **arguments: Any) -> Any:
    builtin = BUILTINS[name]
    return (await builtin.run(parameters.validate(builtin.parameters, arguments), Nowhere())).raw


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "zone", ["Europe/Berlin", "UTC", "Asia/Kolkata", "America/Argentina/Buenos_Aires", "Etc/GMT+5"]
)
async def test_the_time_in_a_zone(zone: str) -> None:
    told = await use("time", zone=zone)
    assert told["zone"] == zone
    assert told["time"][10] == "T"
    assert told["weekday"].endswith("day")


@pytest.mark.asyncio
async def test_without_a_zone_it_is_utc() -> None:
    assert (await use("time"))["time"].endswith("+00:00")
    assert (await use("time", zone=""))["zone"] == "UTC"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "zone",
    [
        *("../../etc/passwd", "/etc/passwd", "..", ".", "/", "Europe", "Europe/", "Europe/../Europe/Berlin", "\\"),
        *(
            "Mars/Olympus",
            "Berlin",
            " Europe/Berlin",
            "Europe/Berlin\n",
            "tzdata.zi",
            "zone.tab",
            "__init__.py",
            "\x01",
        ),
        *("Europe//Berlin", "a/b/c/d", "a.b.c/d", "é", "x" * 100, "con", "NUL", "%s", "{0}"),
    ],
)
async def test_what_is_no_zone_is_told_apart(zone: str) -> None:
    with pytest.raises(ToolFailed) as failed:
        await use("time", zone=zone)
    assert failed.value.code == "bad_arguments"


@pytest.mark.parametrize("name", BUILTINS)
def test_arguments_of_builtins_are_bounded_and_have_a_schema(name: str) -> None:
    schema = BUILTINS[name].parameters
    parameters.check(schema)
    (argument,) = schema["properties"]
    for bad in ({argument: "x" * 1001}, {argument: 5}, {argument: None}, {argument: "\ud800"}, {"other": "x"}):
        with pytest.raises(parameters.BadArguments):
            parameters.validate(schema, bad)


@pytest.mark.asyncio
@pytest.mark.parametrize(("name", "arguments"), [("dice", {"dice": "d0"}), ("calculator", {"expression": "9**9**9"})])
async def test_what_is_refused_is_the_arguments_fault(name: str, arguments: dict[str, str]) -> None:
    with pytest.raises(ToolFailed) as failed:
        await use(name, **arguments)
    assert failed.value.code == "bad_arguments"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("knowledge", {"query": "clocks"}),
        ("remember", {"fact": "Likes tea."}),
        ("recall", {}),
        ("recall", {"query": "t"}),
    ],
)
async def test_some_need_a_conversation(name: str, arguments: dict[str, str]) -> None:
    with pytest.raises(ToolFailed) as failed:
        await use(name, **arguments)
    assert failed.value.code == "needs_conversation"


class Study:
    """A conversation with one passage and one fact, if any."""

    def __init__(self, *texts: str) -> None:
        self.texts = list(texts)

    async def search(self, query: str, limit: int) -> Sequence[Source]:
        return [Source(id=f"p{number}", title="Clocks", text=text) for number, text in enumerate(self.texts)][:limit]

    async def remember(self, fact: str) -> str:
        self.texts.append(fact)
        return "It is kept."

    async def recall(self, query: str) -> Sequence[str]:
        return [text for text in self.texts if query in text]


@pytest.mark.asyncio
async def test_what_they_ask_of_a_conversation() -> None:
    study = Study("They tick.")
    found = await BUILTINS["knowledge"].run({"query": "ticking"}, study)
    assert json.loads(found.text) == [{"title": "Clocks", "text": "They tick."}]
    assert [source["id"] for source in found.sources] == ["p0"]
    assert (await BUILTINS["remember"].run({"fact": "Likes tea."}, study)).text == "It is kept."
    assert (await BUILTINS["recall"].run({"query": "tea"}, study)).raw == ["Likes tea."]
    assert (await BUILTINS["recall"].run({"query": "coffee"}, study)).text == "Nothing is known yet."
    assert (await BUILTINS["knowledge"].run({"query": "x"}, Study())).text == "Nothing was found."
