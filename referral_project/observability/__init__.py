"""What an operator sees of the running service: access lines, metrics, and traces and errors where wanted."""
