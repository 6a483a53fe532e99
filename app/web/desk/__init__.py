"""What agents work with."""
