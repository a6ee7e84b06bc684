"""`/my/*`: calls for a signed-in user."""
