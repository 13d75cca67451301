"""The recorded runs: which there must be, how they are made, and the proof that they are true."""

from .jobs import Job, list_jobs
from .making import locked, make_records, plan
from .table import results
from .verification import verify_records

__all__ = ["Job", "list_jobs", "locked", "make_records", "plan", "results", "verify_records"]
