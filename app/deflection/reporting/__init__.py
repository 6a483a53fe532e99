"""Numbers of a period, each with its size and interval, from judged needs."""
