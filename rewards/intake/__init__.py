"""From an event that is reported to rewards that are written, once and all or nothing."""
