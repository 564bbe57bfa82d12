"""The embedded Port's state, in one SQLite file: documents by kind, entities, links between them, and an audit log."""

from __future__ import annotations

import json
import sqlite3
import threading
import weakref
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from portcfg.errors import UsageError
from portcfg.model import Body

TABLES = """
CREATE TABLE IF NOT EXISTS documents (
    kind TEXT, identifier TEXT, body TEXT NOT NULL, PRIMARY KEY (kind, identifier)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entities (
    blueprint TEXT, identifier TEXT, body TEXT NOT NULL, PRIMARY KEY (blueprint, identifier)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS links (
    blueprint TEXT, identifier TEXT, relation TEXT, target_blueprint TEXT, target TEXT,
    PRIMARY KEY (blueprint, identifier, relation, target)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS links_by_target ON links (target_blueprint, target);
CREATE TABLE IF NOT EXISTS audits (number INTEGER PRIMARY KEY, body TEXT NOT NULL);
"""
CHUNK = 500

Link = tuple[str, str, str]


class Store:
    """One connection behind one lock. Every method expects to be called within `transaction`."""

    def __init__(self, data: str | Path = ":memory:") -> None:
        self._lock = threading.RLock()
        self._blueprints: dict[str, Body | None] = {}
        if data != ":memory:":
            Path(data).parent.mkdir(parents=True, exist_ok=True)
        try:
            self._db = sqlite3.connect(str(data), isolation_level=None, check_same_thread=False, timeout=30)
            weakref.finalize(self, self._db.close)
            self._db.execute("PRAGMA journal_mode=WAL")
            # A power cut may lose the last writes; this is a place to try things out.
            self._db.execute("PRAGMA synchronous=OFF")
            self._db.executescript(TABLES)
        except sqlite3.DatabaseError as error:
            raise UsageError(
                f"{data} can't hold the embedded Port's state: {error}", hint="name another file"
            ) from error

    @contextmanager
    def transaction(self, write: bool) -> Iterator[None]:
        """All or nothing: an exception inside the block undoes its writes."""
        with self._lock:
            self._blueprints.clear()
            self._db.execute("BEGIN IMMEDIATE" if write else "BEGIN")
            try:
                yield
            except BaseException:
                # SQLite itself rolls back after some errors.
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    @contextmanager
    def trial(self) -> Iterator[None]:
        """Writes inside the block can be read there, and are undone at its end."""
        self._db.execute("SAVEPOINT trial")
        try:
            yield
        finally:
            self._db.execute("ROLLBACK TO trial")
            self._db.execute("RELEASE trial")

    # Documents: blueprints, pages, integrations, migrations.

    def document(self, kind: str, identifier: str) -> Body | None:
        """One document, or None."""
        row = self._db.execute(
            "SELECT body FROM documents WHERE kind = ? AND identifier = ?", (kind, identifier)
        ).fetchone()
        return json.loads(row[0]) if row else None

    def documents(self, kind: str) -> list[Body]:
        """All documents of a kind, by identifier."""
        rows = self._db.execute("SELECT body FROM documents WHERE kind = ? ORDER BY identifier", (kind,))
        return [json.loads(row[0]) for row in rows]

    def save_document(self, kind: str, identifier: str, body: Body) -> None:
        """Insert or replace a document."""
        self._blueprints.clear()
        self._db.execute("INSERT OR REPLACE INTO documents VALUES (?, ?, ?)", (kind, identifier, json.dumps(body)))

    def delete_document(self, kind: str, identifier: str) -> bool:
        """Whether there was one to delete."""
        self._blueprints.clear()
        done = self._db.execute("DELETE FROM documents WHERE kind = ? AND identifier = ?", (kind, identifier))
        return done.rowcount > 0

    def blueprint(self, identifier: str) -> Body | None:
        """A blueprint, parsed once a transaction; don't change what this returns."""
        if identifier not in self._blueprints:
            self._blueprints[identifier] = self.document("blueprint", identifier)
        return self._blueprints[identifier]

    # The audit log.

    def add_audit(self, body: Body) -> None:
        """Append an entry."""
        self._db.execute("INSERT INTO audits (body) VALUES (?)", (json.dumps(body),))

    def audits(self, wanted: Mapping[str, Collection[str]], since: str, until: str, limit: int) -> list[Body]:
        """The newest entries from `since` to `until` that have one of the wanted values at each JSON path."""
        tests = "".join(" AND body ->> ? IN (SELECT value FROM json_each(?))" for _ in wanted)
        values = [part for path, texts in wanted.items() for part in (path, json.dumps(list(texts)))]
        sql = f"SELECT body FROM audits WHERE body ->> '$.trigger.at' BETWEEN ? AND ?{tests}"
        rows = self._db.execute(f"{sql} ORDER BY number DESC LIMIT ?", (since, until, *values, limit))
        return [json.loads(row[0]) for row in rows]

    # Entities.

    def entity(self, blueprint: str, identifier: str) -> Body | None:
        """The stored body of one entity, or None."""
        row = self._db.execute(
            "SELECT body FROM entities WHERE blueprint = ? AND identifier = ?", (blueprint, identifier)
        ).fetchone()
        return json.loads(row[0]) if row else None

    def entities(
        self, blueprint: str, after: str = "", only: Sequence[str] | None = None
    ) -> Iterator[tuple[str, Body]]:
        """(identifier, body) in the order of the identifiers, read in chunks so that the whole is never in memory."""
        narrowed = "" if only is None else "AND identifier IN (SELECT value FROM json_each(?))"
        sql = (
            "SELECT identifier, body FROM entities WHERE blueprint = ? AND identifier > ?"
            f" {narrowed} ORDER BY identifier LIMIT ?"
        )
        names = [] if only is None else [json.dumps(list(only))]
        while True:
            rows = self._db.execute(sql, (blueprint, after, *names, CHUNK)).fetchall()
            for identifier, body in rows:
                yield identifier, json.loads(body)
            if len(rows) < CHUNK:
                return
            after = rows[-1][0]

    def existing(self, blueprint: str, identifiers: Iterable[str]) -> set[str]:
        """Those of `identifiers` that the blueprint has."""
        rows = self._db.execute(
            "SELECT identifier FROM entities WHERE blueprint = ? AND identifier IN (SELECT value FROM json_each(?))",
            (blueprint, json.dumps(list(identifiers))),
        )
        return {row[0] for row in rows}

    def count(self, blueprint: str) -> int:
        """How many entities the blueprint has."""
        row = self._db.execute("SELECT count(*) FROM entities WHERE blueprint = ?", (blueprint,)).fetchone()
        return int(row[0])

    def save_entity(self, blueprint: str, identifier: str, body: Body, links: Iterable[Link]) -> None:
        """Insert or replace an entity. `links` are (relation, target blueprint, target)."""
        self._db.execute("INSERT OR REPLACE INTO entities VALUES (?, ?, ?)", (blueprint, identifier, json.dumps(body)))
        self._db.execute("DELETE FROM links WHERE blueprint = ? AND identifier = ?", (blueprint, identifier))
        self._db.executemany(
            "INSERT OR IGNORE INTO links VALUES (?, ?, ?, ?, ?)", [(blueprint, identifier, *link) for link in links]
        )

    def delete_entity(self, blueprint: str, identifier: str) -> None:
        """Delete an entity and its own links; links to it are the caller's business."""
        key = (blueprint, identifier)
        self._db.execute("DELETE FROM entities WHERE blueprint = ? AND identifier = ?", key)
        self._db.execute("DELETE FROM links WHERE blueprint = ? AND identifier = ?", key)

    def unlink(self, blueprint: str, identifier: str | None = None) -> None:
        """Take an entity (or all of a blueprint's) out of the relations of the entities that relate to it."""
        rows = self._db.execute(
            "SELECT blueprint, identifier, relation, target FROM links WHERE target_blueprint = ?"
            " AND (? IS NULL OR target = ?)",
            (blueprint, identifier, identifier),
        ).fetchall()
        for owner, name, relation, target in rows:
            body = self.entity(owner, name)
            if body is None:
                continue
            value = body["relations"].get(relation)
            body["relations"][relation] = [v for v in value if v != target] if isinstance(value, list) else None
            self._db.execute(
                "UPDATE entities SET body = ? WHERE blueprint = ? AND identifier = ?", (json.dumps(body), owner, name)
            )
        self._db.execute(
            "DELETE FROM links WHERE target_blueprint = ? AND (? IS NULL OR target = ?)",
            (blueprint, identifier, identifier),
        )

    def delete_entities(self, blueprint: str) -> int:
        """Delete all entities of a blueprint and every link from and to them; returns how many there were."""
        self._db.execute("DELETE FROM links WHERE blueprint = ?", (blueprint,))
        self.unlink(blueprint)
        done = self._db.execute("DELETE FROM entities WHERE blueprint = ?", (blueprint,))
        return done.rowcount

    def referrers(self, blueprint: str, identifier: str) -> list[tuple[str, str, str]]:
        """(blueprint, identifier, relation) of every entity that relates to this one."""
        rows = self._db.execute(
            "SELECT blueprint, identifier, relation FROM links WHERE target_blueprint = ? AND target = ?",
            (blueprint, identifier),
        )
        return rows.fetchall()

    def targets(self, blueprint: str, identifier: str) -> list[tuple[str, str, str]]:
        """(relation, target blueprint, target) of every link of an entity."""
        rows = self._db.execute(
            "SELECT relation, target_blueprint, target FROM links WHERE blueprint = ? AND identifier = ?",
            (blueprint, identifier),
        )
        return rows.fetchall()

    # What a blueprint's change does to its entities.

    def drop_values(self, blueprint: str, section: str, key: str) -> None:
        """Remove one property or relation from all entities of a blueprint."""
        place = _place(section, key)
        self._db.execute("UPDATE entities SET body = json_remove(body, ?) WHERE blueprint = ?", (place, blueprint))
        if section == "relations":
            self._db.execute("DELETE FROM links WHERE blueprint = ? AND relation = ?", (blueprint, key))

    def move_values(self, blueprint: str, section: str, old: str, new: str) -> None:
        """Rename one property or relation in all entities of a blueprint."""
        before, after = _place(section, old), _place(section, new)
        self._db.execute(
            "UPDATE entities SET body = json_remove(json_set(body, ?, json(body -> ?)), ?)"
            " WHERE blueprint = ? AND json_type(body, ?) IS NOT NULL",
            (after, before, before, blueprint, before),
        )
        if section == "relations":
            self._db.execute(
                "UPDATE links SET relation = ? WHERE blueprint = ? AND relation = ?", (new, blueprint, old)
            )

    def rename_blueprint(self, old: str, new: str) -> None:
        """Give all entities of a blueprint, and the links from and to them, its new identifier."""
        for table, column in (("entities", "blueprint"), ("links", "blueprint"), ("links", "target_blueprint")):
            self._db.execute(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", (new, old))


def _place(section: str, key: str) -> str:
    return f'$.{section}."{key}"'


def copy_of(body: Any) -> Any:
    """A deep copy of JSON."""
    return json.loads(json.dumps(body))
