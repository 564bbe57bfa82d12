"""PC307: parameters of a path without values, and values for none."""

from __future__ import annotations

from portcfg.rules.mappings.configs import topic
from portcfg.rules.rule import Rule

RULE = Rule("PC307", topic("path parameters"))
