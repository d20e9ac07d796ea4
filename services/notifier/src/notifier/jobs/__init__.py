"""One module per periodic job."""
