"""Events in: told, checked, redacted, stored once, and from files."""
