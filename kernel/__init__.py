"""What every app speaks: refusals, typed input, exact amounts and times. It knows no table and no page."""
