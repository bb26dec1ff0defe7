"""Findings and summaries over frames: what is wrong in the data, and what it adds up to.

This folder owns the public checks and summaries of frames that the user already has. It sends no
request and changes no frame. It must not import `client`, `mining` or anything above them.
"""
