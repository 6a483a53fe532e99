"""The JSON API and how it describes itself."""
