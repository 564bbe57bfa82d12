"""PC336: requests for the first page alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from portcfg.model import Path
from portcfg.rules.mappings.configs import configs
from portcfg.rules.mappings.endpoints import Request, requests_of
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule, Severity

# What APIs call the number of a page, and its size.
_PAGES = ("page", "pageNumber", "page_number", "pageIndex", "startAt", "offset", "skip")
_SIZES = ("pageSize", "page_size", "per_page", "perPage", "limit", "size", "maxResults", "first")
_FIRST = re.compile(r"\s*[01]\s*")
_HERE = "say how to read on: `pagination: {type: page, ...}`; it sets the page in each request"
_OCEAN = "Ocean reads on only by `paginationType` of the integration, and never in a body; take the page out of here"


def check(portal: Portal) -> Iterator[Found]:
    """A page number that stands fast, and endpoints that are known to give a page where none is asked for."""
    for config in configs(portal):
        for request in requests_of(config, portal):
            if request.said.get("pagination"):
                continue
            hint = _HERE if config.runs_here else _OCEAN
            if found := _fixed(request):
                path, size = found
                rows = f"{size} rows" if size else "one page of rows"
                message = f"only the first page of `{request.target}` is read: at most {rows}"
                # Ocean's own setting may turn pages of a query, which nobody sees here.
                unsure: Severity | None = None if config.runs_here or path[0] == "body" else "info"
                yield Found(config.document, (*request.path, *path), message, hint, severity=unsure)
            elif config.runs_here and request.endpoint and request.endpoint.rows:
                message = (
                    f"`{request.target}` gives pages, and only the first one is read: {request.endpoint.rows} rows"
                )
                yield Found(config.document, request.path, message, hint)


def _fixed(request: Request) -> tuple[Path, str] | None:
    """(path, size of the page) of a first page that a request names."""
    for key in ("query_params", "body"):
        value = request.said.get(key)
        if isinstance(value, Mapping):
            for name in _PAGES:
                if name in value and _FIRST.fullmatch(str(value[name])):
                    return (key, name), next((str(value[size]) for size in _SIZES if size in value), "")
        elif isinstance(value, str) and (page := _said(value, _PAGES)) and _FIRST.fullmatch(page):
            return (key,), _said(value, _SIZES)
    return None


def _said(text: str, names: tuple[str, ...]) -> str:
    """The number that stands for one of the names in the text of an object."""
    found = re.search(rf"[\"']?\b(?:{'|'.join(names)})[\"']?\s*:\s*(\d+)\s*[,}}]", text)
    return found[1] if found else ""


RULE = Rule("PC336", check, "warning")
