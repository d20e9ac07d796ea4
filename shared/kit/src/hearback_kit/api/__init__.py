"""What HTTP APIs of all services share: request rules, query parameters, pages, exports."""
