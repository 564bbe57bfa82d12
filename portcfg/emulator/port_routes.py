"""Every route of Port's API: the ones the embedded Port does, and the ones it only knows to exist."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from portcfg.emulator import (
    aggregate,
    audit_log,
    blueprint_renames,
    blueprints,
    entities,
    folders,
    integrations,
    migrations,
    pages,
    search,
)
from portcfg.emulator.calls import Answer, Call, Handler
from portcfg.emulator.wire_errors import WireError

B = "/v1/blueprints/{blueprint}"
P = "/v1/pages/{page}"
I = "/v1/integration/{integration}"  # noqa: E741
EMULATED: tuple[tuple[str, Handler], ...] = (
    ("GET /v1/blueprints", blueprints.list_all),
    ("POST /v1/blueprints", blueprints.create),
    (f"GET {B}", blueprints.read),
    (f"PUT {B}", blueprints.replace),
    (f"PATCH {B}", blueprints.patch),
    (f"DELETE {B}", blueprints.remove),
    (f"GET {B}/entities-count", blueprints.count),
    (f"DELETE {B}/all-entities", migrations.delete_all_entities),
    ("GET /v1/blueprints/system/{blueprint}/structure", blueprints.structure),
    (f"PATCH {B}/properties/{{member}}/rename", blueprint_renames.rename_property),
    (f"PATCH {B}/mirror/{{member}}/rename", blueprint_renames.rename_mirror),
    (f"PATCH {B}/relations/{{member}}/rename", blueprint_renames.rename_relation),
    (f"GET {B}/entities", entities.list_all),
    (f"POST {B}/entities", entities.create),
    (f"GET {B}/entities/{{entity}}", entities.read),
    (f"PUT {B}/entities/{{entity}}", entities.replace),
    (f"PATCH {B}/entities/{{entity}}", entities.patch),
    (f"DELETE {B}/entities/{{entity}}", entities.remove),
    (f"POST {B}/entities/bulk", entities.bulk),
    (f"POST {B}/bulk/entities/delete", entities.bulk_delete),
    (f"POST {B}/entities/search", search.search_blueprint),
    ("POST /v1/entities/search", search.search_all),
    ("POST /v1/entities/aggregate", aggregate.aggregate),
    ("POST /v1/entities/aggregate-over-time", aggregate.over_time),
    ("GET /v1/pages", pages.list_all),
    ("POST /v1/pages", pages.create),
    (f"GET {P}", pages.read),
    (f"PUT {P}", pages.replace),
    (f"PATCH {P}", pages.patch),
    (f"DELETE {P}", pages.remove),
    (f"POST {P}/widgets", pages.add_widget),
    (f"PATCH {P}/widgets/{{widget}}", pages.patch_widget),
    (f"DELETE {P}/widgets/{{widget}}", pages.delete_widget),
    ("GET /v1/sidebars/catalog", folders.list_all),
    ("POST /v1/sidebars/catalog/folders", folders.create),
    ("PATCH /v1/sidebars/catalog/folders/{folder}", folders.patch),
    ("DELETE /v1/sidebars/catalog/folders/{folder}", folders.remove),
    ("GET /v1/audit-log", audit_log.list_all),
    ("GET /v1/integration", integrations.list_all),
    ("POST /v1/integration", integrations.create),
    (f"GET {I}", integrations.read),
    (f"PATCH {I}", integrations.patch),
    (f"PATCH {I}/config", integrations.patch_config),
    (f"POST {I}/kinds/{{kind}}/examples", integrations.add_examples),
    (f"DELETE {I}", integrations.remove),
    ("GET /v1/migrations", migrations.list_all),
    ("POST /v1/migrations", migrations.create),
    ("GET /v1/migrations/{migration}", migrations.read),
    ("POST /v1/migrations/{migration}/cancel", migrations.cancel),
)
# POST routes that only read; every other non-GET route writes.
READING_POSTS = (search.search_blueprint, search.search_all, aggregate.aggregate, aggregate.over_time)


def _routes(path: str, methods: str) -> tuple[str, ...]:
    return tuple(f"{method} {path}" for method in methods.split())


NOT_EMULATED: tuple[str, ...] = (
    *_routes("/v1/blueprints/{blueprint}/permissions", "GET PATCH"),
    *_routes("/v1/blueprints/{blueprint}/permissions/simulate", "POST"),
    *_routes("/v1/blueprints/{blueprint}/actions", "GET POST PUT"),
    *_routes("/v1/blueprints/{blueprint}/actions/{action}", "GET PUT DELETE"),
    *_routes("/v1/blueprints/{blueprint}/scorecards", "GET POST PUT"),
    *_routes("/v1/blueprints/{blueprint}/scorecards/{scorecard}", "GET PUT DELETE"),
    *_routes("/v1/scorecards", "GET"),
    *_routes("/v1/entities/properties-history", "POST"),
    *_routes("/v1/actions", "GET POST"),
    *_routes("/v1/actions/{action}", "GET PUT DELETE"),
    *_routes("/v1/actions/{action}/permissions", "GET PATCH"),
    *_routes("/v1/actions/{action}/runs", "POST"),
    *_routes("/v1/actions/runs", "GET"),
    *_routes("/v1/actions/runs/{run}", "GET PATCH"),
    *_routes("/v1/actions/runs/{run}/approval", "PATCH"),
    *_routes("/v1/actions/runs/{run}/approvers", "GET"),
    *_routes("/v1/actions/runs/{run}/logs", "GET POST"),
    *_routes("/v1/pages/{page}/permissions", "GET PATCH"),
    *_routes("/v1/pages/{page}/duplicate", "POST"),
    *_routes("/v1/integration/metadata", "GET"),
    *_routes("/v1/integration/{integration}/logs", "GET"),
    *_routes("/v1/webhooks", "GET POST"),
    *_routes("/v1/webhooks/metadata", "GET"),
    *_routes("/v1/webhooks/{webhook}", "GET PUT PATCH DELETE"),
    *_routes("/v1/organization", "GET PUT PATCH"),
    *_routes("/v1/organization/secrets", "GET POST"),
    *_routes("/v1/organization/secrets/{secret}", "GET PATCH DELETE"),
    *_routes("/v1/teams", "GET POST"),
    *_routes("/v1/teams/{team}", "GET PUT PATCH DELETE"),
    *_routes("/v1/users", "GET"),
    *_routes("/v1/users/invite", "POST"),
    *_routes("/v1/users/{user}", "GET PATCH DELETE"),
    *_routes("/v1/apps", "GET"),
    *_routes("/v1/apps/{app}", "PUT DELETE"),
    *_routes("/v1/apps/{app}/rotate-secret", "POST"),
    *_routes("/v1/rotate-credentials/{user}", "POST"),
)


@dataclass(frozen=True)
class Route:
    """One method and path; `{name}` segments are parameters."""

    method: str
    segments: tuple[str, ...]
    handler: Handler

    @property
    def writes(self) -> bool:
        """Whether the route needs a write transaction. Reading a migration moves it on."""
        return self.handler is migrations.read or (self.method != "GET" and self.handler not in READING_POSTS)

    def params(self, segments: tuple[str, ...]) -> Mapping[str, str] | None:
        """The parameters if the path is this route's, or None."""
        found = {}
        for part, segment in zip(self.segments, segments, strict=True):
            if part.startswith("{"):
                found[part[1:-1]] = segment
            elif part != segment:
                return None
        return found


