"""Database migrations (Alembic); this stands on floor 5 because it knows the tables of every room."""
