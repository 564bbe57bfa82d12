"""jq, and the only module that runs it: one program for a batch of rows and all expressions of a resource.

A batch goes in as `[$window, [row, ...]]`, once serialised and shared by all programs that read it. For each row a
program gives the outputs of all its expressions; a row that fails is run again, expression by expression, to name the
one that failed. Serialising a row once per expression instead costs about ten times as much (benchmarks/).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jq

from portcfg.errors import PortcfgError
from portcfg.sync import jq_text

BATCH_ROWS = 500
RESERVED_VARIABLES = frozenset({"window", "page", "lookup", "ENV", "portcfg_now", "portcfg_query"})
# How jq's messages show values.
_VALUE = re.compile(r"\b(string|number|object|array|boolean) \(.*?\)(?= (?:and|as|cannot|is not)\b|$)", re.DOTALL)
_DATE = re.compile(r'\bdate ".*"(?= does not match)', re.DOTALL)
_PARSED = re.compile(r" \(while parsing .*\)$", re.DOTALL)
# Ocean's way to keep the environment out, on top of the refusal in jq_text; `now` is the run's frozen clock. jq's own
# ascii_downcase takes every text apart; most e-mails need nothing done, and so take a sixth of the time.
_GUARD = (
    "def env: {}; {} as $ENV | def now: $portcfg_now; "
    'def ascii_downcase: if test("[A-Z]") then explode | map(if 65 <= . and . <= 90 then . + 32 else . end) | implode '
    "else . end; "
)


@dataclass(frozen=True)
class Scope:
    """What every expression of a run sees: the variables, and `now` in epoch seconds."""

    variables: Mapping[str, Any] = field(default_factory=dict)
    now: float = 0.0

    def args(self) -> dict[str, Any]:
        """The variables in the form that jq takes."""
        return {"lookup": {}, **self.variables, "portcfg_now": self.now}


@dataclass(frozen=True)
class RowError:
    """Why one row could not be mapped; `expression` names the property, key or field that failed."""

    expression: str
    message: str

    @property
    def text(self) -> str:
        """Both."""
        return f"{self.expression}: {self.message}"


class JqError(PortcfgError):
    """An expression that doesn't compile or can't run."""


def compiled(program: str, scope: Scope) -> Any:
    """The program ready to run; raises JqError with jq's own first line."""
    try:
        return jq.compile(_GUARD + program, args=scope.args())
    except ValueError as error:
        raise JqError(f"`{program.strip()}` doesn't compile: {_first_line(error)}") from None


def syntax_error(expression: str, names: Iterable[str] = ()) -> str:
    """What jq says against an expression that may use `$window`, `$page`, `$lookup` and `names`, or ''."""
    args = dict.fromkeys([*names, "window", "page", "lookup", "portcfg_now"])
    try:
        jq.compile(f"{_GUARD}({expression}\n)", args=args)
    except ValueError as error:
        return _first_line(error)
    return ""


def _first_line(error: Exception) -> str:
    text = str(error).strip().splitlines() or ["no message"]
    return _without_values(text[0].removeprefix("jq: error: ").split(" at <top-level>")[0])


def _without_values(message: str) -> str:
    """jq shows the value that it stumbled over, which may be personal and ends in a log: what is left is its type."""
    return _PARSED.sub("", _DATE.sub("date", _VALUE.sub(r"\1", message)))


class Expression:
    """One expression over one value, run with `$window` and `$page`: bodies, totals, data paths."""

    def __init__(self, expression: str, scope: Scope) -> None:
        self.text = expression
        self._path = expression.split(".")[1:] if jq_text.plain_path(expression) else None
        self._program = compiled(f".[0] as $window | .[1] as $page | .[2] | ({expression}\n)", scope)

    def one(self, value: Any, window: Any = None, page: Any = None) -> Any:
        """Its only output; raises JqError when there is none, several, or jq fails."""
        if self._path is not None and isinstance(value, dict):
            return self._walk(value)
        outputs = self.outputs(value, window, page)
        if len(outputs) != 1:
            raise JqError(f"`{self.text}` gave {len(outputs)} values where one is due")
        return outputs[0]

    def outputs(self, value: Any, window: Any = None, page: Any = None) -> list[Any]:
        """All outputs."""
        try:
            return list(self._program.input_value([window, page, value]).all())
        except ValueError as error:
            raise JqError(f"`{self.text}`: {_first_line(error)}") from None

    def _walk(self, value: Any) -> Any:
        """The plain path, without the cost of handing a whole page to jq."""
        for key in self._path or ():
            if value is not None and not isinstance(value, dict):
                raise JqError(f"`{self.text}`: there is no `{key}` in a {type(value).__name__}")
            value = value.get(key) if value else None
        return value


