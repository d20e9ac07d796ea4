"""The one public path of crash-embed."""
