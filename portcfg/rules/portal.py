"""All specs at once, as rules look at them: what blueprints have, what mappings write, what widgets show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from portcfg.model import Document, Project, Ref
from portcfg.rules.fields import Shape, shapes_of
from portcfg.rules.inferred import Inferred, inferred_of, sampled_of
from portcfg.rules.lineages import Lineage, lineage_of
from portcfg.rules.samples import Sample
from portcfg.rules.shown import Widget, widgets_of
from portcfg.rules.written import Written, written_by
from portcfg.secret_forms import Secret, secrets_in


@dataclass(frozen=True)
class Portal:
    """The specs of one environment.

    `documents` have the right shape; `everything` also has those that don't, of which only the names are sure. `texts`
    are the files as they were read, by name, fragments and the project file included; `samples` what sources answered.
    """

    documents: tuple[Document, ...]
    everything: tuple[Document, ...]
    project: Project
    texts: Mapping[str, str] = field(default_factory=dict)
    samples: tuple[Sample, ...] = ()

    def of_kind(self, kind: str) -> list[Document]:
        """The documents of a kind that have the right shape."""
        return [document for document in self.documents if document.kind == kind]

    @cached_property
    def known(self) -> frozenset[Ref]:
        """What the specs have, in whatever shape, or say that Port has."""
        return frozenset({*(document.ref for document in self.everything), *self.project.external})

    @cached_property
    def blueprints(self) -> Mapping[str, Document]:
        """The blueprints by identifier; of two with the same one, the first."""
        return {document.ref.identifier: document for document in reversed(self.of_kind("blueprint"))}

    @cached_property
    def shapes(self) -> Mapping[str, Shape]:
        """What each blueprint of the specs has; those that only Port has are not in it."""
        return shapes_of(self.blueprints)

    @cached_property
    def widgets(self) -> tuple[Widget, ...]:
        """Every widget that shows something, of all dashboards."""
        dashboards = self.of_kind("dashboard")
        return tuple(widget for document in dashboards for widget in widgets_of(document, self.project))

    @cached_property
    def written(self) -> tuple[Written, ...]:
        """Every expression by which a mapping makes a part of an entity."""
        return tuple(each for document in self.of_kind("mapping") for each in written_by(document))

    @cached_property
    def inferred(self) -> tuple[Inferred, ...]:
        """The same, each with the type of what it gives."""
        variables = self.project.variables
        return tuple(each for document in self.of_kind("mapping") for each in inferred_of(document, variables))

    @cached_property
    def sampled(self) -> tuple[Inferred, ...]:
        """Those whose rows are in samples, with the type that they have by these too."""
        variables, samples = self.project.variables, self.samples
        documents = self.of_kind("mapping") if samples else []
        return tuple(each for document in documents for each in sampled_of(document, variables, samples))

    @cached_property
    def lineage(self) -> Lineage:
        """Who writes and who reads each part of each blueprint."""
        return lineage_of(self.shapes, self.written, self.widgets, self.of_kind("mapping"), self.project)

    @cached_property
    def secrets(self) -> Mapping[str, tuple[Secret, ...]]:
        """What looks like a secret, by file."""
        return {file: found for file, text in self.texts.items() if (found := tuple(secrets_in(text)))}
