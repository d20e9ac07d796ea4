"""Records outcomes and the fate of every submission."""
