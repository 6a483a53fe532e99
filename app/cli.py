"""`flask kb …`: each command reads its input, calls one function, says what it did in a line, and is safe to run twice."""
