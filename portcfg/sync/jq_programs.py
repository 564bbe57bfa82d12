"""jq, and the only module that runs it: one program for a batch of rows and all expressions of a resource.

Where all expressions of a program can be, they are run as Python closures (see jq_closures), and libjq gets only the
rows on which these aren't sure: the results are the same. To libjq a batch goes as `[$window, [row, ...]]`, serialised
once for all programs that need it. For each row a program gives the outputs of all its expressions; a row that fails is
run again, expression by expression, to name the one that failed. Serialising a row once per expression instead costs
about ten times as much (benchmarks/).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import jq

from portcfg.errors import PortcfgError
from portcfg.sync import jq_text
from portcfg.sync.jq_closures import Closures, closures, known_variables
from portcfg.sync.jq_values import UnsureError

Result = TypeVar("Result")

BATCH_ROWS = 500
RESERVED_VARIABLES = frozenset({"window", "page", "lookup", "ENV", "portcfg_now", "portcfg_query"})
# How jq's messages show values.
_VALUE = re.compile(r"\b(string|number|object|array|boolean) \(.*?\)(?= (?:and|as|cannot|is not)\b|$)", re.DOTALL)
_DATE = re.compile(r'\bdate ".*"(?= does not match)', re.DOTALL)
_PARSED = re.compile(r" \(while parsing .*\)$", re.DOTALL)
# Ocean's way to keep the environment out, on top of the refusal in jq_text; `now` is the run's frozen clock. jq's own
# ascii_downcase takes every text apart; most e-mails need nothing done, and so take a sixth of the time.
GUARD = (
    "def env: {}; {} as $ENV | def now: $portcfg_now; "
    'def ascii_downcase: if test("[A-Z]") then explode | map(if 65 <= . and . <= 90 then . + 32 else . end) | implode '
    "else . end; "
)


@dataclass(frozen=True)
class Scope:
    """What every expression of a run sees: the variables, and `now` in epoch seconds."""

    variables: Mapping[str, Any] = field(default_factory=dict)
    now: float = 0.0

    @property
    def names(self) -> set[str]:
        """What the expressions of a row may name."""
        return {"lookup", "window", *self.variables}

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
        return jq.compile(GUARD + program, args=scope.args())
    except ValueError as error:
        raise JqError(f"`{program.strip()}` doesn't compile: {first_line(error)}") from None


def first_line(error: Exception) -> str:
    """What jq says, without the values that it stumbled over."""
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
            raise JqError(f"`{self.text}`: {first_line(error)}") from None

    def _walk(self, value: Any) -> Any:
        """The plain path, without the cost of handing a whole page to jq."""
        for key in self._path or ():
            if value is not None and not isinstance(value, dict):
                raise JqError(f"`{self.text}`: there is no `{key}` in a {type(value).__name__}")
            value = value.get(key) if value else None
        return value


@dataclass(frozen=True)
class Batch:
    """Rows of one window, the input of RowProgram and RowExpander."""

    window: Any
    rows: list[Any]

    @cached_property
    def text(self) -> str:
        """The same for libjq, serialised when first needed."""
        return json.dumps([self.window, self.rows], ensure_ascii=False, separators=(",", ":"))


def _row_by_row(
    batch: Batch,
    closure: Callable[[Any, dict[str, Any]], Result],
    scope: Scope,
    by_jq: Callable[[Batch], Iterable[Result]],
) -> list[Result]:
    """What the closure gives for each row, or libjq where it isn't sure."""
    known = known_variables({"lookup": {}, **scope.variables}, scope.now, batch.window)
    found: dict[int, Result] = {}
    unsure: list[int] = []
    for number, row in enumerate(batch.rows):
        try:
            found[number] = closure(row, known)
        except (UnsureError, RecursionError):
            unsure.append(number)
    if unsure:
        left = batch if len(unsure) == len(batch.rows) else Batch(batch.window, [batch.rows[n] for n in unsure])
        found.update(zip(unsure, by_jq(left), strict=True))
    return [found[number] for number in range(len(batch.rows))]


