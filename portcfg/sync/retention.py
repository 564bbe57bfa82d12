"""What a sync deletes, where its mapping says so: what is older than `retention`, and with `prune` what the source no
longer has in the days that were read to their end.

Only entities that this mapping was the last to write go; what somebody made or changed by hand stays. Each is kept in a
file before it goes, one that `sync replay` restores. Deleting is the last thing that a part of a run does, and can be
cut off anywhere: the next run finds what is left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, timedelta
from typing import Any

from portcfg.client import PortReader, PortWriter, segment
from portcfg.errors import AnswerError, PortcfgError
from portcfg.sync.compare import whole_fields
from portcfg.sync.entities import instant
from portcfg.sync.erase import ERASED_AT_ONCE, erase, erase_path
from portcfg.sync.fragments import Entity, Refused
from portcfg.sync.owner import own_rules
from portcfg.sync.quarantine import Quarantine
from portcfg.sync.report import BlueprintReport, Deletion, Progress, SyncReport
from portcfg.sync.spec import SyncMapping
from portcfg.sync.tally import Tally
from portcfg.sync.targets import Blueprints, writing_order
from portcfg.sync.windows import EARLIEST, DayRange, utc_day

RETENTION, PRUNE = "retention", "prune"
ALLOW = "--allow-deletions"
SHOWN = 3
ONE_DAY = timedelta(days=1)
Rule = dict[str, Any]


class Deletions:
    """The deletions of one run, over all its parts. `now` is in epoch seconds; `allowed` says that they are meant,
    however many; `kept` keeps what goes."""

    def __init__(
        self,
        port: PortReader,
        mapping: SyncMapping,
        blueprints: Blueprints,
        now: float,
        progress: Callable[[Progress], None],
        dry_run: bool,
        allowed: bool = False,
        kept: Quarantine | None = None,
    ) -> None:
        self._port = port
        self._mapping = mapping
        self._blueprints = blueprints
        self._progress = progress
        self._dry_run = dry_run
        self._allowed = allowed
        self._kept = kept or Quarantine()
        # What nothing was said of when it is restored is no zero.
        self._kept.silent = lambda name: frozenset(whole_fields(blueprints[name]).properties)
        fed = {item.blueprint for item in mapping.resources}
        self._first = {
            name: utc_day(now) - timedelta(days=item.days) for name, item in mapping.retention.items() if name in fed
        }
        self._done: dict[tuple[str, str], Deletion] = {}

    def young(self, entities: Mapping[str, list[Entity]], tallies: Mapping[str, Tally]) -> dict[str, list[Entity]]:
        """The entities without those that are too old to be kept: they would be written only to be deleted."""
        return {name: list(self._young(name, items, tallies[name])) for name, items in entities.items()}

    def _young(self, name: str, entities: Sequence[Entity], tally: Tally) -> Iterator[Entity]:
        if name not in self._first:
            yield from entities
            return
        spec = self._mapping.retention[name]
        for entity in entities:
            day = _day(entity.properties.get(spec.property))
            if day is None or day >= self._first[name]:
                yield entity
            else:
                tally.skipped[f"of a day before {self._first[name]}, by `retention` of {spec.days} days"] += 1

    def prune(
        self, days: DayRange, made: Mapping[str, Sequence[Entity]], unsure: Callable[[str], str]
    ) -> Iterator[str]:
        """Delete what the source no longer has in `days`, of which it gave what was `made`; notices of what wasn't
        even looked for, because `unsure` says why nobody can tell."""
        fed = {item.blueprint for item in self._mapping.resources}
        for name in self._order(self._mapping.prune.keys() & fed):
            property_ = self._mapping.prune[name]
            if reason := unsure(name) or _misplaced(made.get(name, ()), property_, days):
                yield f"nothing of {name} was pruned from {days.first} to {days.last}: {reason}"
                continue
            rules = [_rule(property_, ">=", days.first), _rule(property_, "<", days.last + ONE_DAY)]
            there = frozenset(entity.identifier for entity in made.get(name, ()))
            self._delete(name, PRUNE, rules, property_, days, there)

    def retain(self, held: Collection[str]) -> Iterator[str]:
        """Delete what is too old, but nothing of blueprints that were `held` back; notices of what stays."""
        for name in self._order(self._first):
            property_, last = self._mapping.retention[name].property, self._first[name] - ONE_DAY
            if name in held:
                yield f"nothing of {name} was deleted for its age, since it was held back"
                continue
            rules = [_rule(property_, "<", self._first[name])]
            yield from self._not_ours(name, rules)
            self._delete(name, RETENTION, rules, property_, DayRange(EARLIEST, last))

    def _not_ours(self, name: str, rules: list[Rule]) -> Iterator[str]:
        try:
            stay = self._count(name, rules) - self._count(name, [*own_rules(self._mapping.identifier), *rules])
        except PortcfgError:
            # Deleting meets the same, and says so.
            return
        if stay > 0:
            yield f"{stay:,} older entities of {name} stay: this mapping wasn't the last to write them"

    def into(self, report: SyncReport) -> SyncReport:
        """The report with what was deleted and, of a dry run, the requests that it takes."""
        deleted: Counter[str] = Counter()
        requests: dict[str, int] = {}
        for item in self._done.values():
            deleted[item.blueprint] += item.deleted
        for name, count in deleted.items() if self._dry_run else ():
            if count:
                # What goes is read first, to be kept.
                search = f"POST /blueprints/{segment(name)}/entities/search"
                requests |= dict.fromkeys((search, f"POST {erase_path(name)}"), -(-count // ERASED_AT_ONCE))
        known = {item.blueprint for item in report.blueprints}
        more = [BlueprintReport(name) for name in deleted if name not in known]
        blueprints = (replace(item, deleted=deleted[item.blueprint]) for item in (*report.blueprints, *more))
        return replace(
            report,
            blueprints=tuple(blueprints),
            deletions=tuple(self._done.values()),
            deleted_kept=self._kept.kept,
            port_writes={**report.port_writes, **requests},
        )

    def _order(self, names: Collection[str]) -> list[str]:
        """What relates to others goes before them."""
        return writing_order(names, self._blueprints)[::-1]

    def _delete(
        self,
        name: str,
        cause: str,
        rules: list[Rule],
        property_: str,
        days: DayRange,
        there: Collection[str] = frozenset(),
    ) -> None:
        """Delete what the rules find of `days` and isn't `there`; what stands in the way is in the report."""
        rules = [*own_rules(self._mapping.identifier), *rules]
        found = Deletion(name, cause)
        try:
            gone, among = self._candidates(name, cause, rules, property_, days, there)
            found = replace(found, found=len(gone), among=among, names=tuple(gone[:SHOWN]))
            if gone and not (refusal := self._too_many(found, days)):
                found = replace(found, deleted=len(gone))
                found = found if self._dry_run else self._erased(found, rules, gone)
            elif gone:
                found = replace(found, refused=refusal)
        except PortcfgError as error:
            found = replace(found, deleted=0, refused=f"could not be deleted: {error.message}")
        if found.found or found.refused:
            self._note(found)

    def _candidates(
        self, name: str, cause: str, rules: list[Rule], property_: str, days: DayRange, there: Collection[str]
    ) -> tuple[list[str], int]:
        """The identifiers of what is to go, sorted, and how many entities could have gone."""
        query = {"combinator": "and", "rules": rules}
        live = [
            str(entity["identifier"])
            for entity in self._port.entities(name, include=["$identifier", property_], query=query)
            # Whatever Port makes of the query: what isn't of these days is none of it.
            if (day := _day((entity.get("properties") or {}).get(property_))) and days.first <= day <= days.last
        ]
        gone = sorted(set(live).difference(there))
        return gone, len(live) if cause == PRUNE or not gone else self._count(name, own_rules(self._mapping.identifier))

    def _count(self, name: str, rules: list[Rule]) -> int:
        """How many entities of a blueprint the rules hold for; raises ApiError."""
        of_blueprint = {"property": "$blueprint", "operator": "=", "value": name}
        body = {"func": "count", "query": {"combinator": "and", "rules": [of_blueprint, *rules]}}
        number = self._port.query("/entities/aggregate", body).get("result")
        if not isinstance(number, int | float):
            raise AnswerError(f"Port doesn't say how many entities of {name} there are")
        return int(number)

    def _too_many(self, found: Deletion, days: DayRange) -> str:
        """Why the deletion is refused, with the way out; '' if it may go ahead. What other parts delete counts, too."""
        if self._allowed:
            return ""
        limits = self._mapping.guards
        before = sum(item.deleted for item in self._done.values() if item.blueprint == found.blueprint)
        number, of = before + found.found, f"{found.found:,} of {found.among:,} entities"
        if number > limits.delete_count:
            return (
                f"too many deletes: {number:,} entities, over the limit of {limits.delete_count:,}. {_way_out('count')}"
            )
        if found.among >= limits.share_from and found.found > limits.delete_share * found.among:
            share = f"({found.found / found.among:.1%}), over the limit of {limits.delete_share:.1%}"
            return f"too many deletes: {of} {share}. {_way_out('share')}"
        if found.cause == PRUNE and found.found == found.among:
            return f"too many deletes: {of} from {days.first} to {days.last}, and so all. If it is meant, pass {ALLOW}"
        return ""

    def _erased(self, found: Deletion, rules: list[Rule], identifiers: Sequence[str]) -> Deletion:
        if not isinstance(self._port, PortWriter):
            raise PortcfgError("this session with Port can only read")
        found = replace(found, deleted=0)
        for start in range(0, len(identifiers), ERASED_AT_ONCE):
            some = list(identifiers[start : start + ERASED_AT_ONCE])
            try:
                refused = erase(self._port, found.blueprint, self._keep(found, rules, some))
            except PortcfgError as error:
                # What went before it is gone, and is to be told.
                return replace(found, refused=f"could not all be deleted: {error.message}")
            stay = (*found.stay, *(f"{name}: {reason}" for name, reason in refused.items()))
            found = replace(found, deleted=found.deleted + len(some) - len(refused), stay=stay)
            self._progress(Progress("delete", found.blueprint, start + len(some), len(identifiers)))
        return found

    def _keep(self, found: Deletion, rules: list[Rule], identifiers: list[str]) -> list[str]:
        """Keep the entities in full; those of them that are still there, as the rules want them."""
        blueprint = self._blueprints[found.blueprint]
        named = {"property": "$identifier", "operator": "in", "value": identifiers}
        query = {"combinator": "and", "rules": [*rules, named]}
        there = list(self._port.entities(found.blueprint, include=whole_fields(blueprint).include(), query=query))
        for live in there:
            entity = _entity(found.blueprint, live)
            self._kept.keep_entity(Refused("deleted", entity.blueprint, entity.identifier, found.cause, "", entity))
        return [str(live["identifier"]) for live in there]

    def _note(self, found: Deletion) -> None:
        before = self._done.get((found.blueprint, found.cause), Deletion(found.blueprint, found.cause))
        self._done[found.blueprint, found.cause] = replace(
            found,
            found=before.found + found.found,
            among=before.among + found.among,
            deleted=before.deleted + found.deleted,
            names=(*before.names, *found.names)[:SHOWN],
            refused=before.refused or found.refused,
            stay=(*before.stay, *found.stay),
        )


