"""Who a visitor is to us, and what their browser reports."""