class RowExpander:
    """An expression that makes zero or more rows of each row."""

    def __init__(self, expression: str, scope: Scope) -> None:
        self._program = compiled(f".[0] as $window | .[1] | map(try [({expression}\n)] catch {{error: .}})", scope)

    def run(self, batch: str) -> list[list[Any] | RowError]:
        """For each row of the serialised batch its new rows, or why there are none."""
        return [_expanded(result) for result in _batch_results(self._program, batch)]


def _batch_results(program: Any, batch: str) -> list[Any]:
    """One result a row. A row that jq can't even take, such as one with half a character, is an error of its own."""
    try:
        return list(program.input_text(batch).first())
    except ValueError as error:
        window, rows = json.loads(batch)
        if len(rows) == 1:
            return [{"error": f"jq can't take the row: {_first_line(error)}"}]
        half = len(rows) // 2
        parts = (batch_text(window, rows[:half]), batch_text(window, rows[half:]))
        return [result for part in parts for result in _batch_results(program, part)]


def _expanded(result: Any) -> list[Any] | RowError:
    return RowError("rows", _without_values(str(result["error"]))) if isinstance(result, dict) else result


@dataclass(frozen=True)
class RowValues:
    """The first output of each expression for one row, in order; `several` names those that had more than one."""

    values: list[Any]
    empty: tuple[str, ...] = ()
    several: tuple[str, ...] = ()


class RowProgram:
    """All expressions of one resource in one program. `query` keeps the rows for which it is `true`."""

    def __init__(self, slots: Mapping[str, str], scope: Scope, query: str = "true") -> None:
        self._names = tuple(slots)
        self._single = tuple(jq_text.one_output(text) for text in slots.values())
        self._slots = dict(slots)
        self._scope = scope
        self._query = query
        items = ", ".join(self._item(text) for text in slots.values())
        self._program = compiled(
            f".[0] as $window | .[1] | map(try ({self._selected(f'[{items}]')}) catch {{error: .}})", scope
        )
        self._diagnosis: Any = None

    def _item(self, text: str) -> str:
        # What may have no output or several is collected, since `empty` is not null.
        return f"({text})" if jq_text.one_output(text) else f"[({text}\n)]"

    def _selected(self, result: str) -> str:
        if self._query == "true":
            return result
        return (
            f"[({self._query}\n)] as $portcfg_query | if $portcfg_query == [true] then {result} "
            f'elif $portcfg_query == [false] then false else error("query gave " + ($portcfg_query | tojson) + '
            f'" where [true] or [false] is due") end'
        )

    def run(self, batch: str) -> list[RowValues | RowError | None]:
        """For each row its values, its error, or None when the query leaves it out."""
        results = _batch_results(self._program, batch)
        rows: list[Any] | None = None
        found: list[RowValues | RowError | None] = []
        for index, result in enumerate(results):
            if result is False:
                found.append(None)
            elif isinstance(result, dict):
                rows = json.loads(batch) if rows is None else rows
                found.append(self._diagnose(rows[0], rows[1][index], result["error"]))
            else:
                found.append(self._values(result))
        return found

    def _values(self, result: list[Any]) -> RowValues:
        values: list[Any] = []
        several: list[str] = []
        empty: list[str] = []
        for name, single, value in zip(self._names, self._single, result, strict=True):
            if single:
                values.append(value)
                continue
            values.append(value[0] if value else None)
            if len(value) != 1:
                (several if value else empty).append(name)
        return RowValues(values, tuple(empty), tuple(several))

    def _diagnose(self, window: Any, row: Any, message: Any) -> RowError:
        if self._diagnosis is None:
            items = ", ".join(f"(try ([({text}\n)] | false) catch {{error: .}})" for text in self._slots.values())
            self._diagnosis = compiled(f".[0] as $window | .[1][0] | [{items}]", self._scope)
        try:
            results = self._diagnosis.input_value([window, [row]]).first()
        except ValueError:
            return RowError("row", _without_values(str(message)))
        for name, result in zip(self._names, results, strict=True):
            if result:
                return RowError(name, _without_values(str(result["error"])))
        return RowError("query", _without_values(str(message)))


def batch_text(window: Any, rows: Sequence[Any]) -> str:
    """The input of RowProgram and RowExpander."""
    return json.dumps([window, rows], ensure_ascii=False, separators=(",", ":"))
