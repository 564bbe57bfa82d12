"""Pages of one request family, read to the end and counted.

An answer that isn't what the mapping says, a page that makes no progress or a count that doesn't meet the stated total
raises IncompleteError with the stream, the page and the key: a short read must never look like less usage. A source
that says neither whether there is more nor how much there is, is read until a page is empty or repeats the one before:
how many rows a page has proves nothing, since servers cap the size that they are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urljoin

from portcfg.errors import IncompleteError
from portcfg.sync.jq_programs import Expression, JqError, Scope
from portcfg.sync.source import Request, SourceAnswer
from portcfg.sync.spec import Pagination, PathParameter, Stream
from portcfg.sync.watching import ChangedError, Doubt, Page, Watch, no_progress, shared_rows
from portcfg.sync.windows import Window

Ask = Callable[[Request], SourceAnswer]
HINT = "nothing that depends on this stream was written; run again, or check the stream's definition"


@dataclass(frozen=True)
class _Cursor:
    """Where the reading stands: the page number, and what the source gave to go on with."""

    page: int
    offset: int = 0
    next: Any = None


class Pager:
    """Reads all pages of a stream for one window.

    Rows that end a page and begin the next are either equal rows or rows that were shifted, and then as many others
    were passed over. `check` raises ChangedError for them, unless an earlier reading has found the same: `accepted`.
    """

    def __init__(self, stream: Stream, scope: Scope, ask: Ask, accepted: frozenset[Doubt] = frozenset()) -> None:
        self._stream = stream
        self._scope = scope
        self._ask = ask
        self._path = stream.path
        self._place = f"stream {stream.name}"
        self._accepted = accepted
        self._doubts: set[Doubt] = set()
        self._compiled: dict[str, Expression] = {}
        self._values: dict[str, list[str]] = {}

    def pages(self, window: Window | None) -> Iterator[Page]:
        """Every page in order; raises IncompleteError when the end can't be reached or the count is short.

        With a path parameter these are the pages of each of its values, and each row has its value as `__<name>`.
        """
        if self._stream.parameter is None:
            yield from self._pages(window)
            return
        name, total = self._stream.parameter.name, 0
        for value in self._parameter_values(self._stream.parameter, window):
            self._path = self._stream.path.replace(f"{{{name}}}", quote(value, safe=""))
            self._place = f"stream {self._stream.name}, {name} {value}"
            last = None
            for page in self._pages(window):
                last = page.total
                rows = [{**row, f"__{name}": value} for row in page.rows]
                yield replace(page, rows=rows, total=None if last is None else total + last)
            total += last or 0

    def _parameter_values(self, parameter: PathParameter, window: Window | None) -> list[str]:
        """The values to read with, each once, in the source's order; asked for again only where the window counts."""
        pager = Pager(parameter.stream, self._scope, self._ask, self._accepted)
        asked = repr(pager._request(window, pager._start))
        if asked not in self._values:
            self._values[asked] = list(dict.fromkeys(pager._parameters(parameter, window)))
            self._doubts |= pager._doubts
        return self._values[asked]

    def _parameters(self, parameter: PathParameter, window: Window | None) -> Iterator[str]:
        for page in self._pages(window):
            if page.more_unread:
                raise self._incomplete(page.number, "there are more than this one page; give it `pagination`")
            for row in page.rows:
                if parameter.filter and not self._truth(parameter.filter, row, page.number):
                    continue
                value = self._read(parameter.field, row, page.number)
                if isinstance(value, bool) or not isinstance(value, str | int) or value in ("", ".", ".."):
                    raise self._incomplete(page.number, f"`{parameter.field}` is {_kind(value)}, nothing for a path")
                yield str(value)

    @property
    def _start(self) -> _Cursor:
        return _Cursor(self._stream.pagination.start if self._stream.pagination else 1)

    def _pages(self, window: Window | None) -> Iterator[Page]:
        paging = self._stream.pagination
        cursor = self._start
        before: tuple[Any, list[Any]] | None = None
        read = 0
        followed: set[str] = set()
        watch = Watch()
        while True:
            answer = self._ask(self._request(window, cursor))
            page = self._page(answer.value, cursor.page)
            repeated = before is not None and no_progress(before, answer.value, page.rows)
            if repeated and paging and _unannounced(paging):
                return
            same = self._read(paging.same, answer.value, cursor.page) if paging and paging.same else None
            if problem := watch.problem(page, same):
                raise self._incomplete(cursor.page, problem, changed=watch.changed)
            if before and (shared := shared_rows(before[1], page.rows)):
                self._doubts.add((self._place, window, cursor.page, page.total, repr(page.rows[:shared])))
            read += len(page.rows)
            yield page
            following = self._following(paging, cursor, page, answer, read) if paging else None
            if following is None:
                self._count(paging, page, read)
                return
            if repeated:
                raise self._incomplete(cursor.page, "the page is the same as the one before, yet more are announced")
            if page.total is not None and read > page.total:
                message = f"{read} rows read and more announced, but the total is {page.total}"
                raise self._incomplete(cursor.page, message, changed=True)
            if paging and cursor.page - paging.start + 1 >= paging.max_pages:
                raise self._incomplete(cursor.page, f"still not at the end after {paging.max_pages} pages")
            if following.next is not None:
                if repr(following.next) in followed:
                    raise self._incomplete(cursor.page, "the next page is one that was read already")
                followed.add(repr(following.next))
            before, cursor = (answer.value, page.rows), following

    def _request(self, window: Window | None, cursor: _Cursor) -> Request:
        stream, paging = self._stream, self._stream.pagination
        seen = window.as_json() if window else None
        body = self._template(stream.body, seen, cursor.page, whole=True)
        params = {name: self._template(value, seen, cursor.page) for name, value in stream.query_params.items()}
        family = stream.path if stream.parameter else ""
        request = Request(stream.method, self._path, params, body, stream.headers, family)
        return self._with_page(request, paging, cursor) if paging else request

    def _template(self, value: Any, window: Any, page: int, whole: bool = False) -> Any:
        """jq where the mapping says so: a whole body given as text, `$...` strings, and `{jq: ...}`."""
        if isinstance(value, str):
            return self._one(value, None, window, page) if whole or value.startswith("$") else value
        if isinstance(value, Mapping):
            if set(value) == {"jq"}:
                return self._one(value["jq"], None, window, page)
            return {key: self._template(item, window, page) for key, item in value.items()}
        return [self._template(item, window, page) for item in value] if isinstance(value, list) else value

    def _with_page(self, request: Request, paging: Pagination, cursor: _Cursor) -> Request:
        if paging.type == "link" and cursor.next:
            return replace(request, path=str(cursor.next), params={})
        fields: dict[str, Any] = {paging.size: paging.page_size} if paging.size else {}
        if paging.type == "page":
            fields[paging.page] = cursor.page
        elif paging.type == "offset":
            fields[paging.page] = cursor.offset
        elif paging.type == "cursor" and cursor.next is not None:
            fields[paging.page] = cursor.next
        if paging.place == "query":
            return replace(request, params={**request.params, **fields})
        if request.body is not None and not isinstance(request.body, dict):
            raise self._incomplete(cursor.page, "`pagination.in: body` needs a body that is an object")
        return replace(request, body={**(request.body or {}), **fields})

    def _page(self, answer: Any, number: int) -> Page:
        paging = self._stream.pagination
        rows = self._rows(answer, number)
        total = self._read(paging.total, answer, number) if paging and paging.total else None
        if paging and paging.total and (not isinstance(total, int) or isinstance(total, bool)):
            raise self._incomplete(number, f"`{paging.total}` is {_kind(total)} where a count is due")
        return Page(number, rows, total, more_unread=not paging and _says_more(answer, len(rows)))

    def _rows(self, answer: Any, number: int) -> list[Any]:
        path = self._stream.data_path
        rows = self._read(path, answer, number) if path else answer
        if not path and isinstance(rows, dict):
            return [rows]
        if not isinstance(rows, list):
            raise self._incomplete(number, f"`{path}` is {_kind(rows)} where a list of rows is due")
        for index, row in enumerate(rows):
            self._check_shape(row, number, index)
        return rows

    def _check_shape(self, row: Any, number: int, index: int) -> None:
        if not isinstance(row, dict):
            raise self._incomplete(number, f"row {index} is {_kind(row)} where an object is due")
        for key, expected in self._stream.shape.items():
            value = row.get(key)
            if value is None and expected.endswith("?"):
                continue
            if _kind(value) not in expected.rstrip("?").split("|"):
                message = f"row {index}: `{key}` is {'missing' if key not in row else _kind(value)}"
                raise self._incomplete(number, f"{message} where {expected.rstrip('?')} is due")

    def _following(
        self, paging: Pagination, cursor: _Cursor, page: Page, answer: SourceAnswer, read: int
    ) -> _Cursor | None:
        """Where to go on, or None at the end."""
        step = _Cursor(cursor.page + 1, cursor.offset + len(page.rows))
        if paging.type in ("cursor", "link"):
            following = self._read(paging.next, answer.value, page.number) if paging.next else answer.next_link
            more = bool(following) and (not paging.more or self._truth(paging.more, answer.value, page.number))
            if more and paging.type == "link":
                following = self._link(following, answer, page.number)
            return replace(step, next=following) if more else None
        if paging.more:
            more = self._truth(paging.more, answer.value, page.number)
        elif page.total is not None:
            more = bool(page.rows) and read < page.total
        else:
            more = bool(page.rows)
        return step if more else None

    def _link(self, link: Any, answer: SourceAnswer, number: int) -> str:
        """The URL that a link means, which may be relative to the page that it is on."""
        if not isinstance(link, str):
            raise self._incomplete(number, f"the next page is {_kind(link)} where a link is due")
        return urljoin(answer.url, link)

    def _truth(self, expression: str, value: Any, number: int) -> bool:
        found = self._read(expression, value, number)
        if not isinstance(found, bool):
            raise self._incomplete(number, f"`{expression}` is {_kind(found)} where true or false is due")
        return found

    def _count(self, paging: Pagination | None, page: Page, read: int) -> None:
        if page.total is not None and paging and read != page.total:
            message = f"{read} rows read, but `{paging.total}` says {page.total}"
            raise self._incomplete(page.number, message, changed=True)

    def _read(self, expression: str, answer: Any, number: int) -> Any:
        try:
            return self._one(expression, answer, None, number)
        except JqError as error:
            raise self._incomplete(number, error.message) from None

    def _one(self, expression: str, value: Any, window: Any, page: int) -> Any:
        if expression not in self._compiled:
            self._compiled[expression] = Expression(expression, self._scope)
        return self._compiled[expression].one(value, window, page)

    def check(self) -> None:
        """Raise ChangedError for what makes a reading doubtful that is at its end."""
        if new := self._doubts - self._accepted:
            place, _, page, total, _ = min(new, key=lambda doubt: doubt[2])
            message = f"{place}, page {page}: it begins with what the page before ends with"
            stated = "" if total is None else f", though the total is {total} as before"
            why = f"{message}{stated}: the source may have changed while it was read"
            raise ChangedError(why, HINT, frozenset(self._doubts))

    def _incomplete(self, page: int, message: str, changed: bool = False) -> IncompleteError:
        return (ChangedError if changed else IncompleteError)(f"{self._place}, page {page}: {message}", HINT)


def _unannounced(paging: Pagination) -> bool:
    """Whether only the pages themselves tell where the end is."""
    return paging.type in ("page", "offset") and not paging.more and not paging.total


def _kind(value: Any) -> str:
    names: dict[type, str] = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}
    return names.get(type(value), "number")


def _says_more(answer: Any, rows: int) -> bool:
    """Whether an answer read without `pagination` plainly says that there is more than these rows."""
    if not isinstance(answer, dict):
        return False
    pages = answer.get("pagination")
    if isinstance(pages, dict) and pages.get("hasNextPage") is True:
        return True
    totals = (answer.get(key) for key in ("totalCount", "totalUsageEventsCount", "total_count"))
    return any(isinstance(total, int) and total > rows for total in totals)
