"""Frames become files, and Parquet files become frames again.

This folder owns the file formats, the names that Hive gives to partitions, and the rule that a file
appears whole or not at all. It must not import `paging`, `http`, `cache`, `client` or anything
above them.
"""