def _refusing(name: str) -> Handler:
    def refuse(call: Call) -> Answer:
        raise WireError(
            501, "not_implemented", f"The embedded Port doesn't do {name}; a real Port's base URL and credentials do"
        )

    return refuse


def _table(rows: Iterable[tuple[str, Handler]]) -> dict[tuple[str, int], list[Route]]:
    table: dict[tuple[str, int], list[Route]] = {}
    for name, handler in rows:
        method, _, path = name.partition(" ")
        segments = tuple(path.strip("/").split("/"))
        table.setdefault((method, len(segments)), []).append(Route(method, segments, handler))
    for routes in table.values():
        # Literal segments win over parameters: /entities/bulk is no entity called "bulk".
        routes.sort(key=lambda route: [part.startswith("{") for part in route.segments])
    return table


ROUTES = _table([*EMULATED, *((name, _refusing(name)) for name in NOT_EMULATED)])


def match(method: str, segments: tuple[str, ...]) -> tuple[Route, Mapping[str, str]]:
    """The route of a request and its parameters; raises 404 if Port has no such route."""
    for route in ROUTES.get((method, len(segments)), []):
        params = route.params(segments)
        if params is not None:
            return route, params
    raise WireError(404, "not_found", f"Route {method}:/{'/'.join(segments)} not found")
