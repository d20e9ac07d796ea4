"""The public path of crash-embed."""
