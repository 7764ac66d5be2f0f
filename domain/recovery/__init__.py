"""After a backup was put back: what was lost is named, and nothing that others know is reused."""
