"""Worker processes that are started on other nodes or as MPI ranks, and what they are told.

These programs start in great numbers and wait for work, so they import nothing of the package that
is not here; what tasks need is imported by the processes that run them.
"""
