"""Questions that ask the same thing, put together, named and mended by editors."""
