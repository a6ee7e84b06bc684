"""Figures, their spread, the processor and memory they cost, and the verdict."""
