"""The recorded runs: which there must be, how they are made, and the proof that they are true."""

from .jobs import Job, list_jobs
from .making import locked, make_records, plan
from .many import Many, list_many, make_seeds, verify_many
from .table import results
from .verification import verify_records

__all__ = [
    "Job",
    "Many",
    "list_jobs",
    "list_many",
    "locked",
    "make_records",
    "make_seeds",
    "plan",
    "results",
    "verify_many",
    "verify_records",
]
