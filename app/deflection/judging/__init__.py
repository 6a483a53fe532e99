"""Events → sessions, searches, needs and their outcomes, kept in the ledger and explained by the audit."""
