"""Amounts and moments as people read them, in their language."""
