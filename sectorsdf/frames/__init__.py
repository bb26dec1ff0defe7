"""Records become Arrow columns, and Arrow columns become pandas frames.

This folder owns the shape of every frame: names, dtypes, order, problems, provenance. It must not
import `io`, `paging`, `http` or anything above them.
"""
