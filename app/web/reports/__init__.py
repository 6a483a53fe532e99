"""The reports as pages, files and mail: numbers in words, charts, audits, and what managers do with them."""