class RowExpander:
    """An expression that makes zero or more rows of each row."""

    def __init__(self, expression: str, scope: Scope) -> None:
        self._expression = expression
        self._scope = scope
        made = closures([f"[({expression}\n)]"], scope.names)
        # What closures can't run is compiled at once, so that a mistake in it shows now.
        self._closure = made.runs[0] if made else None
        if not made:
            _ = self._program

    def run(self, batch: Batch) -> list[list[Any] | RowError]:
        """For each row its new rows, or why there are none."""
        if self._closure is None:
            return self._by_jq(batch)
        return _row_by_row(batch, self._closure, self._scope, self._by_jq)

    @cached_property
    def _program(self) -> Any:
        items = f"[({self._expression}\n)]"
        return compiled(f".[0] as $window | .[1] | map(try {items} catch {{error: .}})", self._scope)

    def _by_jq(self, batch: Batch) -> list[list[Any] | RowError]:
        return [_expanded(result) for result in _batch_results(self._program, batch)]


def _batch_results(program: Any, batch: Batch) -> list[Any]:
    """One result a row. A row that jq can't even take, such as one with half a character, is an error of its own."""
    try:
        return list(program.input_text(batch.text).first())
    except ValueError as error:
        if len(batch.rows) == 1:
            return [{"error": f"jq can't take the row: {first_line(error)}"}]
        half = len(batch.rows) // 2
        parts = (Batch(batch.window, batch.rows[:half]), Batch(batch.window, batch.rows[half:]))
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
    """All expressions of one resource in one program. `query` keeps the rows for which it is `true`.

    With `by_closures` False libjq runs all of it.
    """

    def __init__(self, slots: Mapping[str, str], scope: Scope, query: str = "true", by_closures: bool = True) -> None:
        self._names = tuple(slots)
        self._slots = dict(slots)
        self._scope = scope
        self._query = query
        made = closures([query, *slots.values()], scope.names) if by_closures else None
        self._closure = self._closed(made) if made else None
        if not made:
            # What closures can't run is compiled at once, so that a mistake in it shows now.
            _ = self._program
        self._diagnosis: Any = None

    def run(self, batch: Batch) -> list[RowValues | RowError | None]:
        """For each row its values, its error, or None when the query leaves it out."""
        if self._closure is None:
            return self._by_jq(batch)
        return _row_by_row(batch, self._closure, self._scope, self._by_jq)

    def _closed(self, made: Closures) -> Callable[[Any, dict[str, Any]], RowValues | RowError | None]:
        """All expressions for one row; raises UnsureError where the query gives neither true nor false."""
        (one_answer, *single), (query, *runs) = made.single, made.runs
        all_single = all(single)

        def run(row: Any, known: dict[str, Any]) -> RowValues | None:
            answer = query(row, known)
            keeps = answer if one_answer else answer[0] if len(answer) == 1 else None
            if keeps is False:
                return None
            if keeps is not True:
                raise UnsureError
            values = [slot(row, known) for slot in runs]
            return RowValues(values) if all_single else self._values(values, single)

        return run

    @cached_property
    def _program(self) -> Any:
        items = ", ".join(self._item(text) for text in self._slots.values())
        program = f".[0] as $window | .[1] | map(try ({self._selected(f'[{items}]')}) catch {{error: .}})"
        return compiled(program, self._scope)

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

    def _by_jq(self, batch: Batch) -> list[RowValues | RowError | None]:
        found: list[RowValues | RowError | None] = []
        single = [jq_text.one_output(text) for text in self._slots.values()]
        for row, result in zip(batch.rows, _batch_results(self._program, batch), strict=True):
            if result is False:
                found.append(None)
            elif isinstance(result, dict):
                found.append(self._diagnose(batch.window, row, result["error"]))
            else:
                found.append(self._values(result, single))
        return found

    def _values(self, result: list[Any], single: Sequence[bool]) -> RowValues:
        values: list[Any] = []
        several: list[str] = []
        empty: list[str] = []
        for name, one, value in zip(self._names, single, result, strict=True):
            if one:
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
