"""PC5xx: what is read and never written, and what is written and never read."""

from portcfg.rules.lineage import unfilled, unfilled_readers, unknown_writers, unread, unwritten
from portcfg.rules.rule import Rule

RULES: tuple[Rule, ...] = (
    unfilled.RULE,
    unfilled_readers.RULE,
    unwritten.RULE,
    unread.RULE,
    unknown_writers.RULE,
)
