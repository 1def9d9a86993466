"""Arithmetic as people write it, without anything else of Python and without numbers beyond measure."""

import ast
import math
import operator
from collections.abc import Callable
from typing import Any

LONGEST = 500
# Bits of a whole number: a power of powers comes to an end.
MOST_BITS = 4_000
MOST_DIGITS = 400

NOT_REAL = "It has no finite value among the real numbers."

Number = int | float


class BadExpression(ValueError):
    pass


def _power(base: Number, exponent: Number) -> Any:
    if isinstance(base, int) and isinstance(exponent, int) and abs(exponent) * max(base.bit_length(), 1) > MOST_BITS:
        return float(base) ** exponent
    return base**exponent


def _rounded(number: Number, digits: Number = 0) -> Any:
    # Python makes a number of as many digits.
    if abs(digits) > MOST_DIGITS:
        raise BadExpression(f"Numbers are rounded to at most {MOST_DIGITS} digits.")
    return round(number, int(digits)) if digits else round(number)


def _factorial(number: Number) -> int:
    if not isinstance(number, int) or not 0 <= number <= 400:
        raise BadExpression("Factorials are of whole numbers from 0 to 400.")
    return math.factorial(number)


BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
}
UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {ast.UAdd: operator.pos, ast.USub: operator.neg}
NAMES: dict[str, Number] = {"pi": math.pi, "e": math.e, "tau": math.tau}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: getattr(math, name) for name in ("sqrt", "exp", "log", "log2", "log10", "floor", "ceil", "hypot")},
    **{name: getattr(math, name) for name in ("sin", "cos", "tan", "asin", "acos", "atan", "degrees", "radians")},
    "ln": math.log,
    "abs": abs,
    "round": _rounded,
    "min": min,
    "max": max,
    "factorial": _factorial,
}
SIGNS = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-", "^": "**"})


def calculate(expression: str) -> Number:
    """Raises BadExpression, which says why."""
    if len(expression) > LONGEST:
        raise BadExpression(f"It is longer than {LONGEST} characters.")
    try:
        value: Any = _value(ast.parse(expression.strip().translate(SIGNS), mode="eval").body)
        if not math.isfinite(value):
            raise BadExpression(NOT_REAL)
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError) as error:
        if isinstance(error, BadExpression):
            raise
        raise BadExpression("This could not be worked out: write it as 2 * (3 + 4) ** 2 or sqrt(2) / 3.") from error
    except ZeroDivisionError as error:
        raise BadExpression("It divides by zero.") from error
    except OverflowError as error:
        raise BadExpression("Its value is too large.") from error
    return int(value) if isinstance(value, int) else float(value)


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=bool()):
            pass
        case ast.Constant(value=int() | float() as number):
            return _bounded(number)
        case ast.BinOp(left, operation, right) if type(operation) in BINARY:
            return _bounded(BINARY[type(operation)](_value(left), _value(right)))
        case ast.UnaryOp(operation, operand) if type(operation) in UNARY:
            return UNARY[type(operation)](_value(operand))
        case ast.Name(id=name) if name in NAMES:
            return NAMES[name]
        case ast.Call(func=ast.Name(id=name), args=given, keywords=[]) if name in FUNCTIONS:
            return _bounded(FUNCTIONS[name](*map(_value, given)))
    raise BadExpression(f"Only numbers, + - * / // % ** and these are known: {', '.join([*NAMES, *FUNCTIONS])}.")


def _bounded(value: Any) -> Any:
    if isinstance(value, complex):
        raise BadExpression(NOT_REAL)
    if isinstance(value, int) and value.bit_length() > MOST_BITS:
        raise OverflowError
    return value
