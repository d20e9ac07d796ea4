"""Owns user reports, the index of error events, and error groups; links reports to their events.

It never stores feedback: what is linked is handed on, and the feedback service decides what becomes of it.
"""
