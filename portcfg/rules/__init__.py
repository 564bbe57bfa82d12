"""Rules over Documents of the right shape: one module a topic, a stable id each. All are listed in RULES."""

from collections.abc import Callable, Iterable, Sequence

from portcfg.errors import Problem
from portcfg.model import Document, Project
from portcfg.rules.blueprints import blueprint_problems
from portcfg.rules.dashboards import dashboard_problems
from portcfg.rules.mappings import mapping_rule
from portcfg.rules.names import duplicate_identifiers, missing_targets, own_blueprint
from portcfg.rules.old_names import old_name_problems
from portcfg.rules.places import place_problems
from portcfg.rules.renames import rename_problems

Rule = Callable[[Sequence[Document], Sequence[Document], Project], Iterable[Problem]]
"""(documents of the right shape, all documents, project) -> problems"""

RULES: tuple[Rule, ...] = (
    duplicate_identifiers,
    missing_targets,
    own_blueprint,
    blueprint_problems,
    rename_problems,
    old_name_problems,
    dashboard_problems,
    place_problems,
    mapping_rule,
)
