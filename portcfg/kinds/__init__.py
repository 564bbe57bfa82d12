"""The table of kinds. A new kind is one row here, one schema in schemas/, one example spec: see CONTRIBUTING.md."""

from portcfg.kinds.base import Kind, load_schema
from portcfg.kinds.blueprint import BLUEPRINT
from portcfg.kinds.dashboard import DASHBOARD
from portcfg.kinds.folder import FOLDER
from portcfg.kinds.mapping import MAPPING

KINDS: dict[str, Kind] = {kind.name: kind for kind in (BLUEPRINT, MAPPING, FOLDER, DASHBOARD)}

__all__ = ["KINDS", "Kind", "load_schema"]
