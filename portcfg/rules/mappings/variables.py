"""PC304: variables that can't be: a name that is taken, a value that the mapping itself doesn't allow."""

from __future__ import annotations

from portcfg.rules.mappings.configs import topic
from portcfg.rules.rule import Rule

RULE = Rule("PC304", topic("reserved", "variables"))
