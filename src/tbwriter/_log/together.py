"""Several channels at once: a flush or close of a writer and all runs below it has one deadline."""
from __future__ import annotations

from typing import Sequence, Tuple

from .worker import Served, Work, settle, worker


def flush_all(jobs: Sequence[Tuple[Served, Work]], timeout: float, patient: bool = False) -> None:
    """Flush several channels and do the work of each, by one deadline. Raises the first error."""
    _raise_first(settle(jobs, timeout, patient))
    _report([channel for channel, _ in jobs])


def close_all(channels: Sequence[Served], timeout: float) -> None:
    """Flush and close several logs by one deadline. Raises the first error."""
    failed = settle([(channel, channel.log.close) for channel in channels], timeout, True)
    left = {id(channel) for channel, _ in failed}
    for channel, _ in failed:
        channel.end_whole()
        worker.serve(channel)
    for channel in channels:
        if id(channel) not in left:
            try:
                worker.leave(channel)
            finally:
                channel.queue.wake_at = 0
            if channel.queue.items:  # another thread continues
                worker.serve(channel)
    _raise_first(failed)
    _report(channels)


def _raise_first(failed: Sequence[Tuple[Served, Exception]]) -> None:
    """Raise the first of the errors that `settle` has returned, in place of the warnings."""
    for channel, _ in failed:
        channel.retry.outage = ""
    for _, error in failed:
        raise error


def _report(channels: Sequence[Served]) -> None:
    for channel in channels:
        if channel.retry.outage or channel.retry.notices:
            channel.report()