def check_dates(mapping: SyncMapping, blueprints: Blueprints) -> Iterator[str]:
    """What of `retention` and `prune` doesn't fit Port's blueprints."""
    named = {**mapping.prune, **{name: item.property for name, item in mapping.retention.items()}}
    for name, property_ in named.items():
        schema = ((blueprints.get(name, {}).get("schema") or {}).get("properties") or {}).get(property_) or {}
        if name in blueprints and schema.get("format") != "date-time":
            yield f"`{name}.{property_}`, by which entities are deleted, is no date-time"


def _entity(blueprint: str, live: Mapping[str, Any]) -> Entity:
    """A live entity as it would be written."""
    said = {name: value for name, value in (live.get("properties") or {}).items() if value is not None}
    related = {name: value for name, value in (live.get("relations") or {}).items() if value}
    title, icon, team = (live.get(name) for name in ("title", "icon", "team"))
    return Entity(blueprint, str(live["identifier"]), title, icon, team, said, related)


def _misplaced(made: Sequence[Entity], property_: str, days: DayRange) -> str:
    """An entity of these days that the property says is of another: then it doesn't tell whose day is whose."""
    for entity in made:
        day = _day(entity.properties.get(property_))
        if day is not None and not days.first <= day <= days.last:
            return f"`{property_}` of {entity.identifier} is of {day}, so it isn't the day of its rows"
    return ""


def _rule(property_: str, sign: str, day: date) -> Rule:
    return {"property": property_, "operator": sign, "value": f"{day}T00:00:00Z"}


def _day(value: Any) -> date | None:
    """The UTC day of a date-time; None for what isn't one, and for one that doesn't say its zone."""
    moment = instant(str(value)) if value else None
    if moment is None or moment.tzinfo is None:
        return None
    try:
        return moment.astimezone(UTC).date()
    except OverflowError:
        return None


def _way_out(limit: str) -> str:
    return f"If it is meant, pass {ALLOW}, or raise guards.delete_{limit} in the mapping"
