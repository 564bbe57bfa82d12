"""portcfg on GitHub Actions: what the event says, what a job tells, and what is posted through GitHub's REST API."""
