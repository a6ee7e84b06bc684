"""Shapes of answers, of which the API’s description is made."""
