"""An evaluator of workflow expressions, `${{ ... }}`, for the syntax that we use.

Unknown syntax is an error: a guess would make the tests meaningless.
"""

import glob
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<name>[A-Za-z_][\w-]*)|(?P<sign>==|!=|&&|\|\||[().,\[\]*!]))"
)
LITERALS = {"true": True, "false": False, "null": None}
EMBEDDED = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
STATUS = ("always", "cancelled", "failure", "success")


class Unknown(AssertionError):
    """An expression that is invalid or not supported by this module."""


class Missing(dict[str, Any]):
    """A part of the event without a value; its parts have no value either."""


Functions = Mapping[str, Callable[..., Any]]

# Functions that do not depend on the run.
FUNCTIONS: Functions = {
    "fromJSON": json.loads,
    "join": lambda values, by=",": by.join(map(text, values)),
    "toJSON": json.dumps,
}


def fill(value: Any, contexts: Mapping[str, Any], functions: Functions) -> Any:
    """Replace all expressions in a text, or in the texts of a mapping.

    Args:
        value: A value from a workflow.
        contexts: Values by name, such as `github`.
        functions: By name, such as `hashFiles`.

    Returns:
        The value with expressions replaced. A text that is one expression becomes
        the value of that expression; otherwise it stays a text.
    """
    if isinstance(value, Mapping):
        return {name: fill(item, contexts, functions) for name, item in value.items()}
    if not isinstance(value, str):
        return value
    whole = EMBEDDED.fullmatch(value.strip())
    if whole and value.count("${{") == 1:
        return evaluate(whole[1], contexts, functions)
    return EMBEDDED.sub(
        lambda found: text(evaluate(found[1], contexts, functions)), value
    )


def condition(value: Any, contexts: Mapping[str, Any], functions: Functions) -> bool:
    """Evaluate an `if:`; without a status function it also requires success()."""
    whole = EMBEDDED.fullmatch(str(value).strip())
    expression = whole[1] if whole else str(value)
    answer = truth(evaluate(expression, contexts, functions))
    names = {found["name"] for found in TOKEN.finditer(expression)}
    return answer and (bool(names & {*STATUS}) or bool(functions["success"]()))


def text(value: Any) -> str:
    """Convert a value to text as a workflow does."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None or isinstance(value, Missing) else str(value)


def truth(value: Any) -> bool:
    """Return whether a value counts as true."""
    return not (value in (False, None, 0, "") or isinstance(value, Missing))


def hash_files(folder: Path, *patterns: str) -> str:
    """Return a hash of all files that match, or an empty text if none does."""
    names = {
        name
        for pattern in patterns
        for name in glob.glob(pattern, root_dir=folder, recursive=True)
    }
    content = b"".join((folder / name).read_bytes() for name in sorted(names))
    return hashlib.sha256(content).hexdigest() if names else ""


def evaluate(expression: str, contexts: Mapping[str, Any], functions: Functions) -> Any:
    """Return the value of an expression.

    Args:
        expression: Without the braces around it.
        contexts: Values by name.
        functions: By name.

    Returns:
        The value of the expression.

    Raises:
        Unknown: It is invalid or uses an undefined name.
    """
    tokens = []
    position = 0
    while expression[position:].strip():
        found = TOKEN.match(expression, position)
        if not found:
            raise Unknown(f"not understood: {expression[position:]!r}")
        tokens.append(found)
        position = found.end()
    reader = _Reader(expression, tokens, contexts, functions)
    value = reader.either()
    if reader.tokens:
        raise Unknown(f"not understood: {expression!r}")
    return value


class _Reader:
    """Recursive-descent parser; each method handles one level of precedence."""

    def __init__(
        self,
        expression: str,
        tokens: list[re.Match[str]],
        contexts: Mapping[str, Any],
        functions: Functions,
    ) -> None:
        self.expression = expression
        self.tokens = tokens
        self.contexts = contexts
        self.functions = functions
        self.idle = 0  # depth of operands that are skipped by short circuit

    def either(self) -> Any:
        value = self.both()
        while self.takes("||"):
            other = self.read(self.both, needed=not truth(value))
            value = value if truth(value) else other
        return value

    def both(self) -> Any:
        value = self.comparison()
        while self.takes("&&"):
            other = self.read(self.comparison, needed=truth(value))
            value = other if truth(value) else value
        return value

    def read(self, level: Callable[[], Any], *, needed: bool) -> Any:
        """Parse an operand; skip its evaluation if it is not needed."""
        self.idle += not needed
        value = level()
        self.idle -= not needed
        return value

    def comparison(self) -> Any:
        value = self.negation()
        for sign in ("==", "!="):
            if self.takes(sign):
                return self.equal(value, self.negation()) == (sign == "==")
        return value

    def equal(self, left: Any, right: Any) -> bool:
        if isinstance(left, str) and isinstance(right, str):
            return left.lower() == right.lower()
        if isinstance(left, Missing) or isinstance(right, Missing):
            # A missing value equals only the empty text.
            return text(left) == text(right)
        kinds = [float if type(v) is int else type(v) for v in (left, right)]
        if kinds[0] is not kinds[1]:
            raise Unknown(f"{left!r} and {right!r} compared: {self.expression!r}")
        return bool(left == right)

    def negation(self) -> Any:
        if self.takes("!"):
            return not truth(self.negation())
        return self.value()

    def value(self) -> Any:
        if self.takes("("):
            value = self.either()
            self.needs(")")
            return value
        if not self.tokens:
            raise Unknown(f"something is missing: {self.expression!r}")
        token = self.tokens.pop(0)
        if token["string"]:
            return token["string"][1:-1].replace("''", "'")
        if token["number"]:
            return float(token["number"])
        name = token["name"]
        if name in LITERALS:
            return LITERALS[name]
        if name in self.functions and self.takes("("):
            arguments = self.arguments()
            return Missing() if self.idle else self.functions[name](*arguments)
        if name not in self.contexts:
            raise Unknown(f"no {name!r} here: {self.expression!r}")
        value = self.contexts[name]
        while self.takes("."):
            value = self.part(value)
        return value

    def part(self, value: Any) -> Any:
        if self.takes("*"):
            self.needs(".")
            name = self.tokens.pop(0)["name"]
            return [item[name] for item in value.values()]
        name = self.tokens.pop(0)["name"] if self.tokens else None
        if isinstance(value, Missing):
            return value.get(str(name), Missing())
        if not isinstance(value, Mapping) or name not in value:
            raise Unknown(f"no {name!r} in {value!r}: {self.expression!r}")
        return value[name]

    def arguments(self) -> list[Any]:
        values: list[Any] = []
        while not self.takes(")"):
            if values:
                self.needs(",")
            values.append(self.either())
        return values

    def takes(self, sign: str) -> bool:
        if self.tokens and self.tokens[0]["sign"] == sign:
            self.tokens.pop(0)
            return True
        return False

    def needs(self, sign: str) -> None:
        if not self.takes(sign):
            raise Unknown(f"no {sign!r} where it should be: {self.expression!r}")
