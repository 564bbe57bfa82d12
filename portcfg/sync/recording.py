"""A source that keeps what it is answered, cut to a few rows, and what the answers say of themselves stays true.

A cut answer is the last one: it says that there is no more, and its total is the rows that are left. The expressions of
the mapping's `pagination` tell where an answer says so; one that isn't a path can't be set, and then the stream is kept
whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from portcfg.errors import TerminalApiError
from portcfg.retry import RetryPolicy
from portcfg.sync.jq_programs import Expression, JqError, Scope
from portcfg.sync.source import Request, SourceAnswer, SourceClient
from portcfg.sync.spec import Pagination, Stream, SyncMapping


@dataclass(frozen=True)
class Kept:
    """One answer as it is kept: the stream that asked, its path below the source's base URL, and what was answered.

    `template` is the path before its parameters were filled in.
    """

    stream: str
    method: str
    path: str
    template: str
    value: Any = None
    status: int = 200


class RecordingSource(SourceClient):
    """Asks the source, and keeps at most `rows` rows of each stream (of each path, where a stream has several).

    `whole` are the streams that could not be cut.
    """

    def __init__(
        self, mapping: SyncMapping, env: Mapping[str, str], rows: int, policy: RetryPolicy | None = None
    ) -> None:
        super().__init__(mapping.source, env, policy)
        self._base = mapping.source.base_url
        self._streams = list(_streams(mapping))
        self._scope = Scope(mapping.variables)
        self._rows = rows
        self._left: dict[tuple[str, str], int] = {}
        self._given: dict[str, SourceAnswer] = {}
        self.kept: list[Kept] = []
        self.whole: set[str] = set()

    def ask(self, request: Request) -> SourceAnswer:
        """The source's answer, cut; the same request is asked for and kept once. Raises ApiError."""
        what = repr(request)
        if what not in self._given:
            stream = self._stream_of(request)
            path = urlsplit(request.path).path
            path = path.removeprefix(urlsplit(self._base).path) if "://" in request.path else path
            kept = Kept(stream.name, request.method, path, request.family or stream.path)
            try:
                answer = super().ask(request)
            except TerminalApiError as error:
                self.kept.append(replace(kept, status=error.status or 404))
                raise
            self._given[what] = self._cut(stream, path, answer)
            self.kept.append(replace(kept, value=self._given[what].value))
        return self._given[what]

    def _stream_of(self, request: Request) -> Stream:
        """The stream that asks; where its path is that of a next link, the one that was asked before."""
        paths = (request.family, request.path)
        asking = [item for item in self._streams if item.method == request.method and item.path in paths]
        return asking[0] if asking else next(item for item in self._streams if item.name == self.kept[-1].stream)

    def _cut(self, stream: Stream, path: str, answer: SourceAnswer) -> SourceAnswer:
        left = self._left.setdefault((stream.name, path), self._rows)
        try:
            rows = self._one(stream.data_path or ".", answer.value)
            if not isinstance(rows, list):
                return answer
            fits = len(rows) <= left and not self._goes_on(stream.pagination, answer, len(rows))
            cut = answer if fits else self._shortened(stream, answer, min(left, len(rows)))
        except JqError:
            self.whole.add(stream.name)
            return answer
        self._left[stream.name, path] = max(0, left - len(rows))
        return cut

    def _goes_on(self, paging: Pagination | None, answer: SourceAnswer, rows: int) -> bool:
        if paging is None:
            return False
        more = paging.more and self._one(paging.more, answer.value) is True
        following = self._one(paging.next, answer.value) if paging.next else answer.next_link
        total = self._one(paging.total, answer.value) if paging.total else rows
        return bool(more or following or total != rows)

    def _shortened(self, stream: Stream, answer: SourceAnswer, count: int) -> SourceAnswer:
        """The answer with `count` rows that are all there is."""
        paging = stream.pagination
        steps = [f"({stream.data_path or '.'}) |= .[:{count}]"]
        if paging:
            ends = {paging.total: str(count), paging.more: "false", paging.next: "null"}
            steps += [f"({place}) = {value}" for place, value in ends.items() if place]
        return SourceAnswer(self._one(" | ".join(steps), answer.value), "", answer.url)

    def _one(self, expression: str, value: Any) -> Any:
        return Expression(expression, self._scope).one(value)


def _streams(mapping: SyncMapping) -> Iterator[Stream]:
    for stream in mapping.streams.values():
        yield stream
        if stream.parameter:
            yield stream.parameter.stream
