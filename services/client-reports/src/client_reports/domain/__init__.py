"""Rules of client reports, fates, statistics and alerts: no I/O, no clock."""
