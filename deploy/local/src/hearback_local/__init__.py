"""The `hearback` command: a whole fleet (stores, services and edge) on one machine."""
