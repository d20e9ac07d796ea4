"""Counts outcomes and keeps the fate of every submission; never decides what becomes of one."""
