"""The recorded runs: which there are to be, how they are made, and the proof that they are true."""

from .records import list_jobs, locked, make_records, plan, results
from .verification import verify_record

__all__ = ["list_jobs", "locked", "make_records", "plan", "results", "verify_record"]
