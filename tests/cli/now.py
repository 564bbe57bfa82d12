"""A clock that stands still."""

from datetime import UTC, datetime


def NOW() -> datetime:  # noqa: N802 - reads as the constant it is
    """Always the same moment."""
    return datetime(2026, 11, 22, tzinfo=UTC)
