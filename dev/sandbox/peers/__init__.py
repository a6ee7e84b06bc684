"""The stand-in peers: what each keeps and answers."""
