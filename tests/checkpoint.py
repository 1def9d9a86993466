"""What one answer says so far, saved as its process saves it."""

from apps.chat import checkpoints
from apps.chat.asking import Job
from apps.chat.generations import Written


def checkpoint(job: Job, written: Written) -> bool:
    """Whether there was still something to save it in."""
    saved, _ = checkpoints.save({job.message: (job, written)})
    return job.message in saved
