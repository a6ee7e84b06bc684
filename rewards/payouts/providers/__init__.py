"""The peers that pay. One module a dialect, all of the same shape (`base.Peer`)."""
