"""A stand-in Cursor that serves recorded sample files as they are.

The pages are chosen by the page number asked for; the page size and the dates asked for are ignored.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from portcfg.emulator.cursor_app import LOG_SIZE, Logged, basic_login
from portcfg.emulator.cursor_asking import Refusal, coded_refusal, positive, read_json, refusal

WHOLE = {"/teams/members": "members.json", "/teams/groups": "groups.json"}
PAGED = {
    "/teams/daily-usage-data": ("daily-usage-data", "data"),
    "/teams/filtered-usage-events": ("filtered-usage-events", "usageEvents"),
    "/analytics/ai-code/commits": ("ai-code-commits", "items"),
    "/analytics/ai-code/changes": ("ai-code-changes", "items"),
}
GROUP_PREFIX = "/teams/groups/"


class SampleServer:
    """The sample files of one folder behind the six endpoints."""

    def __init__(self, folder: Path, api_key: str) -> None:
        self.folder = folder
        self.log: deque[Logged] = deque(maxlen=LOG_SIZE)
        self._login = basic_login(api_key)

    async def handle(self, request: Request) -> Response:
        """Answer one request, and log it."""
        body = read_json(await request.body())
        query = dict(request.query_params)
        asked = body if request.method == "POST" else query
        try:
            if request.headers.get("authorization") != self._login:
                raise coded_refusal(401, "Invalid Team API Key")
            response = Response(self._answer(request.url.path, asked), media_type="application/json")
        except Refusal as refused:
            response = JSONResponse(refused.body, refused.status, refused.headers)
        self.log.append(Logged(request.method, request.url.path, asked, response.status_code))
        return response

    def _answer(self, path: str, asked: Any) -> bytes:
        if path in WHOLE:
            return (self.folder / WHOLE[path]).read_bytes()
        if path.startswith(GROUP_PREFIX):
            return self._group(path.removeprefix(GROUP_PREFIX))
        if path not in PAGED:
            raise refusal(404, "Resource not found")
        if not isinstance(asked, dict):
            raise coded_refusal(400, "Request body is required")
        if path == "/teams/daily-usage-data" and "page" not in asked:
            return (self.folder / "daily-usage-data.active-only.json").read_bytes()
        return self._page(*PAGED[path], asked)

    def _group(self, wanted: str) -> bytes:
        raw = (self.folder / "group.json").read_bytes()
        if json.loads(raw)["group"]["id"] != wanted:
            raise refusal(404, "Resource not found")
        return raw

    def _page(self, name: str, key: str, asked: Mapping[str, Any]) -> bytes:
        page = positive(asked, "page", 1)
        found = next(iter(self.folder.glob(f"{name}.page{page}[.-]*json")), None)
        return found.read_bytes() if found else self._past_the_end(name, key, page)

    def _past_the_end(self, name: str, key: str, page: int) -> bytes:
        """The second page's envelope without rows, as the service answers a page after the last."""
        answer = json.loads((self.folder / f"{name}.page2.json").read_bytes())
        if "pagination" not in answer:
            return json.dumps({**answer, key: [], "page": page}).encode()
        number = "currentPage" if "currentPage" in answer["pagination"] else "page"
        return json.dumps({**answer, key: [], "pagination": {**answer["pagination"], number: page}}).encode()


def samples_app(folder: Path, *, api_key: str = "local") -> Starlette:
    """Serve the sample files in `folder` for the six endpoints; `app.state.log` lists the requests."""
    server = SampleServer(folder, api_key)
    app = Starlette(routes=[Route("/{path:path}", server.handle, methods=["GET", "POST"])])
    app.state.log = server.log
    return app
