"""The launcher: starts stores and services as child processes, keeps them running and stops them in order."""
