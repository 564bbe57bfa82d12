"""Values -> text, JSON or markdown. Pure: everything returns str, nothing prints."""
